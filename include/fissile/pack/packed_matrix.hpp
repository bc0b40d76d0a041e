// A packed matrix: any linear map as panels, for the projections around the feed-forward layers and for routers.
#pragma once

#include <fissile/base/executor.hpp>
#include <fissile/base/view.hpp>
#include <fissile/pack/pack.hpp>
#include <fissile/pack/panel_products.hpp>

#include <cstring>

namespace fissile {

/// out = rows . token for each row of the matrix. Owns its panels; moves, does not copy.
template <packed_element T, arena_allocator Allocator = huge_pages>
class packed_matrix {
public:
  using element_type = T;

  /// matrix: [outputs x inputs]. Throws shape_error for an empty one, setting_error as `pack` does; products are exact.
  template <element From>
  explicit packed_matrix(matrix_view<const From> matrix, pack_settings settings = {})
      : shape_{.terms = matrix.columns(), .columns = matrix.rows(), .scale_terms = settings.weights_per_scale},
        arena_((check(matrix, settings), shape_.bytes())),
        tiles_(kernel::tiles_for<T>(settings.instructions)) {
    for (index_t panel = 0; panel < shape_.panels(); ++panel) {
      const index_t first = panel * kernel::panel_columns;
      write_panel(
          shape_, std::min<index_t>(kernel::panel_columns, outputs() - first),
          [&](index_t term, index_t column) { return matrix(first + column, term); },
          arena_.data() + panel * shape_.panel_bytes());
    }
  }

  index_t inputs() const noexcept { return shape_.terms; }
  index_t outputs() const noexcept { return shape_.columns; }
  index_t bytes() const noexcept { return arena_.bytes(); }

  /// out = matrix . tokens. tokens: [tokens x inputs]; out: [tokens x outputs]; they may not overlap. The bits of a
  /// token do not depend on the tokens beside it, nor on `run`. Allocates nothing.
  void operator()(matrix_view<const float> tokens, matrix_view<float> out, executor_reference run = {}) const noexcept {
    Expects(!overlap(tokens, out));
    for (index_t t = 0; t < out.rows(); ++t) std::memset(out.row(t).data(), 0, to_size(out.columns()) * sizeof(float));
    accumulate(tokens, out, run);
  }
  /// out += matrix . tokens: the sums start at what `out` holds.
  void accumulate(matrix_view<const float> tokens, matrix_view<float> out, executor_reference run = {}) const noexcept {
    Expects(tokens.columns() == inputs() && out.columns() == outputs() && out.rows() == tokens.rows());
    Expects(!overlap(tokens, out));
    const index_t slices = std::min(shape_.panels(), std::max<index_t>(1, run.threads()));
    run(slices, [&](index_t slice) noexcept {
      index_t p = shape_.panels() * slice / slices;
      const index_t end = shape_.panels() * (slice + 1) / slices;
      if (tokens.rows() == 1) {  // whole panels, a few side by side
        const index_t whole = std::max(p, std::min(end, outputs() / kernel::panel_columns));
        multiply_panels(panel_view<T>{&shape_, arena_.data() + p * shape_.panel_bytes(), &tiles_}, whole - p,
                        reinterpret_cast<const std::byte*>(tokens.row(0).data()),
                        [&](index_t one) noexcept { return out.row(0).data() + (p + one) * kernel::panel_columns; });
        p = whole;
      }
      for (; p < end; ++p) multiply(tokens, out, p);
    });
  }

private:
  template <element From>
  static void check(matrix_view<const From> matrix, const pack_settings& settings) {
    check_settings<T>(settings);
    if (matrix.rows() < 1 || matrix.columns() < 1 || matrix.empty()) {
      fail<shape_error>({.argument = "packed_matrix: matrix",
                         .expected = "at least one row and one column",
                         .got = shape_of(matrix) + (matrix.empty() ? " without memory" : "")});
    }
    if (settings.products != products::exact) {
      fail<setting_error>(
          {.argument = "packed_matrix: products", .expected = "products::exact", .got = "products::bf16_dot"});
    }
  }

  void multiply(matrix_view<const float> tokens, matrix_view<float> out, index_t panel) const noexcept {
    const panel_view<T> view{&shape_, arena_.data() + panel * shape_.panel_bytes(), &tiles_};
    const index_t first = panel * kernel::panel_columns;
    const index_t columns = std::min<index_t>(kernel::panel_columns, outputs() - first);
    const auto in = [&](index_t t) noexcept { return reinterpret_cast<const std::byte*>(tokens.row(t).data()); };
    if (columns == kernel::panel_columns) {
      multiply_panel(view, tokens.rows(), in, [&](index_t t) noexcept { return out.row(t).data() + first; });
      return;
    }
    // The last panel is wider than the rows of `out`: its sums are carried here, a few tokens at a time.
    float sums[kernel::most_tokens][kernel::panel_columns];
    for (index_t begin = 0; begin < tokens.rows(); begin += kernel::most_tokens) {
      const index_t count = std::min<index_t>(kernel::most_tokens, tokens.rows() - begin);
      const std::size_t bytes = to_size(columns) * sizeof(float);
      std::memset(sums, 0, sizeof sums);
      for (index_t t = 0; t < count; ++t) std::memcpy(sums[t], out.row(begin + t).data() + first, bytes);
      multiply_panel(
          view, count, [&](index_t t) noexcept { return in(begin + t); }, [&](index_t t) noexcept { return sums[t]; });
      for (index_t t = 0; t < count; ++t) std::memcpy(out.row(begin + t).data() + first, sums[t], bytes);
    }
  }

  panel_matrix<T> shape_;
  arena<Allocator> arena_;
  kernel::tile_table tiles_;
};

template <element From>
packed_matrix(matrix_view<const From>, pack_settings = {}) -> packed_matrix<From>;

}  // namespace fissile
