// The sparse layer: runs the chosen experts of every token of a batch, and only those.
//
//   y = down_bias + sum over chosen experts e, ascending, of weight_e * down_e . hidden_e(x)
//
// Two parallel parts. First the hidden activations, cut by expert and token; then the outputs, cut by output, so that
// each output is summed by one task in one order: the bits do not depend on threads or on how tokens are batched.
#pragma once

#include <fissile/run/borrowed_run.hpp>
#include <fissile/run/observer.hpp>
#include <fissile/run/packed_run.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace fissile {

template <class Storage, class Activation>
class sparse_ffn {
  static_assert(expert_storage<Storage> || panel_storage<Storage>,
                "fissile::sparse_ffn, 1st policy: the experts, as `borrow(ffn, partition)` or `pack` makes them "
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
    if constexpr (panel_storage<Storage>) {
      using run = detail::packed_run<Storage, Activation>;
      const run experts(storage_, activate_, work);
      experts.hidden(tokens, hidden_observer<Observer> ? run::hidden_as::shown : run::hidden_as::used);
      tell(work, watch);
      if constexpr (hidden_observer<Observer>) experts.seal();
      experts.outputs(out);
    } else {
      const detail::borrowed_run<Storage, Activation> experts(storage_, activate_, work);
      experts.hidden(tokens);
      tell(work, watch);
      experts.outputs(out);
    }
  }

private:
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
