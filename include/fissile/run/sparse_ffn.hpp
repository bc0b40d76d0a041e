// The sparse layer: runs the chosen experts of every token of a batch, and only those.
//
//   y = down_bias + sum over chosen experts e, ascending, of weight_e * down_e . hidden_e(x)
//
// Two parallel parts. First the hidden activations, cut by expert and token; then the outputs, cut by output, so that
// each output is summed by one task in one order: the bits do not depend on threads or on how tokens are batched.
#pragma once

#include <fissile/route/workspace.hpp>
#include <fissile/run/borrowed_experts.hpp>
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
    Expects(!overlap(tokens, out));
    work.group();
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

  /// Every slices-th piece of work, where a piece is up to `neurons_at_once` neurons of an expert for up to `lanes`
  /// of its tokens.
  void hidden_slice(matrix_view<const float> tokens, workspace& work, index_t slice, index_t slices) const noexcept {
    const matrix_view<float> hidden = work.hidden(neurons());
    index_t piece = 0;
    for (index_t e = 0; e < experts(); ++e) {
      const vector_view<const workspace::member> group = work.group(e);
      const expert_view<element_type> expert = storage_.expert(e);
      for (index_t first = 0; first < group.length(); first += lanes) {
        const index_t count = std::min(lanes, group.length() - first);
        for (index_t neuron = 0; neuron < expert.neurons.length(); neuron += neurons_at_once) {
          if (piece++ % slices != slice) continue;
          const token_tile tile = make_tile(
              width(), count, [&](index_t lane) noexcept { return tokens.row(group[first + lane].token).data(); },
              work.tile(slice).data());
          const index_t at = split().offset(e) + neuron;
          compute_hidden(expert.ffn, activate_,
                         expert.neurons.part(neuron, std::min(neurons_at_once, expert.neurons.length() - neuron)), tile,
                         [&](index_t j, index_t lane, float value) noexcept {
                           hidden(group[first + lane].token, at + j) = value;
                         });
        }
      }
    }
  }

  /// All terms of outputs [from, to), experts ascending.
  void output_slice(workspace& work, matrix_view<float> out, index_t slice, index_t slices) const noexcept {
    const index_t from = width() * slice / slices;
    const index_t to = width() * (slice + 1) / slices;
    const auto bias = storage_.down_bias();
    if (!bias.empty()) {
      for (index_t token = 0; token < out.rows(); ++token) {
        for (index_t i = from; i < to; ++i) out(token, i) += static_cast<float>(bias[i]);
      }
    }
    for (index_t e = 0; e < experts(); ++e) {
      const vector_view<const workspace::member> group = work.group(e);
      for (index_t first = 0; first < group.length(); first += lanes) {
        add_outputs(work, e, group.part(first, std::min(lanes, group.length() - first)), from,
                    {work.tile(slice).data(), out, to});
      }
    }
  }

  struct output_range {
    float* scratch;
    matrix_view<float> out;
    index_t to;
  };
  void add_outputs(workspace& work, index_t e, vector_view<const workspace::member> group, index_t from,
                   output_range range) const noexcept {
    const expert_view<element_type> expert = storage_.expert(e);
    const matrix_view<const float> hidden = work.hidden(neurons());
    const index_t count = group.length();
    const index_t stride = count == 1 ? 1 : lanes;
    for (index_t lane = 0; lane < stride; ++lane) {  // the weight multiplies the hidden activation
      for (index_t j = 0; j < expert.neurons.length(); ++j) {
        range.scratch[j * stride + lane] =
            lane < count ? group[lane].weight * hidden(group[lane].token, split().offset(e) + j) : 0.0f;
      }
    }
    const matrix_view<float> out = range.out;
    multiply_rows<element_type>(
        range.to - from, [&](index_t r) noexcept { return expert.ffn.down.row(from + r).data(); },
        [&](index_t j) noexcept { return expert.neurons[j]; },
        token_tile{range.scratch, expert.neurons.length(), count},
        [&](index_t r, index_t lane) noexcept { return out(group[lane].token, from + r); },
        [&](index_t r, index_t lane, float sum) noexcept { out(group[lane].token, from + r) = sum; });
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
