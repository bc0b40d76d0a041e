// Runs borrowed experts: first the hidden activations of every chosen expert, then the outputs.
//
// The first part is cut by expert and token, the second by output, so that each output is summed by one task in one
// order: the bits do not depend on threads or on how tokens are batched.
#pragma once

#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/route/workspace.hpp>

#include <algorithm>

namespace fissile::detail {

template <expert_storage Storage, activation Activation>
class borrowed_run {
public:
  using element_type = typename Storage::element_type;

  borrowed_run(const Storage& storage, const Activation& activate, workspace& work) noexcept
      : storage_(storage), activate_(activate), work_(work) {}

  void hidden(matrix_view<const float> tokens) const noexcept {
    const index_t slices = work_.tasks();
    work_.run()(slices, [&](index_t slice) noexcept { hidden_slice(tokens, slice, slices); });
  }
  /// out += the experts' outputs and the bias.
  void outputs(matrix_view<float> out) const noexcept {
    const index_t slices = work_.tasks();
    work_.run()(slices, [&](index_t slice) noexcept { output_slice(out, slice, slices); });
  }

private:
  static constexpr index_t neurons_at_once = 64;

  const partition& split() const noexcept { return storage_.experts(); }
  index_t experts() const noexcept { return split().experts(); }

  /// Neighbouring experts that serve the same tokens at the same weights, run as one: the sums and their order are
  /// the same, and small experts get the speed of large ones.
  struct expert_run {
    index_t first, last;
    expert_view<element_type> expert;
    vector_view<const workspace::member> group;
  };
  expert_run run_from(index_t first) const noexcept {
    index_t last = first + 1;
    if constexpr (requires { storage_.joined(first, last); }) {
      const auto same = [](const workspace::member& a, const workspace::member& b) noexcept {
        return a.token == b.token && a.weight == b.weight;
      };
      const auto group = work_.group(first);
      for (; last < experts() && split().offset(last + 1) - split().offset(first) <= work_.tile_positions(); ++last) {
        const auto next = work_.group(last);
        if (!std::equal(group.begin(), group.end(), next.begin(), next.end(), same)) break;
      }
      return {first, last, storage_.joined(first, last), group};
    } else {
      return {first, last, storage_.expert(first), work_.group(first)};
    }
  }

  /// Every slices-th piece of work, where a piece is up to `neurons_at_once` neurons of a run of experts for up to
  /// `lanes` of its tokens.
  void hidden_slice(matrix_view<const float> tokens, index_t slice, index_t slices) const noexcept {
    index_t piece = 0;
    for (index_t e = 0; e < experts();) {
      const expert_run run = run_from(e);
      e = run.last;
      for (index_t first = 0; first < run.group.length(); first += lanes) {
        const auto group = run.group.part(first, std::min(lanes, run.group.length() - first));
        for (index_t neuron = 0; neuron < run.expert.neurons.length(); neuron += neurons_at_once) {
          if (piece++ % slices != slice) continue;
          compute_piece(tokens, {run.first, run.last, run.expert, group}, neuron, slice);
        }
      }
    }
  }

  void compute_piece(matrix_view<const float> tokens, const expert_run& run, index_t neuron,
                     index_t slice) const noexcept {
    const auto neurons_here =
        run.expert.neurons.part(neuron, std::min(neurons_at_once, run.expert.neurons.length() - neuron));
    const token_tile tile = make_tile(
        storage_.width(), run.group.length(),
        [&](index_t lane) noexcept { return tokens.row(run.group[lane].token).data(); }, work_.tile(slice).data());
    const matrix_view<float> hidden = work_.hidden(split().neurons());
    const index_t at = split().offset(run.first) + neuron;
    compute_hidden(run.expert.ffn, activate_, neurons_here, tile, [&](index_t j, index_t lane, float value) noexcept {
      hidden(run.group[lane].token, at + j) = value;
    });
  }

  /// All terms of the slice's share of outputs, experts ascending.
  void output_slice(matrix_view<float> out, index_t slice, index_t slices) const noexcept {
    const index_t from = storage_.width() * slice / slices;
    const index_t to = storage_.width() * (slice + 1) / slices;
    const auto bias = storage_.down_bias();
    if (!bias.empty()) {
      for (index_t token = 0; token < out.rows(); ++token) {
        for (index_t i = from; i < to; ++i) out(token, i) += static_cast<float>(bias[i]);
      }
    }
    for (index_t e = 0; e < experts();) {
      const expert_run run = run_from(e);
      e = run.last;
      for (index_t first = 0; first < run.group.length(); first += lanes) {
        const auto group = run.group.part(first, std::min(lanes, run.group.length() - first));
        add_outputs({run.first, run.last, run.expert, group}, out, {from, to}, slice);
      }
    }
  }

  struct output_range {
    index_t from, to;
  };
  void add_outputs(const expert_run& run, matrix_view<float> out, output_range range, index_t slice) const noexcept {
    const matrix_view<const float> hidden = work_.hidden(split().neurons());
    float* scratch = work_.tile(slice).data();
    const vector_view<const workspace::member> group = run.group;
    const index_t positions = run.expert.neurons.length();
    const index_t stride = group.length() == 1 ? 1 : lanes;
    for (index_t lane = 0; lane < stride; ++lane) {
      if (lane >= group.length()) {
        for (index_t j = 0; j < positions; ++j) scratch[j * stride + lane] = 0.0f;
        continue;
      }
      const float* row = hidden.row(group[lane].token).data() + split().offset(run.first);
      const float weight = group[lane].weight;  // it multiplies the hidden activation
      for (index_t j = 0; j < positions; ++j) scratch[j * stride + lane] = weight * row[j];
    }
    multiply_rows<element_type>(
        range.to - range.from, [&](index_t r) noexcept { return run.expert.ffn.down.row(range.from + r).data(); },
        [&](index_t j) noexcept { return run.expert.neurons[j]; }, token_tile{scratch, positions, group.length()},
        [&](index_t r, index_t lane) noexcept { return out(group[lane].token, range.from + r); },
        [&](index_t r, index_t lane, float sum) noexcept { out(group[lane].token, range.from + r) = sum; });
  }

  const Storage& storage_;
  const Activation& activate_;
  workspace& work_;
};

}  // namespace fissile::detail
