// The sparse layer: runs the chosen experts of every token of a batch, and only those.
//
//   y = down_bias + sum over chosen experts e, ascending, of weight_e * down_e . hidden_e(x)
//
// Two parallel parts. First the hidden activations, cut by expert and token; then the outputs, cut by output, so that
// each output is summed by one task in one order: the bits do not depend on threads or on how tokens are batched.
#pragma once

#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/route/workspace.hpp>
#include <fissile/run/observer.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace fissile {

template <class Storage, class Activation>
class sparse_ffn {
  static_assert(expert_storage<Storage>,
                "fissile::sparse_ffn, 1st policy: the experts, as `borrow(ffn, partition)` makes them "
                "(docs/concepts/expert_storage.md)");
  static_assert(activation<Activation>,
                "fissile::sparse_ffn, 2nd policy: an activation is `float operator()(float) const noexcept` "
                "(docs/concepts/activation.md)");

public:
  using element_type = typename Storage::element_type;

  sparse_ffn(Storage storage, Activation activate) : storage_(std::move(storage)), activate_(std::move(activate)) {}

  index_t width() const noexcept { return storage_.width(); }
  index_t neurons() const noexcept { return split().neurons(); }
  index_t experts() const noexcept { return split().experts(); }
  index_t largest_expert() const noexcept { return split().largest(); }
  const partition& split() const noexcept { return storage_.experts(); }

  /// out = layer(tokens), with the routes in `work`. tokens, out: [tokens x width]; they may not overlap.
  /// The observer is told after the work is done. Allocates nothing, throws nothing.
  template <observer Observer = no_observer>
  void operator()(matrix_view<const float> tokens, workspace& work, matrix_view<float> out,
                  Observer&& watch = {}) const noexcept {
    for (index_t token = 0; token < out.rows(); ++token) {
      std::fill(out.row(token).begin(), out.row(token).end(), 0.0f);
    }
    accumulate(tokens, work, out, watch);
  }

  /// out += layer(tokens): what a residual stream wants. The sums start at what `out` holds.
  template <observer Observer = no_observer>
  void accumulate(matrix_view<const float> tokens, workspace& work, matrix_view<float> out,
                  Observer&& watch = {}) const noexcept {
    Expects(tokens.columns() == width() && out.columns() == width());
    Expects(tokens.rows() == work.routes().length() && out.rows() == tokens.rows());
    Expects(neurons() <= work.neurons() && experts() <= work.experts() && width() <= work.width());
    Expects(lanes * largest_expert() <= work.tile(0).length());
    Expects(!overlap(tokens, out));
    work.group();
    for (index_t e = experts(); e < work.experts(); ++e) Expects(work.group(e).empty());  // no such expert here
    const index_t slices = work.tasks();
    work.run()(slices, [&](index_t slice) noexcept { hidden_slice(tokens, work, slice, slices); });
    work.run()(slices, [&](index_t slice) noexcept { output_slice(work, out, slice, slices); });
    tell(work, watch);
  }

private:
  static constexpr index_t neurons_at_once = 64;

  static bool overlap(matrix_view<const float> a, matrix_view<const float> b) noexcept {
    if (a.rows() == 0 || b.rows() == 0) return false;
    const float* a_end = a.row(a.rows() - 1).end();
    const float* b_end = b.row(b.rows() - 1).end();
    return std::less<>{}(a.data(), b_end) && std::less<>{}(b.data(), a_end);
  }

  /// Neighbouring experts that serve the same tokens at the same weights, run as one: the sums and their order are
  /// the same, and small experts get the speed of large ones.
  struct expert_run {
    index_t first, last;
    expert_view<element_type> expert;
    vector_view<const workspace::member> group;
  };
  expert_run run_from(index_t first, const workspace& work) const noexcept {
    index_t last = first + 1;
    if constexpr (requires { storage_.joined(first, last); }) {
      const auto same = [](const workspace::member& a, const workspace::member& b) noexcept {
        return a.token == b.token && a.weight == b.weight;
      };
      const auto group = work.group(first);
      for (; last < experts() && split().offset(last + 1) - split().offset(first) <= work.tile_positions(); ++last) {
        const auto next = work.group(last);
        if (!std::equal(group.begin(), group.end(), next.begin(), next.end(), same)) break;
      }
      return {first, last, storage_.joined(first, last), group};
    } else {
      return {first, last, storage_.expert(first), work.group(first)};
    }
  }

