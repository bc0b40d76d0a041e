// Anything shaped like std::mdspan of rank 2, through the door of views, without a copy.
#pragma once

#include <fissile/base/view.hpp>

namespace fissile {

/// mdspan_like: has data_handle(), extent(r), stride(r), as std::mdspan, Kokkos and the reference implementation do.
template <class M>
concept mdspan_like = requires(const M& m) {
  m.data_handle();
  m.extent(0);
  m.stride(1);
};

/// Throws shape_error where the numbers of a row do not lie side by side, or rows overlap.
template <mdspan_like M>
auto view(const M& m) {
  using number = std::remove_pointer_t<decltype(m.data_handle())>;
  if (static_cast<index_t>(m.stride(1)) != 1) {
    fail<shape_error>({.argument = "view: mdspan",
                       .expected = "rows whose numbers lie side by side (stride(1) == 1)",
                       .got = "stride(1) == " + std::to_string(m.stride(1)),
                       .cure = "use layout_right, or layout_stride with an inner stride of 1"});
  }
  const auto rows = static_cast<index_t>(m.extent(0)), columns = static_cast<index_t>(m.extent(1));
  const auto stride = rows > 1 ? static_cast<index_t>(m.stride(0)) : columns;  // of one row it says nothing
  if (stride < columns) {
    fail<shape_error>({.argument = "view: mdspan",
                       .expected = "rows that do not overlap (stride(0) >= extent(1))",
                       .got = "stride(0) == " + std::to_string(stride) + ", extent(1) == " + std::to_string(columns),
                       .cure = "use layout_right, or layout_stride with an outer stride of a row at least"});
  }
  return matrix_view<number>(m.data_handle(), rows, columns, stride);
}

}  // namespace fissile
