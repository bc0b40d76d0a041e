#include <fissile/detect/neuron_magnitudes.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

static_assert(hidden_observer<neuron_observer> && route_observer<neuron_observer>);
static_assert(hidden_observer<layer_neurons> && route_observer<layer_neurons>);

struct run_once {
  owned_ffn<float> ffn;
  partition split;
  std::vector<float> x;
  workspace work;

  explicit run_once(random_source& random, index_t tokens)
      : ffn(testing::random_ffn<float>(random, testing::random_shape(random, 6))),
        split(shuffled{random.bits()}.split(ffn.neurons, 6)),
        x(testing::random_numbers<float>(random, tokens * ffn.width)),
        work(sparse_ffn{borrow(ffn.view(), split), gelu{}}, {.batch = tokens}) {
    testing::random_routes(random, work, tokens, 0.4);
  }
  matrix_view<const float> tokens() const { return {x.data(), length(x) / ffn.width, ffn.width}; }
  template <class Observer>
  void operator()(Observer&& watch) {
    std::vector<float> out(x.size());
    sparse_ffn{borrow(ffn.view(), split), gelu{}}(tokens(), work, {out.data(), tokens().rows(), ffn.width}, watch);
  }
};

TEST(neuron_magnitudes, equal_the_plain_sums) {
  random_source random{91};
  for (index_t round = 0; round < 30; ++round) {
    run_once run{random, 7};
    neuron_magnitudes found{{run.split, run.split}, "guide"};
    run(found.at(1));
    const layer_neurons& layer = found.of(1);
    EXPECT_EQ(layer.tokens(), 7u);
    for (index_t e = 0; e < run.split.experts(); ++e) {
      for (index_t neuron : run.split.expert(e)) {
        neuron_sums expected;
        for (index_t token = 0; token < 7; ++token) {
          const route& chosen = run.work.routes()[token];
          if (std::none_of(chosen.begin(), chosen.end(), [&](const choice& c) { return c.expert == e; })) continue;
          const double h = hidden_of<double>(run.ffn.view(), gelu{}, neuron, run.tokens().row(token).data());
          ++expected.times;
          expected.sum += std::abs(h);
          expected.squares += h * h;
          expected.peak = std::max(expected.peak, static_cast<float>(std::abs(h)));
        }
        ASSERT_EQ(layer[neuron].times, expected.times);
        ASSERT_NEAR(layer[neuron].sum, expected.sum, 1e-4);
        ASSERT_NEAR(layer[neuron].squares, expected.squares, 1e-4);
        ASSERT_NEAR(layer[neuron].peak, expected.peak, 1e-4);
      }
    }
    EXPECT_EQ(found.of(0), layer_neurons{run.split});
  }
}

TEST(neuron_magnitudes, route_weights_do_not_count) {
  const partition split{{{0, 2}, {1}}};
  neuron_magnitudes found{{split}};
  const std::vector<float> hidden{-3, 4};
  found.at(0).expert(0, {0, 0.25f}, hidden);
  EXPECT_EQ(found.of(0)[0], (neuron_sums{1, 3, 9, 3}));
  EXPECT_EQ(found.of(0)[1], neuron_sums{});
  EXPECT_EQ(found.of(0)[2], (neuron_sums{1, 4, 16, 4}));
}

TEST(neuron_magnitudes, merging_equals_one_pass) {
  random_source random{92};
  for (index_t round = 0; round < 30; ++round) {
    run_once run{random, 5};
    neuron_magnitudes one_pass{{run.split}}, a{{run.split}}, b{{run.split}};
    for (index_t i = 0; i < 6; ++i) {
      testing::random_routes(random, run.work, 5, 0.5);
      neuron_magnitudes& part = random.below(2) == 0 ? a : b;
      neuron_observer both[] = {one_pass.at(0), part.at(0)};
      run(observers{both[0], both[1]});
    }
    neuron_magnitudes ab = a, ba = b;
    ab.merge(b);
    ba.merge(a);
    for (const neuron_magnitudes* merged : {&ab, &ba}) {
      EXPECT_EQ(merged->of(0).tokens(), 30u);
      for (index_t neuron = 0; neuron < run.ffn.neurons; ++neuron) {
        const neuron_sums& expected = one_pass.of(0)[neuron];
        const neuron_sums& got = merged->of(0)[neuron];
        ASSERT_EQ(got.times, expected.times);
        ASSERT_EQ(got.peak, expected.peak);
        ASSERT_NEAR(got.sum, expected.sum, 1e-12 * expected.sum);
        ASSERT_NEAR(got.squares, expected.squares, 1e-12 * expected.squares);
      }
    }
  }
}

TEST(neuron_magnitudes, what_is_no_number_is_counted_and_left_out) {
  neuron_magnitudes found{{partition{{{0, 1, 2}}}}};
  const std::vector<float> hidden{std::numeric_limits<float>::quiet_NaN(), 2, -std::numeric_limits<float>::infinity()};
  found.at(0).expert(0, {0, 1}, hidden);
  EXPECT_EQ(found.of(0).undefined(), 2u);
  EXPECT_EQ(found.of(0)[0], (neuron_sums{1, 0, 0, 0}));
  EXPECT_EQ(found.of(0)[1], (neuron_sums{1, 2, 4, 2}));
  neuron_magnitudes more = found;
  more.merge(found);
  EXPECT_EQ(more.of(0).undefined(), 4u);
}

TEST(neuron_magnitudes, refuses_what_does_not_fit) {
  const partition split{{{0, 1}, {2}}}, other{{{0}, {1, 2}}};
  expect_says(message_of<setting_error>([] { neuron_magnitudes{std::vector<partition>{}}; }), {"splits", "none"});
  neuron_magnitudes found{{split}, "wiki"};
  expect_says(message_of<setting_error>([&] { found.at(1); }), {"from 0 to 0", "got 1"});
  expect_says(message_of<setting_error>([&] { (void)found.of(-1); }), {"got -1"});
  expect_says(message_of<shape_error>([&] { found.merge(neuron_magnitudes{{other}}); }), {"another split"});
  expect_says(message_of<shape_error>([&] { found.merge(neuron_magnitudes{{split, split}}); }), {"2 layers"});
  found.merge(neuron_magnitudes{{split}, "guide"});
  EXPECT_EQ(found.corpus(), "guide + wiki");
}

}  // namespace
}  // namespace fissile