  /// Every slices-th piece of work, where a piece is up to `neurons_at_once` neurons of a run of experts for up to
  /// `lanes` of its tokens.
  void hidden_slice(matrix_view<const float> tokens, workspace& work, index_t slice, index_t slices) const noexcept {
    index_t piece = 0;
    for (index_t e = 0; e < experts();) {
      const expert_run run = run_from(e, work);
      e = run.last;
      for (index_t first = 0; first < run.group.length(); first += lanes) {
        const auto group = run.group.part(first, std::min(lanes, run.group.length() - first));
        for (index_t neuron = 0; neuron < run.expert.neurons.length(); neuron += neurons_at_once) {
          if (piece++ % slices != slice) continue;
          compute_piece(tokens, {run.first, run.last, run.expert, group}, neuron, {&work, slice});
        }
      }
    }
  }

  struct task_space {
    workspace* work;
    index_t slice;
  };
  void compute_piece(matrix_view<const float> tokens, const expert_run& run, index_t neuron,
                     task_space space) const noexcept {
    const auto neurons_here =
        run.expert.neurons.part(neuron, std::min(neurons_at_once, run.expert.neurons.length() - neuron));
    const token_tile tile = make_tile(
        width(), run.group.length(), [&](index_t lane) noexcept { return tokens.row(run.group[lane].token).data(); },
        space.work->tile(space.slice).data());
    const matrix_view<float> hidden = space.work->hidden(neurons());
    const index_t at = split().offset(run.first) + neuron;
    compute_hidden(run.expert.ffn, activate_, neurons_here, tile, [&](index_t j, index_t lane, float value) noexcept {
      hidden(run.group[lane].token, at + j) = value;
    });
  }

  /// All terms of the slice's share of outputs, experts ascending.
  void output_slice(workspace& work, matrix_view<float> out, index_t slice, index_t slices) const noexcept {
    const index_t from = width() * slice / slices;
    const index_t to = width() * (slice + 1) / slices;
    const auto bias = storage_.down_bias();
    if (!bias.empty()) {
      for (index_t token = 0; token < out.rows(); ++token) {
        for (index_t i = from; i < to; ++i) out(token, i) += static_cast<float>(bias[i]);
      }
    }
    for (index_t e = 0; e < experts();) {
      const expert_run run = run_from(e, work);
      e = run.last;
      for (index_t first = 0; first < run.group.length(); first += lanes) {
        const auto group = run.group.part(first, std::min(lanes, run.group.length() - first));
        add_outputs({run.first, run.last, run.expert, group}, out, {from, to}, {&work, slice});
      }
    }
  }

  struct output_range {
    index_t from, to;
  };
  void add_outputs(const expert_run& run, matrix_view<float> out, output_range range, task_space space) const noexcept {
    const matrix_view<const float> hidden = space.work->hidden(neurons());
    float* scratch = space.work->tile(space.slice).data();
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

  template <class Observer>
  void tell(workspace& work, Observer& watch) const noexcept {
    const matrix_view<const float> hidden = work.hidden(neurons());
    for (index_t token = 0; token < work.routes().length(); ++token) {
      const route& chosen = work.routes()[token];
      if constexpr (route_observer<Observer>) watch.token(chosen);
      if constexpr (hidden_observer<Observer>) {
        for (const choice& c : chosen) {
          watch.expert(token, c, hidden.row(token).part(split().offset(c.expert), split().size(c.expert)));
        }
      }
    }
  }

  Storage storage_;
  [[no_unique_address]] Activation activate_;
};

}  // namespace fissile
