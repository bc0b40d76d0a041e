// Runs packed experts: first the hidden activations of every chosen expert, then the outputs.
//
// The first part is cut into runs of neighbouring input panels of about equal work, so that each task reads one linear
// stream. The second is cut by output panels: each output is summed by one task, experts ascending, with no scatter-add
// and no lock, and has the same bits for any number of tasks. Tokens are read where they lie.
#pragma once

#include <fissile/pack/kernel/hidden_tile.hpp>
#include <fissile/pack/kernel/rounding.hpp>
#include <fissile/pack/packed_experts.hpp>
#include <fissile/pack/panel_products.hpp>
#include <fissile/route/workspace.hpp>

#include <cstring>

namespace fissile::detail {

template <panel_storage Storage, activation Activation>
class packed_run {
public:
  using element_type = typename Storage::element_type;

  packed_run(const Storage& storage, const Activation& activate, workspace& work) noexcept
      : storage_(storage), activate_(activate), work_(work) {}

  /// Whether weights and rounding have to wait for `seal`, since somebody wants to see the plain activations.
  enum class hidden_as { used, shown };

  void hidden(matrix_view<const float> tokens, hidden_as how) const noexcept {
    const index_t slices = work_.tasks();
    if (rounds()) {
      work_.run()(slices, [&](index_t slice) noexcept {
        for (index_t t = slice; t < tokens.rows(); t += slices) {
          kernel::round_to_bf16(instructions(), tokens.row(t), work_.rounded(t).data());
        }
      });
    }
    work_.run()(slices, [&](index_t slice) noexcept { hidden_slice(tokens, how, slice, slices); });
  }

  /// Multiplies the activations by their routes' weights and rounds them where asked; for activations that were shown.
  void seal() const noexcept {
    for (index_t e = 0; e < split().experts(); ++e) {
      for (const workspace::member& one : work_.group(e)) {
        float* h = hidden_row(one.token, e);
        for (index_t j = 0; j < split().size(e); ++j) h[j] *= one.weight;
        if (rounds()) kernel::round_to_bf16(instructions(), {h, split().size(e)}, reinterpret_cast<bf16*>(h));
      }
    }
  }

  /// out += the experts' outputs and the bias.
  void outputs(matrix_view<float> out) const noexcept {
    const index_t panels = (storage_.width() + kernel::panel_columns - 1) / kernel::panel_columns;
    const index_t slices = std::min(work_.tasks(), panels);
    work_.run()(slices, [&](index_t slice) noexcept {
      output_slice(out, panels * slice / slices, panels * (slice + 1) / slices, slice);
    });
  }

private:
  const partition& split() const noexcept { return storage_.experts(); }
  instruction_set instructions() const noexcept { return storage_.settings().instructions; }
  bool rounds() const noexcept { return storage_.settings().products == products::bf16_dot; }
  index_t input_bytes() const noexcept { return static_cast<index_t>(rounds() ? sizeof(bf16) : sizeof(float)); }
  float* hidden_row(index_t token, index_t e) const noexcept {
    return work_.hidden(split().neurons()).row(token).data() + split().offset(e);
  }

  /// What an input panel costs for so many tokens, in products of one token: reading it counts as a few.
  static index_t cost(index_t tokens) noexcept { return tokens == 0 ? 0 : tokens + 4; }

  void hidden_slice(matrix_view<const float> tokens, hidden_as how, index_t slice, index_t slices) const noexcept {
    index_t total = 0;
    for (index_t e = 0; e < split().experts(); ++e) total += cost(work_.group(e).length()) * panels_of(e);
    const index_t from = total * slice / slices, to = total * (slice + 1) / slices;
    index_t done = 0;  // cost of the panels so far; a panel belongs to the slice in which it begins
    for (index_t e = 0; e < split().experts() && done < to; ++e) {
      const auto group = work_.group(e);
      const index_t each = cost(group.length());
      if (each == 0) continue;
      const expert_panels<element_type> panels = storage_.panels(e);
      const index_t count = panels_of(e);
      const index_t first = done >= from ? 0 : std::min(count, (from - done + each - 1) / each);
      const index_t last = std::min(count, (to - done + each - 1) / each);
      if (group.length() == 1) {
        hidden_of_one(tokens, {e, first, how}, last, panels);
      } else {
        for (index_t panel = first; panel < last; ++panel) hidden_panel(tokens, {e, panel, how}, panels, slice);
      }
      done += each * count;
    }
  }
  index_t panels_of(index_t e) const noexcept {
    const index_t at_once = storage_.gated() ? kernel::panel_columns / 2 : kernel::panel_columns;
    return (split().size(e) + at_once - 1) / at_once;
  }

  struct place {
    index_t expert, panel;
    hidden_as how;
  };
  /// Panels at.panel ... last - 1 for the one token of the expert, a few side by side.
  void hidden_of_one(matrix_view<const float> tokens, place at, index_t last,
                     const expert_panels<element_type>& panels) const noexcept {
    const workspace::member one = work_.group(at.expert)[0];
    for (index_t end; at.panel < last; at.panel = end) {
      end = std::min<index_t>(last, at.panel + kernel::streams);
      float sums[kernel::streams][kernel::panel_columns] = {};
      multiply_panels(
          panel_view<element_type>{&panels.layout.in, panels.input(at.panel), &storage_.tiles(), input_bytes()},
          end - at.panel, input_of(tokens, one.token), [&](index_t p) noexcept { return sums[p]; });
      for (index_t p = at.panel; p < end; ++p) finish({at.expert, p, at.how}, panels, one, sums[p - at.panel]);
    }
  }

