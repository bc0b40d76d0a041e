// Products of picked rows and columns against loops: shapes beyond every block, any of three directions in a list.
#include <fissile/train/product.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace fissile::testing {
namespace {

/// `count` of `count + spare` lines: all in order, or a list that ascends.
struct lines_of {
  std::vector<index_t> list;
  lines_of(random_source& random, index_t count, index_t spare) : list(to_size(count + spare)) {
    std::iota(list.begin(), list.end(), index_t{0});
    for (; length(list) > count;) list.erase(list.begin() + random.below(length(list)));
  }
  picked_lines picks() const { return picked_lines::these(list); }
};

/// A matrix of which some rows and columns are picked, stored as it is or turned on its side.
template <std::floating_point A>
struct side {
  lines_of first, second;
  index_t columns;
  std::vector<A> data;

  side(random_source& random, lines_of first_, lines_of second_)
      : first(std::move(first_)),
        second(std::move(second_)),
        columns(second.list.empty() ? 1 : second.list.back() + 3) {
    data = random_numbers<A>(random, (first.list.empty() ? 1 : first.list.back() + 1) * columns);
  }
  std::size_t place(index_t i, index_t j) const {
    return to_size(first.list[to_size(i)] * columns + second.list[to_size(j)]);
  }
  template <class Number>
  picked<Number> view(Number* from) const {
    const matrix_view<Number> all{from, length(data) / columns, columns};
    return pick(all, first.picks(), second.picks());
  }
};

template <std::floating_point A>
void compare(random_source& random, index_t m, index_t n, index_t k) {
  const auto spare = [&] { return random.below(2) * random.below(9); };
  const lines_of sums{random, k, spare()}, down{random, m, spare()}, across{random, n, spare()};
  const side<A> left{random, sums, down}, left_turned{random, down, sums};
  const side<A> right{random, sums, across}, right_turned{random, across, sums};
  const side<A> out{random, down, across};
  product_space<A> space;
  for (int turned = 0; turned < 4; ++turned) {
    const side<A>& a = (turned & 1) != 0 ? left_turned : left;
    const side<A>& b = (turned & 2) != 0 ? right_turned : right;
    const auto from_a = a.view(a.data.data()), from_b = b.view(b.data.data());
    const auto number_a = [&](index_t s, index_t i) {
      return a.data[(turned & 1) != 0 ? a.place(i, s) : a.place(s, i)];
    };
    const auto number_b = [&](index_t s, index_t i) {
      return b.data[(turned & 2) != 0 ? b.place(i, s) : b.place(s, i)];
    };
    std::vector<double> expected(out.data.begin(), out.data.end());
    for (index_t i = 0; i < m; ++i) {
      for (index_t s = 0; s < k; ++s) {
        const auto factor = static_cast<double>(number_a(s, i));
        for (index_t j = 0; j < n; ++j) expected[out.place(i, j)] += factor * static_cast<double>(number_b(s, j));
      }
    }
    for (const instruction_set set : all_instruction_sets) {
      if (!available(set)) continue;
      std::vector<A> got = out.data;
      space.add_product((turned & 1) != 0 ? from_a.swapped() : from_a, (turned & 2) != 0 ? from_b.swapped() : from_b,
                        out.view(got.data()), tile_kernel_for<A>(set));
      double worst = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(got[i]) - expected[i]));
      const double bound = std::same_as<A, float> ? 2e-6 : 1e-14;
      EXPECT_LT(worst, bound * static_cast<double>(k + 20)) << name_of(set) << " " << m << " " << n << " " << k;
    }
  }
}

TEST(product, equals_loops_for_small_shapes) {
  random_source random{1};
  for (int trial = 0; trial < 60; ++trial) {
    compare<float>(random, random.below(20), random.below(70), random.below(20));
    compare<double>(random, random.below(20), random.below(70), random.below(20));
  }
}
TEST(product, equals_loops_beyond_every_block) {
  random_source random{2};
  compare<float>(random, 98, 37, 30);
  compare<float>(random, 7, 530, 30);
  compare<float>(random, 13, 33, 520);
  compare<double>(random, 197, 515, 258);
}

TEST(product, reads_no_line_that_is_not_picked) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  std::vector<float> left(5 * 4, inf), right(5 * 40, inf), out(4 * 40, 1.0f);
  const std::vector<index_t> sums{0, 2, 3}, down{1, 3};
  for (const index_t k : sums) {
    for (const index_t m : down) left[to_size(k * 4 + m)] = 2;
    for (index_t n = 10; n < 27; ++n) right[to_size(k * 40 + n)] = 3;
  }
  std::vector<index_t> across(17);
  std::iota(across.begin(), across.end(), index_t{10});
  product_space<float> space;
  space.add_product(
      pick(matrix_view<const float>{left.data(), 5, 4}, picked_lines::these(sums), picked_lines::these(down)),
      pick(matrix_view<const float>{right.data(), 5, 40}, picked_lines::these(sums), picked_lines::these(across)),
      pick(matrix_view<float>{out.data(), 4, 40}, picked_lines::these(down), picked_lines::these(across)));
  for (index_t m = 0; m < 4; ++m) {
    for (index_t n = 0; n < 40; ++n) {
      const bool inside = m % 2 == 1 && n >= 10 && n < 27;
      EXPECT_EQ(out[to_size(m * 40 + n)], inside ? 19 : 1);
    }
  }
}

}  // namespace
}  // namespace fissile::testing
