// A random Finedeep layer, and the same in plain loops and doubles, written from the formulas.
#pragma once

#include <fissile/recipes/finedeep.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "support/random_ffn.hpp"

namespace fissile {
namespace finedeep_tests {

enum class extras { none, routers, norms, both };
constexpr std::array every_extra{extras::none, extras::routers, extras::norms, extras::both};

/// A layer, its tokens and dL/dout, in numbers that may be changed.
template <std::floating_point A>
struct finedeep_case {
  finedeep_case(std::uint64_t seed, extras with) {
    random_source random{seed};
    chosen = {.sublayers = 1 + random.below(4), .experts = 1 + random.below(4), .epsilon = 1e-3, .seed = seed};
    width = 1 + random.below(9);
    batch = 1 + random.below(7);
    fill(random, with);
  }
  finedeep_case(finedeep::choices settings, index_t layer_width, index_t count, extras with)
      : chosen(settings), width(layer_width), batch(count) {
    random_source random{settings.seed};
    fill(random, with);
  }
  void fill(random_source& random, extras with) {
    const index_t neurons = chosen.sublayers * chosen.experts * (1 + random.below(4));
    ffn = testing::random_ffn<A>(random, {.width = width, .neurons = neurons});
    tokens = testing::random_numbers<A>(random, batch * width);
    slopes = testing::random_numbers<A>(random, batch * width);
    if (with == extras::routers || with == extras::both) routers = finedeep::random_routers<A>(width, chosen);
    if (with == extras::norms || with == extras::both) {
      norms = finedeep::unit_norms<A>(width, chosen);
      for (A& gain : norms) gain += static_cast<A>(0.3 * random.normal());
    }
  }

  index_t experts() const { return chosen.sublayers * chosen.experts; }
  matrix_view<const A> tokens_view() const { return {tokens.data(), batch, width}; }
  auto layer() const {
    finedeep_weights<A, A> weights{.ffn = ffn.view()};
    if (!routers.empty()) weights.routers = {routers.data(), experts(), width};
    if (!norms.empty()) weights.norms = {norms.data(), chosen.sublayers, width};
    return finedeep::layer(weights, silu{}, chosen);
  }
  std::vector<A> run() const {
    const auto made = layer();
    training_scratch<A> scratch{made, {.batch = batch}};
    finedeep_tape remembered{made, scratch};
    std::vector<A> out(tokens.size());
    made.forward(tokens_view(), remembered, {out.data(), batch, width});
    return out;
  }

  finedeep::choices chosen;
  index_t width = 0, batch = 0;
  owned_ffn<A> ffn;
  std::vector<A> tokens, slopes, routers, norms;
};

/// h_M of one token: an expert at a time, a number at a time, in double.
template <std::floating_point A>
std::vector<double> plain_finedeep(const finedeep_case<A>& given, index_t token) {
  const auto at = [](const std::vector<A>& numbers, index_t i) { return static_cast<double>(numbers[to_size(i)]); };
  const index_t d = given.width, n = given.ffn.neurons / given.experts();
  std::vector<double> h;
  for (index_t i = 0; i < d; ++i) h.push_back(at(given.tokens, token * d + i));
  for (index_t j = 0; j < given.chosen.sublayers; ++j) {
    std::vector<double> x = h, sum = h;
    if (!given.norms.empty()) {
      double squares = 0;
      for (const double value : h) squares += value * value;
      const double root = std::sqrt(squares / static_cast<double>(d) + given.chosen.epsilon);
      for (index_t i = 0; i < d; ++i) x[to_size(i)] = h[to_size(i)] / root * at(given.norms, j * d + i);
    }
    for (index_t expert = j * given.chosen.experts; expert < (j + 1) * given.chosen.experts; ++expert) {
      std::vector<double> output(to_size(d), 0.0);
      for (index_t neuron = expert * n; neuron < (expert + 1) * n; ++neuron) {
        double gate = 0, up = 0;
        for (index_t i = 0; i < d; ++i) {
          gate += at(given.ffn.gate, neuron * d + i) * x[to_size(i)];
          up += at(given.ffn.up, neuron * d + i) * x[to_size(i)];
        }
        for (index_t i = 0; i < d; ++i) {
          output[to_size(i)] += gate / (1 + std::exp(-gate)) * up * at(given.ffn.down, i * given.ffn.neurons + neuron);
        }
      }
      double score = 0;
      for (index_t i = 0; i < d && !given.routers.empty(); ++i) {
        score += output[to_size(i)] * at(given.routers, expert * d + i);
      }
      const double r = given.routers.empty() ? 1 : 1 / (1 + std::exp(-score));
      for (index_t i = 0; i < d; ++i) sum[to_size(i)] += r * output[to_size(i)];
    }
    h = sum;
  }
  return h;
}

}  // namespace finedeep_tests
}  // namespace fissile
