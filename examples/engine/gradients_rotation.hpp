// The turn of queries and keys by their positions in the number that gradients are computed in, and back: gradients of
// what was turned are turned back, since a turn's inverse is its transpose.
#pragma once

#include <engine/architecture.hpp>

#include <fissile/base/view.hpp>

#include <cmath>
#include <concepts>
#include <vector>

namespace fissile::engine {

/// (x_2i, x_2i+1) is turned by the angle position * base^(-2i / rotated), as `rotation` does for a session.
template <std::floating_point A>
class wide_rotation {
public:
  wide_rotation(const architecture& sizes, index_t context) : head_size_(sizes.head_size), half_(sizes.rotated / 2) {
    for (index_t position = 0; position < context; ++position) {
      for (index_t i = 0; i < half_; ++i) {
        const double slower =
            std::pow(static_cast<double>(sizes.rotation_base), -static_cast<double>(i) / static_cast<double>(half_));
        const double angle = static_cast<double>(position) * slower;
        turns_.push_back({static_cast<A>(std::cos(angle)), static_cast<A>(std::sin(angle))});
      }
    }
  }

  /// from, to: [tokens x any number of heads], the first token at position 0; they may be the same.
  void turn(matrix_view<const A> from, matrix_view<A> to) const noexcept { apply(from, to, A(1)); }
  void turn_back(matrix_view<const A> from, matrix_view<A> to) const noexcept { apply(from, to, A(-1)); }

private:
  struct cosine_and_sine {
    A cosine, sine;
  };
  void apply(matrix_view<const A> from, matrix_view<A> to, A way) const noexcept {
    for (index_t token = 0; token < from.rows(); ++token) {
      const cosine_and_sine* turns = turns_.data() + token * half_;
      for (index_t head = 0; head < from.columns(); head += head_size_) {
        const A* x = from.row(token).data() + head;
        A* out = to.row(token).data() + head;
        for (index_t i = 0; i < half_; ++i) {
          const A even = x[2 * i], odd = x[2 * i + 1], sine = way * turns[i].sine;
          out[2 * i] = even * turns[i].cosine - odd * sine;
          out[2 * i + 1] = even * sine + odd * turns[i].cosine;
        }
        for (index_t i = 2 * half_; i < head_size_; ++i) out[i] = x[i];
      }
    }
  }

  index_t head_size_, half_;
  std::vector<cosine_and_sine> turns_;  // [context x rotated / 2]
};

}  // namespace fissile::engine
