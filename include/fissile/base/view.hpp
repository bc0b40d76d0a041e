// Views: the one door through which memory comes in. They borrow; nothing is copied.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <functional>
#include <string>
#include <type_traits>

namespace fissile {

/// A contiguous run of numbers, borrowed: a token, a row, an output.
///
/// Converts from anything with `data()` and `size()` whose elements lie side by side (std::vector, std::array,
/// std::span, gsl::span). Types that tell of an inner stride (Eigen's rows and blocks) must come through
/// <fissile/with/eigen.hpp>, since a strided row would be read as the wrong numbers.
template <class T>
class vector_view {
public:
  constexpr vector_view() noexcept = default;
  constexpr vector_view(T* data, index_t length) noexcept : data_(data), length_(length) { Expects(length >= 0); }

  template <class Container>
  requires(!requires { std::remove_cvref_t<Container>::InnerStrideAtCompileTime; }) && requires(Container& container) {
    container.size();
    requires std::is_convertible_v < std::remove_pointer_t<decltype(container.data())>(*)
    [], T(*)[] > ;
  }
  constexpr vector_view(Container&& container) noexcept  // NOLINT: implicit on purpose, as std::span is
      : vector_view(container.data(), static_cast<index_t>(container.size())) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr index_t length() const noexcept { return length_; }
  constexpr std::size_t size() const noexcept { return to_size(length_); }
  constexpr bool empty() const noexcept { return length_ == 0; }
  constexpr T& operator[](index_t i) const noexcept { return data_[i]; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + length_; }

  /// The `count` numbers from `first` on.
  constexpr vector_view part(index_t first, index_t count) const noexcept {
    Expects(first >= 0 && count >= 0 && count <= length_ - first);
    return {data_ + first, count};
  }

private:
  T* data_ = nullptr;
  index_t length_ = 0;
};

/// Rows of contiguous numbers at any distance from each other, borrowed: row-major, as GGUF, safetensors and
/// PyTorch hold a linear layer, [outputs x inputs].
template <class T>
class matrix_view {
public:
  constexpr matrix_view() noexcept = default;
  constexpr matrix_view(T* data, index_t rows, index_t columns) noexcept : matrix_view(data, rows, columns, columns) {}
  /// `row_stride`: numbers from the start of one row to the start of the next, at least `columns`.
  constexpr matrix_view(T* data, index_t rows, index_t columns, index_t row_stride) noexcept
      : data_(data), rows_(rows), columns_(columns), row_stride_(row_stride) {
    Expects(rows >= 0 && columns >= 0 && row_stride >= columns);
  }
  /// A view of mutable numbers is a view of constant ones.
  template <class U>
  requires(std::is_convertible_v<U (*)[], T (*)[]> &&
           !std::is_same_v<U, T>) constexpr matrix_view(matrix_view<U> other) noexcept  // NOLINT: implicit on purpose
      : matrix_view(other.data(), other.rows(), other.columns(), other.row_stride()) {}
  /// One token is a batch of one.
  constexpr matrix_view(vector_view<T> row) noexcept  // NOLINT: implicit on purpose
      : matrix_view(row.data(), 1, row.length()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr index_t rows() const noexcept { return rows_; }
  constexpr index_t columns() const noexcept { return columns_; }
  constexpr index_t row_stride() const noexcept { return row_stride_; }
  constexpr bool empty() const noexcept { return data_ == nullptr; }

  constexpr vector_view<T> row(index_t r) const noexcept { return {data_ + r * row_stride_, columns_}; }
  constexpr T& operator()(index_t r, index_t c) const noexcept { return data_[r * row_stride_ + c]; }
  /// `count` rows from row `first` on.
  constexpr matrix_view rows(index_t first, index_t count) const noexcept {
    Expects(first >= 0 && count >= 0 && count <= rows_ - first);
    return {data_ + first * row_stride_, count, columns_, row_stride_};
  }

private:
  T* data_ = nullptr;
  index_t rows_ = 0;
  index_t columns_ = 0;
  index_t row_stride_ = 0;
};

/// Whether two matrices share a number. Columns that take turns in the same rows, as slices of one buffer do, are told
/// apart where both have one row stride; with different strides, any common range counts as shared.
template <class T, class U>
bool overlap(matrix_view<T> a, matrix_view<U> b) noexcept {
  static_assert(std::is_same_v<std::remove_cv_t<T>, std::remove_cv_t<U>>, "fissile::overlap: of one kind of number");
  const std::less<const T*> before;
  if (a.rows() == 0 || b.rows() == 0 || a.columns() == 0 || b.columns() == 0) return false;
  if (!before(a.data(), b.row(b.rows() - 1).end()) || !before(b.data(), a.row(a.rows() - 1).end())) return false;
  if (a.rows() > 1 && b.rows() > 1 && a.row_stride() != b.row_stride()) return true;
  const index_t stride = a.rows() > 1 ? a.row_stride() : b.row_stride();
  const index_t beside = ((b.data() - a.data()) % stride + stride) % stride;  // where b's rows begin in a's
  return beside < a.columns() || beside + b.columns() > stride;
}

/// "[512 x 128]", for messages.
inline std::string shape_of(index_t rows, index_t columns) {
  std::string text = "[";
  text += std::to_string(rows) + " x " + std::to_string(columns) + "]";
  return text;
}
template <class T>
std::string shape_of(matrix_view<T> matrix) {
  return shape_of(matrix.rows(), matrix.columns());
}

}  // namespace fissile
