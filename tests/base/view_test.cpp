// Views: what they accept, what they refuse, and that parts stay inside.
#include <fissile/base/random.hpp>
#include <fissile/base/view.hpp>

#include "base/refusal.hpp"

#include <Eigen/Core>
#include <gsl/span>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <vector>

namespace fissile {
namespace {

template <class From, class To>
constexpr bool converts = std::is_convertible_v<From, To>;
template <class From, class To>
constexpr bool refused = !std::is_convertible_v<From, To> && !std::is_constructible_v<To, From>;

using numbers = vector_view<const float>;

TEST(vector_view, what_lies_side_by_side_converts) {
  static_assert(converts<std::vector<float>&, vector_view<float>>);
  static_assert(converts<const std::vector<float>&, numbers> && converts<std::vector<float>&, numbers>);
  static_assert(converts<std::array<float, 3>&, vector_view<float>> && converts<std::span<float>, vector_view<float>>);
  static_assert(converts<gsl::span<float>, numbers> && converts<gsl::span<const float, 3>, numbers>);
  static_assert(converts<vector_view<float>, numbers>);
  std::vector<float> owner{1, 2, 3};
  vector_view<float> view = owner;
  view[1] = 5;
  EXPECT_EQ(owner[1], 5);
  EXPECT_EQ(view.data(), owner.data());
  EXPECT_EQ(view.length(), 3);
  EXPECT_EQ(view.size(), 3u);
  EXPECT_EQ(std::vector<float>(view.begin(), view.end()), owner);
}

TEST(vector_view, other_numbers_and_constness_lost_are_refused) {
  static_assert(refused<const std::vector<float>&, vector_view<float>> && refused<numbers, vector_view<float>>);
  static_assert(refused<std::vector<double>&, numbers> && refused<std::vector<int>&, numbers>);
  static_assert(refused<std::vector<bool>&, vector_view<const bool>> && refused<float*, numbers>);
  struct base {};
  struct derived : base {
    int more;
  };
  static_assert(refused<std::vector<derived>&, vector_view<base>>);  // would step by the wrong size
  EXPECT_TRUE(numbers{}.empty());
  EXPECT_EQ(numbers{}.length(), 0);
}

/// A strided row read as side by side would be the wrong numbers: everything of Eigen comes through with/eigen.hpp.
TEST(vector_view, eigens_types_are_refused) {
  using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using strided_row = decltype(std::declval<Eigen::MatrixXf&>().row(0));
  using strided_column = decltype(std::declval<row_major&>().col(0));
  static_assert(refused<strided_row, numbers> && refused<strided_row, vector_view<float>>);
  static_assert(refused<strided_row&, numbers> && refused<const strided_row&, numbers>);
  static_assert(refused<strided_column, numbers> && refused<strided_column, vector_view<float>>);
  static_assert(refused<Eigen::Map<Eigen::VectorXf, 0, Eigen::InnerStride<2>>, numbers>);
  static_assert(refused<Eigen::MatrixXf&, numbers> && refused<Eigen::MatrixXf&, matrix_view<const float>>);
  EXPECT_TRUE((refused<Eigen::Ref<Eigen::VectorXf, 0, Eigen::InnerStride<>>, numbers>));
}

TEST(vector_view, parts_lie_inside) {
  const std::vector<float> owner{1, 2, 3, 4};
  const numbers view = owner;
  EXPECT_EQ(view.part(1, 2).data(), owner.data() + 1);
  EXPECT_EQ(view.part(1, 2).length(), 2);
  EXPECT_EQ(view.part(4, 0).length(), 0);
  EXPECT_EQ(numbers{}.part(0, 0).length(), 0);
}

TEST(vector_view_death, parts_outside_break_the_contract) {
  const std::vector<float> owner{1, 2, 3, 4};
  const numbers view = owner;
  EXPECT_CONTRACT(view.part(-1, 2));
  EXPECT_CONTRACT(view.part(2, 3));
  EXPECT_CONTRACT(view.part(0, -1));
  EXPECT_CONTRACT(view.part(2, std::numeric_limits<index_t>::max()));  // their sum would overflow
  EXPECT_CONTRACT((numbers{owner.data(), -1}));
}

TEST(matrix_view, rows_stand_at_the_stride) {
  std::vector<float> owner(12);
  for (std::size_t i = 0; i < owner.size(); ++i) owner[i] = static_cast<float>(i);
  const matrix_view<float> view{owner.data(), 3, 2, 4};
  EXPECT_EQ(view(2, 1), 9);
  EXPECT_EQ(view.row(1).data(), owner.data() + 4);
  EXPECT_EQ(view.row(1).length(), 2);
  const matrix_view<float> rest = view.rows(1, 2);
  EXPECT_EQ(rest(1, 1), 9);
  EXPECT_EQ(rest.row_stride(), 4);
  EXPECT_EQ(rest.rows(), 2);
  EXPECT_EQ(rest.columns(), 2);
  EXPECT_EQ(view.rows(3, 0).rows(), 0);
  EXPECT_EQ(shape_of(view), "[3 x 2]");
  EXPECT_EQ((matrix_view<float>{owner.data(), 3, 4}.row_stride()), 4);
}

TEST(matrix_view, mutable_is_constant_and_a_token_is_a_batch_of_one) {
  static_assert(converts<matrix_view<float>, matrix_view<const float>>);
  static_assert(refused<matrix_view<const float>, matrix_view<float>>);
  static_assert(refused<matrix_view<double>, matrix_view<const float>>);
  std::vector<float> owner{1, 2, 3};
  const matrix_view<float> strided{owner.data(), 2, 1, 2};
  const matrix_view<const float> constant = strided;
  EXPECT_EQ(constant(1, 0), 3);
  EXPECT_EQ(constant.row_stride(), 2);
  const matrix_view<float> token = vector_view<float>{owner};
  EXPECT_EQ(token.rows(), 1);
  EXPECT_EQ(token.columns(), 3);
  EXPECT_TRUE(matrix_view<float>{}.empty());
  EXPECT_FALSE(token.empty());
}

TEST(matrix_view, overlaps_where_a_number_is_shared) {
  std::vector<float> owner(64);
  random_source random{7};
  int shared = 0, apart_in_the_same_rows = 0;
  for (int draw = 0; draw < 3000; ++draw) {
    const index_t stride = 1 + random.below(8);
    const auto drawn = [&] {
      const index_t columns = 1 + random.below(stride), rows = 1 + random.below(4);
      return matrix_view<const float>{owner.data() + random.below(16), rows, columns, stride};
    };
    const auto a = drawn(), b = drawn();
    std::vector<int> holders(owner.size(), 0);
    for (const auto* one : {&a, &b}) {
      for (index_t row = 0; row < one->rows(); ++row) {
        for (index_t i = 0; i < one->columns(); ++i)
          holders[to_size(&(*one)(row, i) - owner.data())] |= one == &a ? 1 : 2;
      }
    }
    const bool common = std::find(holders.begin(), holders.end(), 3) != holders.end();
    shared += common ? 1 : 0;
    if (common) {
      EXPECT_TRUE(overlap(a, b));
    }
    const bool ranges_meet = a.data() < b.row(b.rows() - 1).end() && b.data() < a.row(a.rows() - 1).end();
    if (!common && a.rows() == b.rows() && a.data() + stride > b.data() && b.data() + stride > a.data()) {
      apart_in_the_same_rows += ranges_meet ? 1 : 0;
      if (a.rows() > 1 && a.data() <= b.data() && b.data() + b.columns() <= a.data() + stride) {
        EXPECT_FALSE(overlap(a, b)) << "slices of one buffer";
      }
    }
    EXPECT_EQ(overlap(a, b), overlap(b, a));
    if (!ranges_meet) {
      EXPECT_FALSE(overlap(a, b));
    }
  }
  EXPECT_GT(shared, 300);
  EXPECT_GT(apart_in_the_same_rows, 30);
  EXPECT_FALSE(overlap(matrix_view<const float>{}, matrix_view<const float>{owner.data(), 1, 4}));
  EXPECT_TRUE(overlap(matrix_view<float>{owner.data(), 2, 4}, matrix_view<const float>{owner.data() + 7, 3, 2}));
}

TEST(matrix_view_death, shapes_and_rows_outside_break_the_contract) {
  std::vector<float> owner(12);
  const matrix_view<float> view{owner.data(), 3, 4};
  EXPECT_CONTRACT(view.rows(2, 2));
  EXPECT_CONTRACT(view.rows(-1, 1));
  EXPECT_CONTRACT(view.rows(0, -1));
  EXPECT_CONTRACT(view.rows(1, std::numeric_limits<index_t>::max()));
  EXPECT_CONTRACT((matrix_view<float>{owner.data(), 3, 4, 3}));  // rows would overlap
  EXPECT_CONTRACT((matrix_view<float>{owner.data(), -1, 4}));
}

TEST(views, work_in_constant_expressions) {
  static constexpr std::array<int, 6> owner{0, 1, 2, 3, 4, 5};
  static_assert(matrix_view<const int>{owner.data(), 2, 3}.rows(1, 1).row(0).part(1, 2)[1] == 5);
  static_assert(matrix_view<const int>{owner.data(), 2, 3}(1, 0) == 3);
  SUCCEED();
}

}  // namespace
}  // namespace fissile
