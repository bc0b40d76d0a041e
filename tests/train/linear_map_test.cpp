#include <fissile/train/linear_map.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile::testing {
namespace {

/// What a scratch must be told of a layer, and no more.
template <element T>
struct sizes {
  using element_type = T;
  using number_type = double;
  index_t width() const { return 64; }
  index_t neurons() const { return 64; }
  index_t experts() const { return 1; }
};

/// Rows with a few numbers of padding between them.
template <element T>
struct padded {
  std::vector<T> data;
  index_t rows, columns, stride;
  padded(random_source& random, index_t rows_, index_t columns_)
      : rows(rows_), columns(columns_), stride(columns_ + random.below(4)) {
    data = random_numbers<T>(random, rows * stride);
  }
  matrix_view<T> view() { return {data.data(), rows, columns, stride}; }
  matrix_view<const T> view() const { return {data.data(), rows, columns, stride}; }
  double operator()(index_t r, index_t c) const { return widen<double>(view()(r, c)); }
};

template <element T>
void compare_with_loops(random_source& random) {
  const index_t tokens = 1 + random.below(40), inputs = 1 + random.below(60), outputs = 1 + random.below(60);
  training_scratch scratch{sizes<T>{}};
  const padded<T> weights{random, outputs, inputs};
  const padded<double> in{random, tokens, inputs}, out_gradient{random, tokens, outputs};
  const std::vector<bias_of<T>> bias = random_numbers<bias_of<T>>(random, outputs);

  padded<double> out{random, tokens, outputs};
  const linear_map<T> map{weights.view(), bias};
  map.forward(in.view(), scratch, out.view());
  padded<double> in_gradient{random, tokens, inputs}, weight_gradient{random, outputs, inputs};
  const padded<double> in_before = in_gradient, weight_before = weight_gradient;
  std::vector<double> bias_gradient(to_size(outputs), 2.0);
  map.backward(out_gradient.view(), scratch, in_gradient.view());
  linear_gradients<double>{weight_gradient.view(), bias_gradient}.add(in.view(), out_gradient.view(), scratch);

  for (index_t t = 0; t < tokens; ++t) {
    for (index_t o = 0; o < outputs; ++o) {
      double sum = static_cast<double>(bias[to_size(o)]);
      for (index_t i = 0; i < inputs; ++i) sum += in(t, i) * weights(o, i);
      EXPECT_NEAR(out(t, o), sum, 1e-12);
    }
    for (index_t i = 0; i < inputs; ++i) {
      double sum = in_before(t, i);
      for (index_t o = 0; o < outputs; ++o) sum += out_gradient(t, o) * weights(o, i);
      EXPECT_NEAR(in_gradient(t, i), sum, 1e-12);
    }
  }
  for (index_t o = 0; o < outputs; ++o) {
    double bias_sum = 2;
    for (index_t t = 0; t < tokens; ++t) bias_sum += out_gradient(t, o);
    EXPECT_NEAR(bias_gradient[to_size(o)], bias_sum, 1e-12);
    for (index_t i = 0; i < inputs; ++i) {
      double sum = weight_before(o, i);
      for (index_t t = 0; t < tokens; ++t) sum += out_gradient(t, o) * in(t, i);
      EXPECT_NEAR(weight_gradient(o, i), sum, 1e-12);
    }
  }
}

TEST(linear_map, forward_and_backward_equal_loops) {
  random_source random{1};
  for (int trial = 0; trial < 10; ++trial) {
    compare_with_loops<double>(random);
    compare_with_loops<float>(random);
    compare_with_loops<bf16>(random);
    compare_with_loops<f16>(random);
  }
}

TEST(linear_map, as_eigen_reads_in_place) {
  std::vector<float> numbers{0, 1, 2, 3, 4, 5, 6, 7};
  const auto map = as_eigen(matrix_view<float>{numbers.data(), 2, 3, 5});
  EXPECT_EQ(map.data(), numbers.data());
  EXPECT_EQ(map(1, 2), 7);
  map(0, 1);
  const auto constant = as_eigen(matrix_view<const float>{numbers.data(), 2, 3, 5});
  EXPECT_EQ(constant.sum(), 0 + 1 + 2 + 5 + 6 + 7);
}

TEST(linear_map, what_is_left_out_is_left_alone) {
  random_source random{2};
  training_scratch scratch{sizes<double>{}};
  const padded<double> weights{random, 3, 2}, in{random, 4, 2}, out_gradient{random, 4, 3};
  const linear_map<double> map{weights.view()};
  map.backward(out_gradient.view(), scratch, {});
  linear_gradients<double>{{}}.add(in.view(), out_gradient.view(), scratch);
  std::vector<double> bias(3);
  linear_gradients<double>{{}, bias}.add(in.view(), out_gradient.view(), scratch);
  EXPECT_NE(bias[0], 0);
}

}  // namespace
}  // namespace fissile::testing
