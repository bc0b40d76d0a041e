// Before anything is timed: our layer gives the reference's numbers, all experts on and as drawn.
#pragma once

#include "draws.hpp"

#include <fissile/fissile.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace fissile::bench {

/// The neurons of the experts that `token` uses, as a dense layer.
template <element T>
owned_ffn<T> only_chosen(const ffn_weights<T>& ffn, const partition& split, const route& chosen) {
  std::vector<index_t> kept;
  for (const choice& c : chosen) {
    const auto members = split.expert(c.expert);
    kept.insert(kept.end(), members.begin(), members.end());
  }
  owned_ffn<T> part{.width = ffn.width(), .neurons = length(kept)};
  for (const index_t neuron : kept) {
    part.gate.insert(part.gate.end(), ffn.gate.row(neuron).begin(), ffn.gate.row(neuron).end());
    part.up.insert(part.up.end(), ffn.up.row(neuron).begin(), ffn.up.row(neuron).end());
  }
  for (index_t i = 0; i < ffn.width(); ++i) {
    for (const index_t neuron : kept) part.down.push_back(ffn.down(i, neuron));
  }
  return part;
}

struct check_input {
  matrix_view<const float> tokens;
  bool rounded = false;  // whether inputs are rounded to bf16
};

/// Throws where the layer is not exact. ffn: what the layer should compute, widened; drawn: of a batch of tokens.
template <class Layer, element T>
void check_exact(const Layer& layer, const ffn_weights<T>& ffn, const draws& drawn, check_input given) {
  const matrix_view<const float> tokens = given.tokens;
  std::vector<float> numbers(to_size(tokens.rows() * tokens.columns()));
  const matrix_view<float> out{numbers.data(), tokens.rows(), tokens.columns()};
  workspace work{layer, {.batch = tokens.rows()}};
  const auto demand = [&](double error, const char* when) {
    // Rounded inputs are exact only to bf16's 8 bits, met at both products.
    const double bound = given.rounded ? 0x1p-7 : exactness_bound;
    if (!(error <= bound)) throw std::runtime_error(fmt::format("not exact, {}: {:.3g} > {:.3g}", when, error, bound));
  };
  work.choose_all(tokens.rows(), layer.experts());
  layer(tokens, work, out);
  demand(exactness(ffn, silu{}, tokens, out), "all experts on");
  choose(drawn[0], tokens.rows(), work);
  layer(tokens, work, out);
  const index_t last = tokens.rows() - 1;
  const owned_ffn<T> part = only_chosen(ffn, layer.split(), work.routes()[last]);
  demand(exactness(part.view(), silu{}, tokens.rows(last, 1), matrix_view<const float>(out).rows(last, 1)), "as drawn");
}

}  // namespace fissile::bench
