// Views of tensors: of structs that have what struct ggml_tensor has, and nothing else.
#include <fissile/weights/stacked_ffn_weights.hpp>
#include <fissile/with/eigen.hpp>
#include <fissile/with/ggml.hpp>

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace {

enum plain_ggml_type { plain_f32 = 0, plain_f16 = 1, plain_q4_k = 12, plain_i32 = 26, plain_bf16 = 30 };

/// In ggml's order and with its types, but without what no view reads.
struct plain_ggml_tensor {
  plain_ggml_type type;
  std::int64_t ne[4];
  std::size_t nb[4];
  void* data;
  char name[64];
};
static_assert(fissile::ggml_tensor_like<plain_ggml_tensor>);
static_assert(!fissile::ggml_tensor_like<std::vector<float>>);

/// A tensor as ggml makes one: steps of whole rows.
template <class Number>
plain_ggml_tensor tensor_over(std::vector<Number>& numbers, plain_ggml_type type, std::vector<std::int64_t> sizes) {
  plain_ggml_tensor made{type, {1, 1, 1, 1}, {sizeof(Number), 0, 0, 0}, numbers.data(), "blk.0.ffn_up.weight"};
  for (std::size_t i = 0; i < sizes.size(); ++i) made.ne[i] = sizes[i];
  for (int i = 1; i < 4; ++i) made.nb[i] = made.nb[i - 1] * static_cast<std::size_t>(made.ne[i - 1]);
  return made;
}

std::vector<float> ascending_floats(int count) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0.0f);
  return numbers;
}

template <class Number = float>
std::string view_refusal(const plain_ggml_tensor& tensor) {
  try {
    fissile::view<Number>(&tensor);
  } catch (const fissile::shape_error& refusal) {
    return refusal.what();
  }
  return "not refused";
}

TEST(with_ggml, the_first_size_is_the_columns_and_the_memory_is_the_tensors) {
  std::vector<float> numbers = ascending_floats(6);
  plain_ggml_tensor tensor = tensor_over(numbers, plain_f32, {3, 2});
  const fissile::matrix_view<float> v = fissile::view<float>(&tensor);
  EXPECT_EQ(v.rows(), 2);
  EXPECT_EQ(v.columns(), 3);
  EXPECT_EQ(v.data(), numbers.data());
  EXPECT_EQ(v(1, 0), 3.0f);
  v(1, 0) = 7;
  EXPECT_EQ(numbers[3], 7.0f);
}

TEST(with_ggml, const_stays_const_and_all_types_that_weights_are_borrowed_in_serve) {
  std::vector<fissile::bf16> numbers{fissile::to_bf16(1.0f), fissile::to_bf16(-2.0f)};
  const plain_ggml_tensor tensor = tensor_over(numbers, plain_bf16, {1, 2});
  static_assert(std::is_same_v<decltype(fissile::view<float>(&tensor)), fissile::matrix_view<const float>>);
  EXPECT_EQ(to_float(fissile::view<fissile::bf16>(&tensor)(1, 0)), -2.0f);
  std::vector<fissile::f16> halves{fissile::to_f16(0.5f)};
  const plain_ggml_tensor half = tensor_over(halves, plain_f16, {1});
  EXPECT_EQ(to_float(fissile::view<fissile::f16>(&half)(0, 0)), 0.5f);
  std::vector<std::int32_t> ids{5, 3};
  const plain_ggml_tensor chosen = tensor_over(ids, plain_i32, {2});
  EXPECT_EQ(fissile::view<std::int32_t>(&chosen)(0, 1), 3);
}

TEST(with_ggml, further_dimensions_are_further_rows) {
  std::vector<float> numbers = ascending_floats(2 * 3 * 4);
  const plain_ggml_tensor tensor = tensor_over(numbers, plain_f32, {2, 3, 4});  // 4 experts of 3 neurons of width 2
  const auto v = fissile::view<float>(&tensor);
  EXPECT_EQ(v.rows(), 12);
  EXPECT_EQ(v(11, 1), 23.0f);
  const plain_ggml_tensor down = tensor_over(numbers, plain_f32, {3, 2, 4});
  const fissile::stacked_ffn_weights<float> stacked{
      .gate = {}, .up = v, .down = fissile::view<float>(&down), .experts = 4};
  fissile::check_shapes(stacked, "test");
  EXPECT_EQ(stacked.expert(2).up(1, 0), 14.0f);
}

