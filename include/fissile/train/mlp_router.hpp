// MoEfication's router (Zhang et al. 2022): a small network learns to foretell the oracle's scores.
//
//   scores = second . tanh(first . x / ||x||)          no biases; mlp_scorer computes it in inference
//   loss   = mean over tokens and experts of - t log sigmoid(score) - (1 - t) log(1 - sigmoid(score))
//   t      = oracle's score / largest of the batch
//
// `first` begins as the mean of the experts' normalised neuron rows, `second` as the identity; Adam at 1e-2, 30 epochs,
// a tenth of the tokens held out. How good it is: the share of the oracle's scores that its own choice captures,
//   captured = sum over chosen of s / sum over the oracle's k best of s.
#pragma once

#include <fissile/route/centroid_scorer.hpp>
#include <fissile/train/product.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile {

/// The two matrices, plain data. The numbers of `first`, then those of `second`.
template <std::floating_point A>
struct mlp_matrices {
  index_t width = 0, hidden = 0, experts = 0;
  std::vector<A> numbers = {};

  matrix_view<const A> first() const noexcept { return {numbers.data(), hidden, width}; }
  matrix_view<const A> second() const noexcept { return {numbers.data() + hidden * width, experts, hidden}; }
  matrix_view<A> first() noexcept { return {numbers.data(), hidden, width}; }
  matrix_view<A> second() noexcept { return {numbers.data() + hidden * width, experts, hidden}; }
  friend bool operator==(const mlp_matrices&, const mlp_matrices&) = default;
};

/// What training starts from; hidden = experts, as in the paper. Throws what `centroids_of` throws.
template <std::floating_point A, element T>
mlp_matrices<A> mlp_start(const ffn_weights<T>& ffn, const partition& split) {
  const std::vector<float> centroids = centroids_of(ffn, split);
  const index_t experts = split.experts();
  mlp_matrices<A> made{ffn.width(), experts, experts, {centroids.begin(), centroids.end()}};
  made.numbers.resize(to_size(experts * (ffn.width() + experts)));
  for (index_t expert = 0; expert < experts; ++expert) made.second()(expert, expert) = 1;
  return made;
}

/// Forward and backward of the network over a batch; memory for both, sized once.
template <std::floating_point A>
class mlp_trainer {
public:
  mlp_trainer(const mlp_matrices<A>& like, index_t batch)
      : batch_(batch),
        hidden_(to_size(batch * like.hidden)),
        hidden_slope_(hidden_.size()),
        scores_(to_size(batch * like.experts)) {}

  /// tokens: normalised, [tokens x width]. The scores are good until the next call. [tokens x experts]
  matrix_view<const A> scores(const mlp_matrices<A>& net, matrix_view<const A> tokens) noexcept {
    Expects(tokens.rows() <= batch_ && tokens.columns() == net.width);
    const matrix_view<A> hidden{hidden_.data(), tokens.rows(), net.hidden};
    const matrix_view<A> scores{scores_.data(), tokens.rows(), net.experts};
    std::fill(hidden_.begin(), hidden_.end(), A(0));
    std::fill(scores_.begin(), scores_.end(), A(0));
    space_.add_product(pick(tokens).swapped(), pick(net.first()).swapped(), pick(hidden));
    for (A& value : hidden_) value = std::tanh(value);
    space_.add_product(pick(matrix_view<const A>(hidden)).swapped(), pick(net.second()).swapped(), pick(scores));
    return scores;
  }

  /// The loss against targets from 0 to 1, [tokens x experts]; adds its gradient to `into`, laid out as the numbers.
  double add_gradient(const mlp_matrices<A>& net, matrix_view<const A> tokens, matrix_view<const A> targets,
                      mlp_matrices<A>& into) noexcept {
    Expects(into.numbers.size() == net.numbers.size());
    scores(net, tokens);
    const matrix_view<A> slope{scores_.data(), tokens.rows(), net.experts};
    const double each = 1 / static_cast<double>(tokens.rows() * net.experts);
    double loss = 0;
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t expert = 0; expert < net.experts; ++expert) {
        const A score = slope(token, expert), target = targets(token, expert);
        const A small = std::exp(-std::abs(score));  // max(z, 0) - z t + log(1 + exp(-|z|)) never overflows
        loss += each * static_cast<double>(std::max(score, A(0)) - score * target + std::log1p(small));
        const A value = score >= 0 ? 1 / (1 + small) : small / (1 + small);
        slope(token, expert) = static_cast<A>(each) * (value - target);
      }
    }
    const matrix_view<const A> hidden{hidden_.data(), tokens.rows(), net.hidden};
    const matrix_view<A> back{hidden_slope_.data(), tokens.rows(), net.hidden};
    std::fill(hidden_slope_.begin(), hidden_slope_.end(), A(0));
    space_.add_product(pick(matrix_view<const A>(slope)), pick(hidden), pick(into.second()));
    space_.add_product(pick(matrix_view<const A>(slope)).swapped(), pick(net.second()), pick(back));
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t i = 0; i < net.hidden; ++i) back(token, i) *= 1 - hidden(token, i) * hidden(token, i);
    }
    space_.add_product(pick(matrix_view<const A>(back)), pick(tokens), pick(into.first()));
    return loss;
  }

private:
  index_t batch_;
  std::vector<A> hidden_, hidden_slope_;  // [batch x hidden]
  std::vector<A> scores_;                 // [batch x experts]: scores, then their slopes
  product_space<A> space_;
};

}  // namespace fissile
