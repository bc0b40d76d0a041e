// Eigen's matrices through views: the same memory, const kept.
#include <fissile/with/eigen.hpp>

#include <gtest/gtest.h>

namespace {

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

TEST(with_eigen, a_row_major_matrix_is_borrowed) {
  row_major m = row_major::Random(5, 3);
  fissile::matrix_view<float> v = fissile::view(m);
  ASSERT_EQ(v.rows(), 5);
  ASSERT_EQ(v.columns(), 3);
  EXPECT_EQ(v.data(), m.data());
  for (int r = 0; r < 5; ++r) {
    for (int c = 0; c < 3; ++c) EXPECT_EQ(v(r, c), m(r, c));
  }
}

TEST(with_eigen, a_block_of_columns_keeps_its_row_stride) {
  row_major m = row_major::Random(5, 8);
  auto block = m.middleCols(2, 3);
  const auto v = fissile::view(block);
  EXPECT_EQ(v.row_stride(), 8);
  EXPECT_EQ(v(4, 2), m(4, 4));
}

TEST(with_eigen, const_stays_const_and_maps_and_vectors_work) {
  const row_major m = row_major::Random(2, 2);
  static_assert(std::is_same_v<decltype(fissile::view(m)), fissile::matrix_view<const float>>);
  Eigen::VectorXf x = Eigen::VectorXf::Random(7);
  EXPECT_EQ(fissile::view(x)[6], x[6]);
  const Eigen::Map<const row_major> map(m.data(), 2, 2);
  EXPECT_EQ(fissile::view(map).data(), m.data());
  row_major rows = row_major::Random(3, 4);
  auto row = rows.row(1);
  EXPECT_EQ(fissile::view(row).data(), rows.data() + 4);
}

}  // namespace