TEST(with_ggml, the_best_of_each_row_are_a_view_with_a_stride) {
  std::vector<std::int32_t> sorted(4 * 5);
  std::iota(sorted.begin(), sorted.end(), 0);
  plain_ggml_tensor best = tensor_over(sorted, plain_i32, {5, 4});
  best.ne[0] = 2;  // as ggml_argsort_top_k: a view of the first two of five
  const auto v = fissile::view<std::int32_t>(&best);
  EXPECT_EQ(v.row_stride(), 5);
  EXPECT_EQ(v(3, 1), 16);
  plain_ggml_tensor single = best;  // of one token a row's step is not asked for
  single.ne[1] = 1;
  single.nb[1] = 4;
  EXPECT_EQ(fissile::view<std::int32_t>(&single).columns(), 2);
}

TEST(with_ggml, a_dimension_of_one_has_any_step) {
  std::vector<float> numbers = ascending_floats(6);
  plain_ggml_tensor tensor = tensor_over(numbers, plain_f32, {2, 1, 3});
  tensor.nb[1] = 1000;
  EXPECT_EQ(fissile::view<float>(&tensor)(2, 1), 5.0f);
}

TEST(with_ggml, an_empty_tensor_is_an_empty_view) {
  std::vector<float> none;
  const plain_ggml_tensor tensor = tensor_over(none, plain_f32, {8, 0});
  EXPECT_EQ(fissile::view<float>(&tensor).rows(), 0);
}

TEST(with_ggml, other_types_are_refused_with_the_cure) {
  std::vector<float> numbers = ascending_floats(256);
  const plain_ggml_tensor tensor = tensor_over(numbers, plain_q4_k, {256});
  EXPECT_EQ(view_refusal(tensor),
            "view: ggml tensor \"blk.0.ffn_up.weight\": expected type F32, got type Q4_K; quantised weights are "
            "widened first, as ggml_get_type_traits(type)->to_float does");
  EXPECT_NE(view_refusal<std::int32_t>(tensor).find("expected type I32"), std::string::npos);
}

TEST(with_ggml, no_tensor_and_no_memory_are_refused) {
  EXPECT_THROW(fissile::view<float>(static_cast<plain_ggml_tensor*>(nullptr)), fissile::shape_error);
  std::vector<float> numbers = ascending_floats(4);
  plain_ggml_tensor tensor = tensor_over(numbers, plain_f32, {4});
  tensor.data = nullptr;
  EXPECT_NE(view_refusal(tensor).find("expected a tensor with memory, got none"), std::string::npos);
}

TEST(with_ggml, transposed_and_permuted_tensors_are_refused) {
  std::vector<float> numbers = ascending_floats(24);
  plain_ggml_tensor transposed = tensor_over(numbers, plain_f32, {3, 2});
  transposed.nb[0] = 8;
  transposed.nb[1] = 4;
  EXPECT_NE(view_refusal(transposed).find("steps of 8 and 4 bytes, ne = {3, 2, 1, 1}; a transposed or permuted tensor"),
            std::string::npos);
  plain_ggml_tensor permuted = tensor_over(numbers, plain_f32, {2, 3, 4});
  permuted.nb[1] = 24;  // dimensions 1 and 2 exchanged: its rows lie at two distances
  permuted.nb[2] = 8;
  EXPECT_NE(view_refusal(permuted).find("a step of 8 bytes in dimension 2 where 72 would go on"), std::string::npos);
  plain_ggml_tensor overlapping = tensor_over(numbers, plain_f32, {3, 2});
  overlapping.nb[1] = 8;
  EXPECT_NE(view_refusal(overlapping).find("side by side"), std::string::npos);
  plain_ggml_tensor negative = tensor_over(numbers, plain_f32, {3, 2});
  negative.ne[1] = -2;
  EXPECT_NE(view_refusal(negative).find("sizes of at least 0"), std::string::npos);
}

TEST(with_ggml, and_eigen_serve_the_same_file) {
  Eigen::Matrix<float, 2, 3, Eigen::RowMajor> m;
  m << 1, 2, 3, 4, 5, 6;
  std::vector<float> numbers = ascending_floats(6);
  const plain_ggml_tensor tensor = tensor_over(numbers, plain_f32, {3, 2});
  EXPECT_EQ(fissile::view(m)(1, 2), fissile::view<float>(&tensor)(1, 2) + 1);
}

}  // namespace
