// The components of a block: every linear map's output and the hidden activations, which are what interventions silence
// and importance is summed over.
#pragma once

#include <engine/architecture.hpp>

#include <fissile/base/view.hpp>

#include <array>
#include <concepts>
#include <vector>

namespace fissile::engine {

/// query and key before they are turned by their position; gate before its activation; hidden = silu(gate) * up;
/// attention_output and down are what is added to the residual stream.
enum class component { query, key, value, attention_output, gate, up, hidden, down };

inline constexpr std::array all_components{
    component::query, component::key, component::value,  component::attention_output,
    component::gate,  component::up,  component::hidden, component::down};

constexpr const char* name_of(component which) noexcept {
  constexpr std::array names{"query", "key", "value", "attention_output", "gate", "up", "hidden", "down"};
  return names[static_cast<std::size_t>(which)];
}

/// Numbers that a component has for each token.
inline index_t width_of(component which, const architecture& sizes) noexcept {
  switch (which) {
    case component::query:
      return sizes.query_width();
    case component::key:
    case component::value:
      return sizes.key_width();
    case component::attention_output:
    case component::down:
      return sizes.width;
    default:
      return sizes.neurons;
  }
}

/// A matrix of A that owns its numbers.
template <std::floating_point A>
class wide_grid {
public:
  wide_grid(index_t rows, index_t columns) : numbers_(to_size(rows * columns)), columns_(columns) {}
  matrix_view<A> rows(index_t count) noexcept { return {numbers_.data(), count, columns_}; }
  matrix_view<const A> rows(index_t count) const noexcept { return {numbers_.data(), count, columns_}; }

private:
  std::vector<A> numbers_;
  index_t columns_;
};

/// The outputs of all components of a block, or dL/doutputs. `of(which, tokens)`: [tokens x width_of(which)]
template <std::floating_point A>
class component_numbers {
public:
  component_numbers(const architecture& sizes, index_t context) {
    for (const component which : all_components) grids_.emplace_back(context, width_of(which, sizes));
  }
  matrix_view<A> of(component which, index_t tokens) noexcept {
    return grids_[static_cast<std::size_t>(which)].rows(tokens);
  }
  matrix_view<const A> of(component which, index_t tokens) const noexcept {
    return grids_[static_cast<std::size_t>(which)].rows(tokens);
  }

private:
  std::vector<wide_grid<A>> grids_;  // [components]
};

/// gradient_listener: hears what a window did in a model and what its loss hangs on.
/// Law: `states(layer, residual)` hears the residual stream before the first block (0) and after each (1 ... layers),
/// ascending; `heard(layer, which, outputs, gradients)` every component's outputs and dL/doutputs, layers descending.
/// Satisfied by deaf, and by whatever has these two functions.
// clang-format off
template <class L, class A>
concept gradient_listener = requires(L& listener, index_t layer, component which, matrix_view<const A> numbers) {
  listener.states(layer, numbers);
  listener.heard(layer, which, numbers, numbers);
};
// clang-format on

/// Hears nothing.
struct deaf {
  template <class A>
  void states(index_t, matrix_view<const A>) const noexcept {}
  template <class A>
  void heard(index_t, component, matrix_view<const A>, matrix_view<const A>) const noexcept {}
};

}  // namespace fissile::engine
