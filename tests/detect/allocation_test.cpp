// Detecting is free of heap allocations.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // inlines only one of a pair and takes it for the wrong one
#endif
#include "support/counting_new.hpp"

#include <fissile/detect/component_importance.hpp>
#include <fissile/detect/down_inputs.hpp>
#include <fissile/detect/feature_magnitudes.hpp>
#include <fissile/detect/input_hessian.hpp>
#include <fissile/detect/input_moments.hpp>
#include <fissile/detect/neuron_coactivation.hpp>
#include <fissile/detect/neuron_magnitudes.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(allocation, detectors_allocate_nothing_while_they_look_on) {
  random_source random{121};
  const auto numbers = testing::random_numbers<float>(random, 40 * 300);
  feature_magnitudes features{{.layers = 2, .width = 300}};
  neuron_magnitudes neurons{{partition{cut_evenly(ascending(300), 1, "test")}}};
  neuron_coactivation pairs{{.neurons = 300}};
  input_moments moments{{.width = 300, .corpus = {}}};
  input_hessian<double> hessian{{.width = 300, .corpus = {}}};
  component_importance importance{
      {.labels = {"en"}, .layers = 2, .components = {{"attention_output", 4}, {"gate", 200}, {"hidden", 300}}}};
  const route chosen{1};
  const std::size_t before = testing::allocations;
  for (index_t i = 0; i < 10; ++i) {
    features.add(1, {numbers.data(), 40, 300});
    features.input_end();
    neuron_observer watch = neurons.at(0);
    watch.token(chosen);
    watch.expert(0, {0, 1.0f}, {numbers.data(), 300});
    pairs.add({numbers.data(), 40, 300});
    importance.add(0, {1, "hidden"}, matrix_view{numbers.data(), 40, 300}, matrix_view{numbers.data(), 40, 300});
    moments.add({numbers.data(), 40, 300});
    moments.sample_end();
    hessian.add({numbers.data(), 40, 300});
    hessian.sample_end();
  }
  EXPECT_EQ(testing::allocations - before, 0u);
  const std::vector<double> levels = features.magnitudes(1);
  EXPECT_GT(testing::allocations, before) << "the counter counts";
  EXPECT_EQ(levels.size(), 300u);
}

}  // namespace
}  // namespace fissile
