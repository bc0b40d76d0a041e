// Training and inference are one layer: the sparse layer behind a router with the same gate gives the same outputs.
#include <fissile/train/trainable_ffn.hpp>

#include "train/plain_layer.hpp"

#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/exactness.hpp>

namespace fissile::testing {
namespace {

/// ||a - b|| over law 1's scale, with the largest weight of a token as the size of its experts' outputs.
template <element T, class Activation>
double law_1_error(const problem<T, float, Activation>& given, const std::vector<float>& a,
                   const std::vector<float>& b) {
  plain_layer<Activation> reach = plain(given);  // nothing cancels where nothing is negative
  for (double* parameter : reach.parameters()) *parameter = std::abs(*parameter);
  double worst = 0;
  for (std::size_t t = 0; t < reach.tokens.size(); ++t) {
    numbers scale = reach.down_bias.empty() ? numbers(reach.width()) : reach.down_bias;
    const numbers weights = plain(given).route_of(t).weights;
    const double heaviest = *std::max_element(weights.begin(), weights.end());
    for (std::size_t j = 0; j < reach.neurons(); ++j) {
      const double hidden = bound_of(Activation{}, reach.inner(t, j)) * (reach.gate.empty() ? 1 : reach.outer(t, j));
      for (std::size_t k = 0; k < reach.width(); ++k) scale[k] += heaviest * reach.down[k][j] * hidden;
    }
    double apart = 0;
    for (std::size_t k = 0; k < reach.width(); ++k) {
      const std::size_t i = t * reach.width() + k;
      apart += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    }
    worst = std::max(worst, std::sqrt(apart) / std::sqrt(plain_layer<Activation>::dot(scale, scale)));
  }
  return worst;
}

template <element T>
index_t compare_with_inference(random_source& random) {
  index_t sparse_tokens = 0;
  for_each_activation([&](auto activate) {
    for (const threshold_gate& rule : all_rules()) {
      const auto given = random_problem<T, float>(random, random_problem_shape(random), activate, rule);
      if (near_threshold(plain(given), 1e-5)) continue;  // two roundings of one score may lie on either side
      const router choose{linear_scorer{given.router_view()}, sigmoid{}, rule};
      const sparse_ffn run{borrow(given.ffn.view(), given.split), activate};
      workspace work{run, {.batch = given.batch()}};
      std::vector<float> out(given.tokens.size());
      choose(given.tokens_view(), work);
      run(given.tokens_view(), work, {out.data(), given.batch(), given.width()});
      for (const route& chosen : work.routes()) sparse_tokens += chosen.length() < given.experts() ? 1 : 0;
      EXPECT_LT(law_1_error(given, given.outputs(), out), exactness_bound);
    }
  });
  return sparse_tokens;
}
TEST(trainable_ffn, equals_the_sparse_layer_behind_the_router_of_inference) {
  random_source random{7};
  EXPECT_GT(compare_with_inference<float>(random), 100);
  EXPECT_GT(compare_with_inference<bf16>(random), 100);
}

}  // namespace
}  // namespace fissile::testing
