// Rows and columns of a matrix, all of them or those in a list: what a product reads and writes.
#pragma once

#include <fissile/base/view.hpp>

namespace fissile {

/// One direction of a matrix: how many there are, how far apart they lie, and which; none picked: all, in order.
struct picked_axis {
  index_t count;
  index_t stride;
  const index_t* picks = nullptr;  // [count]

  index_t at(index_t i) const noexcept { return (picks == nullptr ? i : picks[i]) * stride; }
  bool dense() const noexcept { return stride == 1 && picks == nullptr; }
};

/// Numbers of a matrix, by two directions. For a side of a product `first` is what is summed over, for its result the
/// rows.
template <class A>
struct picked {
  A* data;
  picked_axis first, second;

  picked swapped() const noexcept { return {data, second, first}; }
};

/// All rows or columns, or those in a list; a list that counts up by one costs nothing.
struct picked_lines {
  index_t begin = 0, count = 0;
  const index_t* picks = nullptr;

  static picked_lines all(index_t count) noexcept { return {0, count, nullptr}; }
  static picked_lines these(vector_view<const index_t> list) noexcept {
    for (index_t i = 1; i < list.length(); ++i) {
      if (list[i] != list[i - 1] + 1) return {0, list.length(), list.data()};
    }
    return {list.empty() ? 0 : list[0], list.length(), nullptr};
  }
};

/// Rows and columns of a view, rows first.
template <class A>
picked<A> pick(matrix_view<A> matrix, picked_lines rows, picked_lines columns) noexcept {
  return {matrix.data() + rows.begin * matrix.row_stride() + columns.begin,
          {rows.count, matrix.row_stride(), rows.picks},
          {columns.count, 1, columns.picks}};
}
template <class A>
picked<A> pick(matrix_view<A> matrix) noexcept {
  return pick(matrix, picked_lines::all(matrix.rows()), picked_lines::all(matrix.columns()));
}

}  // namespace fissile
