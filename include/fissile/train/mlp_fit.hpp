// Fits MoEfication's router to the oracle's scores of a corpus; mlp_router.hpp says what is learned.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/train/adam.hpp>
#include <fissile/train/mlp_router.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace fissile {

struct mlp_settings {
  index_t epochs = 30;
  double rate = 1e-2;
  double held_out = 0.1;   // share of the tokens, which are shuffled first
  double active = 0.2;     // share of the experts that `captured` looks at
  index_t batch = 512;     // ours: the paper's batch is not known to us
  std::uint64_t seed = 1;  // of the shuffles

  /// Throws setting_error where a setting is none.
  void check() const {
    if (epochs >= 1 && batch >= 1 && held_out > 0 && held_out < 1 && active > 0 && active <= 1) {
      return adam{.rate = rate}.check();
    }
    fail<setting_error>({.argument = "mlp_settings",
                         .expected = "epochs and batch from 1, held_out between 0 and 1, active above 0 and at most 1",
                         .got = std::to_string(epochs) + ", " + std::to_string(batch) + ", " +
                                std::to_string(held_out) + ", " + std::to_string(active)});
  }
};

template <std::floating_point A>
struct mlp_fit {
  mlp_matrices<A> net;
  double captured = 0;  // on the held-out tokens
  index_t epoch = 0;    // that the matrices are from: the one that captured most (ours), the earliest of equals
};

/// Sum of the oracle's scores of the k experts that `scores` puts first; ties go to the lower expert.
template <std::floating_point A>
double captured_by(vector_view<const A> scores, vector_view<const float> oracle, index_t k) {
  std::vector<float> keys(to_size(scores.length()));
  for (index_t i = 0; i < scores.length(); ++i) keys[to_size(i)] = static_cast<float>(scores[i]);
  route chosen{scores.length()};
  top_k{.k = k}.select({keys, keys}, chosen);
  double sum = 0;
  for (const choice& c : chosen) sum += static_cast<double>(oracle[c.expert]);
  return sum;
}

/// tokens: [tokens x width], not normalised; oracle: the scores of the same tokens, not negative, [tokens x experts].
/// Throws shape_error and setting_error where they do not fit, or there are not two tokens.
template <std::floating_point A>
mlp_fit<A> fit_mlp_router(mlp_matrices<A> start, matrix_view<const float> tokens, matrix_view<const float> oracle,
                          const mlp_settings& chosen) {
  chosen.check();
  if (tokens.rows() < 2 || oracle.rows() != tokens.rows() || tokens.columns() != start.width ||
      oracle.columns() != start.experts) {
    fail<shape_error>({.argument = "fit_mlp_router: tokens, oracle",
                       .expected = "[n x " + std::to_string(start.width) + "] and [n x " +
                                   std::to_string(start.experts) + "], n from 2",
                       .got = shape_of(tokens) + " and " + shape_of(oracle)});
  }
  const index_t numbers = start.hidden * (start.width + start.experts);
  if (length(start.numbers) != numbers) {
    fail<shape_error>({.argument = "fit_mlp_router: start",
                       .expected = std::to_string(numbers) + " numbers",
                       .got = std::to_string(start.numbers.size())});
  }
  random_source random{chosen.seed};
  std::vector<index_t> order = ascending(tokens.rows());
  shuffle(order, random);
  const auto tenth = static_cast<index_t>(std::lround(chosen.held_out * static_cast<double>(tokens.rows())));
  const index_t held = std::clamp<index_t>(tenth, 1, tokens.rows() - 1);
  const std::vector<index_t> held_out(order.end() - held, order.end());
  order.resize(order.size() - to_size(held));
  const auto k = std::max<index_t>(1, std::lround(chosen.active * static_cast<double>(start.experts)));

  std::vector<A> x(to_size(chosen.batch * start.width)), t(to_size(chosen.batch * start.experts));
  const auto gather = [&](const std::vector<index_t>& list, index_t first, index_t count) {
    A largest = 0;
    for (index_t i = 0; i < count; ++i) {
      const index_t token = list[to_size(first + i)];
      const float scale = inverse_norm(tokens.row(token));
      for (index_t j = 0; j < start.width; ++j) {
        x[to_size(i * start.width + j)] = static_cast<A>(scale * tokens(token, j));
      }
      for (index_t e = 0; e < start.experts; ++e) {
        t[to_size(i * start.experts + e)] = static_cast<A>(oracle(token, e));
        largest = std::max(largest, static_cast<A>(oracle(token, e)));
      }
    }
    for (index_t i = 0; i < count * start.experts && largest > 0; ++i) t[to_size(i)] /= largest;
    return std::pair{matrix_view<const A>{x.data(), count, start.width},
                     matrix_view<const A>{t.data(), count, start.experts}};
  };
  const auto each_batch = [&](const std::vector<index_t>& list, const auto& body) {
    for (index_t first = 0; first < length(list); first += chosen.batch) {
      body(first, gather(list, first, std::min(chosen.batch, length(list) - first)));
    }
  };

  mlp_trainer<A> trainer{start, chosen.batch};
  mlp_matrices<A> net = std::move(start), slope = net;
  adam_state<A> moments{length(net.numbers)};
  mlp_fit<A> best{.net = net, .captured = -1};
  for (index_t epoch = 1; epoch <= chosen.epochs; ++epoch) {
    shuffle(order, random);
    each_batch(order, [&](index_t, const auto& batch) {
      std::fill(slope.numbers.begin(), slope.numbers.end(), A(0));
      trainer.add_gradient(net, batch.first, batch.second, slope);
      adam{.rate = chosen.rate}.step<A>(net.numbers, slope.numbers, moments);
    });
    double got = 0, most = 0;
    each_batch(held_out, [&](index_t first, const auto& batch) {
      const matrix_view<const A> scores = trainer.scores(net, batch.first);
      for (index_t i = 0; i < scores.rows(); ++i) {
        const vector_view<const float> truth = oracle.row(held_out[to_size(first + i)]);
        got += captured_by<A>(scores.row(i), truth, k);
        most += captured_by<float>(truth, truth, k);
      }
    });
    const double captured = most > 0 ? got / most : 0;
    if (captured > best.captured) best = {.net = net, .captured = captured, .epoch = epoch};
  }
  return best;
}

}  // namespace fissile
