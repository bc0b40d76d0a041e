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

/// Throws shape_error where the numbers of a row do not lie side by side.
template <mdspan_like M>
auto view(const M& m) {
  using number = std::remove_pointer_t<decltype(m.data_handle())>;
  if (static_cast<index_t>(m.stride(1)) != 1) {
    fail<shape_error>({.argument = "view: mdspan",
                       .expected = "rows whose numbers lie side by side (stride(1) == 1)",
                       .got = "stride(1) == " + std::to_string(m.stride(1)),
                       .cure = "use layout_right, or layout_stride with an inner stride of 1"});
  }
  return matrix_view<number>(m.data_handle(), static_cast<index_t>(m.extent(0)), static_cast<index_t>(m.extent(1)),
                             static_cast<index_t>(m.stride(0)));
}

}  // namespace fissile