  void hidden_panel(matrix_view<const float> tokens, place at, const expert_panels<element_type>& panels,
                    index_t slice) const noexcept {
    const auto group = work_.group(at.expert);
    float* sums = work_.tile(slice).data();  // [tokens of the group x 64]
    std::memset(sums, 0, to_size(group.length() * kernel::panel_columns) * sizeof(float));
    multiply_panel(
        panel_view<element_type>{&panels.layout.in, panels.input(at.panel), &storage_.tiles(), input_bytes()},
        group.length(), [&](index_t t) noexcept { return input_of(tokens, group[t].token); },
        [&](index_t t) noexcept { return sums + t * kernel::panel_columns; });
    for (index_t t = 0; t < group.length(); ++t) finish(at, panels, group[t], sums + t * kernel::panel_columns);
  }

  const std::byte* input_of(matrix_view<const float> tokens, index_t token) const noexcept {
    return rounds() ? reinterpret_cast<const std::byte*>(work_.rounded(token).data())
                    : reinterpret_cast<const std::byte*>(tokens.row(token).data());
  }

  /// From 64 sums to the activations of a panel's neurons, in their place.
  void finish(place at, const expert_panels<element_type>& panels, workspace::member one, float* sums) const noexcept {
    const index_t first = at.panel * panels.layout.neurons_per_panel;
    const index_t count = std::min(panels.layout.neurons_per_panel, split().size(at.expert) - first);
    const float* bias = panels.input_bias == nullptr ? nullptr : panels.input_bias + at.panel * kernel::panel_columns;
    const bool used = at.how == hidden_as::used;
    kernel::hidden_for<Activation>(instructions(), storage_.gated())(activate_, {sums, bias, used ? one.weight : 1.0f});
    float* row = hidden_row(one.token, at.expert);
    if (used && rounds()) {
      kernel::round_to_bf16(instructions(), {sums, count}, reinterpret_cast<bf16*>(row) + first);
    } else {
      std::memcpy(row + first, sums, to_size(count) * sizeof(float));
    }
  }

  void output_slice(matrix_view<float> out, index_t from, index_t to, index_t slice) const noexcept {
    const auto bias = storage_.down_bias();
    const index_t begin = from * kernel::panel_columns;
    const index_t end = std::min(storage_.width(), to * kernel::panel_columns);
    if (!bias.empty()) {
      for (index_t token = 0; token < out.rows(); ++token) {
        for (index_t i = begin; i < end; ++i) out(token, i) += bias[i];
      }
    }
    for (index_t e = 0; e < split().experts(); ++e) {
      if (work_.group(e).empty()) continue;
      const expert_panels<element_type> panels = storage_.panels(e);
      index_t panel = from;
      if (work_.group(e).length() == 1) {  // whole panels, a few side by side
        const index_t token = work_.group(e)[0].token;
        const index_t whole = std::max(from, std::min(to, storage_.width() / kernel::panel_columns));
        float* row = out.row(token).data();
        multiply_panels(
            panel_view<element_type>{&panels.layout.out, panels.output(from), &storage_.tiles(), input_bytes()},
            whole - from, reinterpret_cast<const std::byte*>(hidden_row(token, e)),
            [&](index_t p) noexcept { return row + (from + p) * kernel::panel_columns; });
        panel = whole;
      }
      for (; panel < to; ++panel) output_panel(out, e, panel, panels, slice);
    }
  }

  void output_panel(matrix_view<float> out, index_t e, index_t panel, const expert_panels<element_type>& panels,
                    index_t slice) const noexcept {
    const auto group = work_.group(e);
    const index_t first = panel * kernel::panel_columns;
    const index_t columns = std::min<index_t>(kernel::panel_columns, storage_.width() - first);
    const panel_view<element_type> view{&panels.layout.out, panels.output(panel), &storage_.tiles(), input_bytes()};
    const auto in = [&](index_t t) noexcept {
      return reinterpret_cast<const std::byte*>(hidden_row(group[t].token, e));
    };
    if (columns == kernel::panel_columns) {
      multiply_panel(view, group.length(), in,
                     [&](index_t t) noexcept { return out.row(group[t].token).data() + first; });
      return;
    }
    // The last panel is wider than the rows of `out`: its sums are carried in a tile.
    float* sums = work_.tile(slice).data();
    const std::size_t bytes = to_size(columns) * sizeof(float);
    for (index_t t = 0; t < group.length(); ++t) {
      float* row = sums + t * kernel::panel_columns;
      std::memset(row, 0, kernel::panel_columns * sizeof(float));
      std::memcpy(row, out.row(group[t].token).data() + first, bytes);
    }
    multiply_panel(view, group.length(), in, [&](index_t t) noexcept { return sums + t * kernel::panel_columns; });
    for (index_t t = 0; t < group.length(); ++t) {
      std::memcpy(out.row(group[t].token).data() + first, sums + t * kernel::panel_columns, bytes);
    }
  }

  const Storage& storage_;
  const Activation& activate_;
  workspace& work_;
};

}  // namespace fissile::detail
