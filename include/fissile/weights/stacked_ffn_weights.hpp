// A layer that is a mixture of experts already, borrowed: one slab of memory for each matrix.
#pragma once

#include <fissile/weights/ffn_weights.hpp>

namespace fissile {

/// The experts of a trained mixture, as GGUF (`ffn_gate_exps`) and Transformers v5 stack them:
/// gate and up [experts, neurons, width], down [experts, width, neurons], all contiguous.
template <element T>
struct stacked_ffn_weights {
  using element_type = T;

  matrix_view<const T> gate = {};  // [experts * neurons x width]; leave it out where there is no gate
  matrix_view<const T> up;         // [experts * neurons x width]
  matrix_view<const T> down;       // [experts * width x neurons]
  index_t experts = 0;

  constexpr index_t width() const noexcept { return up.columns(); }
  constexpr index_t neurons_per_expert() const noexcept { return experts > 0 ? up.rows() / experts : 0; }

  /// One expert as a small layer of its own.
  constexpr ffn_weights<T> expert(index_t e) const noexcept {
    const index_t neurons = neurons_per_expert();
    return {.gate = gate.rows() == 0 ? matrix_view<const T>{} : gate.rows(e * neurons, neurons),
            .up = up.rows(e * neurons, neurons),
            .down = down.rows(e * width(), width())};
  }
};

/// Throws shape_error or setting_error unless the three slabs agree.
template <element T>
void check_shapes(const stacked_ffn_weights<T>& stacked, std::string_view who) {
  const index_t experts = stacked.experts;
  if (experts < 1) {
    fail<setting_error>({.argument = std::string(who) + ": experts",
                         .expected = "at least 1",
                         .got = std::to_string(experts),
                         .cure = "say how many experts the slabs hold: .experts = 8"});
  }
  const auto divides = [&](const char* name, matrix_view<const T> slab) {
    if (!slab.empty() && slab.rows() > 0 && slab.rows() % experts == 0) return;
    fail<shape_error>({.argument = std::string(who) + ": " + name,
                       .expected = "rows that divide into " + std::to_string(experts) + " experts",
                       .got = shape_of(slab),
                       .cure = "the slabs are [experts * neurons x width] and, for down, [experts * width x neurons]"});
  };
  divides("up", stacked.up);
  divides("down", stacked.down);
  if (stacked.down.rows() != experts * stacked.width()) {
    fail<shape_error>({.argument = std::string(who) + ": down",
                       .expected = std::to_string(experts * stacked.width()) + " rows (experts * width)",
                       .got = shape_of(stacked.down)});
  }
  if ((!stacked.gate.empty() || stacked.gate.rows() > 0) && stacked.gate.rows() != stacked.up.rows()) {
    fail<shape_error>({.argument = std::string(who) + ": gate",
                       .expected = std::to_string(stacked.up.rows()) + " rows, as up",
                       .got = shape_of(stacked.gate),
                       .cure = "a slab that holds gate and up of each expert must come in two"});
  }
  check_shapes(stacked.expert(0), who);
}

}  // namespace fissile
