// The rows of a router, learned by giving what a dense layer gives. Where some experts are shared, a layer of the
// others learns to give what the shared ones leave.
#pragma once

#include "convert_layers.hpp"
#include "convert_words.hpp"
#include "moe_plan.hpp"

#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/distil.hpp>
#include <fissile/weights/owned_ffn.hpp>

#include <algorithm>
#include <vector>

namespace fissile::unravel {

/// These neurons as a layer of their own, in this order.
inline owned_ffn<float> neurons_of(const ffn_weights<float>& ffn, vector_view<const index_t> neurons) {
  owned_ffn<float> made{.width = ffn.width(), .neurons = neurons.length()};
  for (const index_t neuron : neurons) {
    made.gate.insert(made.gate.end(), ffn.gate.row(neuron).begin(), ffn.gate.row(neuron).end());
    made.up.insert(made.up.end(), ffn.up.row(neuron).begin(), ffn.up.row(neuron).end());
  }
  for (index_t row = 0; row < ffn.width(); ++row) {
    for (const index_t neuron : neurons) made.down.push_back(ffn.down(row, neuron));
  }
  return made;
}

/// The outputs of samples become what the shared experts leave of them.
inline void subtract_shared(const ffn_weights<float>& ffn, const partition& split, layer_samples& samples) {
  constexpr index_t at_once = 256;
  const sparse_ffn run{borrow(ffn, split), silu{}};
  workspace work{run, {.batch = at_once}};
  const std::vector<index_t> shared = split.shared_experts();
  std::vector<float> added(to_size(at_once * samples.width));
  for (index_t first = 0; first < samples.tokens(); first += at_once) {
    const index_t count = std::min(at_once, samples.tokens() - first), numbers = count * samples.width;
    work.choose_these(count, shared);
    run(samples.input().rows(first, count), work, {added.data(), count, samples.width});
    float* outputs = samples.outputs.data() + first * samples.width;
    for (index_t i = 0; i < numbers; ++i) outputs[i] -= added[to_size(i)];
  }
}

/// [routed experts x width]. Changes the outputs of `samples` where experts are shared, which come first.
inline std::vector<float> distilled_rows(const ffn_weights<float>& ffn, const partition& split, layer_samples& samples,
                                         distil_settings fit) {
  fit.batch = std::min(fit.batch, samples.tokens());
  const auto learn = [&](const ffn_weights<float>& layer, const partition& experts) {
    distiller pupil{layer, experts, silu{}, fit};
    drawn_batch batch{samples, fit.batch};
    while (!pupil.done()) {
      batch.draw(fit.seed, pupil.state().steps);
      pupil.step(batch.inputs(), batch.outputs());
    }
    return pupil.state().router;
  };
  const index_t shared = length(split.shared_experts());
  if (shared == 0) return learn(ffn, split);
  subtract_shared(ffn, split, samples);
  const owned_ffn<float> routed = neurons_of(ffn, split.experts(shared, split.experts()));
  return learn(routed.view(), even_slices{}.split(routed.neurons, split.experts() - shared));
}

}  // namespace fissile::unravel
