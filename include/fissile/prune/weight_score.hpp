// A weight score: gives every weight of a linear layer a number that says how much it matters.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/view.hpp>
#include <fissile/prune/judge.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

namespace fissile {

/// weight_score: gives the weights of one output, a row of [outputs x inputs], their scores: the lower, the sooner one
/// goes.
///
///   std::string name()   with what distinguishes it from others of its kind: "wanda(guide)"
///   evidence seen()      the text behind it; {} where it looks at none
///   void score(index_t output, vector_view<const double> weights, vector_view<double> scores)   both [inputs]
///
/// Law: every score is written, and the same row gets the same scores whatever was scored before. A score that is NaN
/// is defined: such a weight goes last. Evidence that does not fit the row is refused by shape_error.
/// Satisfied by weight_magnitude, wanda, wanda_ratio, random_weights.
template <class S>
concept weight_score = requires(const S& policy, index_t output, vector_view<const double> weights,
                                vector_view<double> scores) {
  { policy.name() } -> std::same_as<std::string>;
  { policy.seen() } -> std::same_as<evidence>;
  { policy.score(output, weights, scores) } -> std::same_as<void>;
};

/// What a matrix of weights holds: an element, constant or not.
template <class T>
concept stored_weight = element<std::remove_const_t<T>>;

/// Calls sink(output, scores) for every row of weights, [outputs x inputs], ascending. scores: [inputs], of this row.
template <stored_weight T, weight_score Score, class Sink>
void score_rows(matrix_view<T> weights, const Score& by, const Sink& sink) {
  std::vector<double> row(to_size(weights.columns()));
  std::vector<double> scores(row.size());
  for (index_t output = 0; output < weights.rows(); ++output) {
    for (index_t input = 0; input < weights.columns(); ++input) {
      row[to_size(input)] = widen<double>(std::remove_const_t<T>{weights(output, input)});
    }
    by.score(output, row, scores);
    sink(output, vector_view<const double>{scores});
  }
}

/// The scores of all weights, 8 bytes each. Those of several matrices one after the other are what `outlier_level`
/// wants of a layer. [outputs x inputs]
template <stored_weight T, weight_score Score>
std::vector<double> scores_of(matrix_view<T> weights, const Score& by) {
  std::vector<double> all;
  all.reserve(to_size(weights.rows() * weights.columns()));
  score_rows(weights, by,
             [&](index_t, vector_view<const double> scores) { all.insert(all.end(), scores.begin(), scores.end()); });
  return all;
}

}  // namespace fissile
