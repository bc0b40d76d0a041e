// A span of the test's own that has nothing but what the concept asks for.
#include <fissile/with/eigen.hpp>
#include <fissile/with/mdspan.hpp>

#include <gtest/gtest.h>

#include <array>

namespace {

struct plain_mdspan {
  const float* numbers;
  std::array<int, 2> extents, strides;
  const float* data_handle() const { return numbers; }
  int extent(int r) const { return extents[static_cast<std::size_t>(r)]; }
  int stride(int r) const { return strides[static_cast<std::size_t>(r)]; }
};

TEST(with_mdspan, rows_are_borrowed) {
  const std::array<float, 6> numbers{1, 2, 3, 4, 5, 6};
  const auto v = fissile::view(plain_mdspan{numbers.data(), {2, 2}, {3, 1}});
  EXPECT_EQ(v.data(), numbers.data());
  EXPECT_EQ(v(1, 0), 4.0f);
  EXPECT_EQ(v.columns(), 2);
}

TEST(with_mdspan, and_eigen_serve_the_same_file) {
  Eigen::Matrix<float, 2, 3, Eigen::RowMajor> m;
  m << 1, 2, 3, 4, 5, 6;
  EXPECT_EQ(fissile::view(m)(1, 2), fissile::view(plain_mdspan{m.data(), {2, 3}, {3, 1}})(1, 2));
}

TEST(with_mdspan, strided_rows_are_refused_with_the_cure) {
  try {
    fissile::view(plain_mdspan{nullptr, {2, 3}, {1, 2}});
    FAIL() << "not refused";
  } catch (const fissile::shape_error& refusal) {
    EXPECT_STREQ(refusal.what(),
                 "view: mdspan: expected rows whose numbers lie side by side (stride(1) == 1), got stride(1) == 2; use "
                 "layout_right, or layout_stride with an inner stride of 1");
  }
}

/// What layout_left gives for a single row: its stride says nothing.
TEST(with_mdspan, one_row_may_have_any_stride) {
  const std::array<float, 3> numbers{1, 2, 3};
  const auto v = fissile::view(plain_mdspan{numbers.data(), {1, 3}, {1, 1}});
  EXPECT_EQ(v(0, 2), 3.0f);
  EXPECT_EQ(fissile::view(plain_mdspan{numbers.data(), {0, 3}, {0, 1}}).rows(), 0);
}

TEST(with_mdspan, rows_that_overlap_are_refused) {
  EXPECT_THROW(fissile::view(plain_mdspan{nullptr, {2, 3}, {2, 1}}), fissile::shape_error);
}

}  // namespace
