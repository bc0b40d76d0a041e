#include <fissile/weights/hidden_products.hpp>

#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <gtest/gtest.h>
#include <fissile/weights/dense_ffn.hpp>

#include <cstring>

namespace fissile {
namespace {

using testing::random_numbers;

template <class T>
class hidden_products : public ::testing::Test {
protected:
  /// h of the listed neurons for each token. [tokens x neurons listed]
  template <class Activation>
  static std::vector<float> hidden(const ffn_weights<T>& ffn, Activation activate, const std::vector<index_t>& neurons,
                                   matrix_view<const float> tokens) {
    std::vector<float> scratch(to_size(ffn.width() * lanes)), found(to_size(tokens.rows() * length(neurons)), -99);
    const token_tile tile = make_tile(
        ffn.width(), tokens.rows(), [&](index_t lane) noexcept { return tokens.row(lane).data(); }, scratch.data());
    compute_hidden(ffn, activate, vector_view<const index_t>(neurons), tile,
                   [&](index_t j, index_t lane, float h) noexcept { found[to_size(lane * length(neurons) + j)] = h; });
    return found;
  }
};
using elements = ::testing::Types<float, bf16, f16, double>;
TYPED_TEST_SUITE(hidden_products, elements);

TYPED_TEST(hidden_products, are_the_formulas_for_any_neurons_and_have_the_same_bits_in_any_company) {
  random_source random{1};
  for (int trial = 0; trial < 100; ++trial) {
    const auto owned = testing::random_ffn<TypeParam>(random, testing::random_shape(random));
    const ffn_weights<TypeParam> ffn = owned.view();
    const index_t count = 1 + random.below(lanes);
    const auto numbers = random_numbers<float>(random, count * ffn.width());
    const matrix_view<const float> tokens{numbers.data(), count, ffn.width()};
    std::vector<index_t> neurons;
    for (index_t j = random.below(30); j >= 0; --j) neurons.push_back(random.below(ffn.neurons()));
    const std::vector<float> together = this->hidden(ffn, gelu{}, neurons, tokens);
    for (index_t token = 0; token < count; ++token) {
      const float* found = together.data() + token * length(neurons);
      for (index_t j = 0; j < length(neurons); ++j) {
        const auto exact =
            static_cast<double>(testing::plain_hidden(owned, gelu{}, neurons[to_size(j)], tokens.row(token).data()));
        ASSERT_NEAR(static_cast<double>(found[j]), exact, 2e-5 * (1 + std::abs(exact))) << "trial " << trial;
      }
      const std::vector<float> alone = this->hidden(ffn, gelu{}, neurons, tokens.rows(token, 1));
      ASSERT_EQ(std::memcmp(found, alone.data(), alone.size() * sizeof(float)), 0) << "trial " << trial;
    }
  }
}

TYPED_TEST(hidden_products, hidden_of_is_the_formula_in_both_accumulators) {
  random_source random{2};
  for (int trial = 0; trial < 30; ++trial) {
    const auto owned = testing::random_ffn<TypeParam>(random, testing::random_shape(random));
    const auto token = random_numbers<float>(random, owned.width);
    const index_t neuron = random.below(owned.neurons);
    const auto exact = static_cast<double>(testing::plain_hidden(owned, silu{}, neuron, token.data()));
    EXPECT_NEAR((hidden_of<double>(owned.view(), silu{}, neuron, token.data())), exact, 1e-13 * (1 + std::abs(exact)));
    EXPECT_NEAR(static_cast<double>(hidden_of<float>(owned.view(), silu{}, neuron, token.data())), exact,
                2e-5 * (1 + std::abs(exact)));
  }
}

}  // namespace
}  // namespace fissile
