// Eigen's matrices through the door of views, without a copy.
#pragma once

#include <fissile/base/view.hpp>

#include <Eigen/Core>

#include <type_traits>

namespace fissile {

/// An Eigen matrix, vector, Map or block in memory, borrowed: const stays const.
///
///   RowMajor matrix  -> matrix_view   [rows x cols], any outer stride
///   vector           -> vector_view   its elements must lie side by side
///
/// Column-major matrices and strided vectors are refused while compiling: their numbers do not lie as a view reads
/// them. Rvalues that own their memory are refused too, since nobody would keep it.
template <class Derived>
requires std::is_base_of_v<Eigen::EigenBase<std::remove_cvref_t<Derived>>, std::remove_cvref_t<Derived>>
auto view(Derived&& matrix) noexcept {
  using plain = std::remove_cvref_t<Derived>;
  static_assert(
      std::is_base_of_v<Eigen::DenseBase<plain>, plain> && requires { matrix.data(); },
      "fissile::view takes an Eigen object in memory; evaluate the expression into a matrix first");
  static_assert(std::is_lvalue_reference_v<Derived> || !std::is_base_of_v<Eigen::PlainObjectBase<plain>, plain>,
                "fissile::view borrows: give the matrix a name, a temporary would be gone before it is read");
  static_assert(int(plain::InnerStrideAtCompileTime) == 1,
                "fissile::view needs elements side by side: this vector or block is strided; copy it, or pass the "
                "matrix it belongs to");
  using number = std::remove_pointer_t<decltype(matrix.data())>;
  if constexpr (bool(plain::IsVectorAtCompileTime)) {
    return vector_view<number>(matrix.data(), matrix.size());
  } else {
    static_assert(bool(plain::IsRowMajor),
                  "fissile::view needs row-major matrices, as model files are: declare it Eigen::RowMajor, or pass the "
                  "transposed matrix where that is what your file holds");
    return matrix_view<number>(matrix.data(), matrix.rows(), matrix.cols(), matrix.outerStride());
  }
}

}  // namespace fissile
