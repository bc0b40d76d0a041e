#include <fissile/detect/down_inputs.hpp>
#include <fissile/detect/input_hessian.hpp>
#include <fissile/detect/input_moments.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(down_inputs, are_the_weighted_activations_of_every_neuron) {
  random_source random{31};
  for (index_t round = 0; round < 30; ++round) {
    const auto ffn = testing::random_ffn<float>(random, testing::random_shape(random, 4));
    const sparse_ffn run{borrow(ffn.view(), shuffled{random.bits()}.split(ffn.neurons, 4)), gelu{}};
    workspace work{run, {.batch = 7}};
    input_moments moments{{.width = ffn.neurons}}, expected{{.width = ffn.neurons}};
    down_inputs watch{run.split(), moments};
    const std::vector<index_t> owner = run.split().owners();
    for (index_t sample = 0; sample < 3; ++sample) {
      for (index_t piece = 0; piece < 2; ++piece) {
        const auto x = testing::random_numbers<float>(random, 7 * ffn.width);
        std::vector<float> y(x.size());
        testing::random_routes(random, work, 7, 0.5);
        run({x.data(), 7, ffn.width}, work, {y.data(), 7, ffn.width}, watch);
        for (index_t token = 0; token < 7; ++token) {
          std::vector<float> row(to_size(ffn.neurons), 0.0f);
          for (const choice& chosen : work.routes()[token]) {
            for (index_t neuron = 0; neuron < ffn.neurons; ++neuron) {
              if (owner[to_size(neuron)] != chosen.expert) continue;
              row[to_size(neuron)] =
                  chosen.weight * hidden_of<float>(ffn.view(), gelu{}, neuron, x.data() + token * ffn.width);
            }
          }
          expected.add(vector_view<const float>{row});
        }
      }
      watch.sample_end();
      expected.sample_end();
    }
    EXPECT_EQ(moments.read(), expected.read());
    EXPECT_EQ(moments.read().positions(), 42u) << "tokens that ran nothing count, too";
    for (index_t j = 0; j < ffn.neurons; ++j) {
      ASSERT_NEAR(moments.mean_square(j), expected.mean_square(j), 1e-4 * (1e-3 + expected.mean_square(j)));
    }
  }
}

TEST(down_inputs, serve_the_hessian_as_well) {
  const partition split = even_slices{}.split(2, 2);
  input_hessian<double> found{{.width = 2}};
  down_inputs watch{split, found};
  const float two = 2, three = 3;
  watch.token(route{2});
  watch.expert(0, {0, 1.0f}, {&two, 1});
  watch.expert(0, {1, 0.5f}, {&three, 1});
  watch.token(route{2});
  watch.expert(1, {0, 1.0f}, {&three, 1});
  watch.sample_end();
  EXPECT_EQ(found(0, 0), 2.0 * (4 + 9));
  EXPECT_EQ(found(0, 1), 2.0 * 3);
  EXPECT_EQ(found(1, 1), 2.0 * 2.25);
}

TEST(down_inputs, refuses_another_width) {
  const partition split = even_slices{}.split(4, 2);
  input_moments narrow{{.width = 3}};
  testing::expect_says(testing::message_of<shape_error>([&] { down_inputs(split, narrow); }), {"4 wide", "got 3"});
}

}  // namespace
}  // namespace fissile
