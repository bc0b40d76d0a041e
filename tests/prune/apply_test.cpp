#include <fissile/partition/shuffled.hpp>
#include <fissile/prune/apply.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/exactness.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::random_ffn;
using testing::random_numbers;
using testing::random_shape;

/// Experts of random sizes with random neurons; some are shared.
partition random_split(random_source& random, index_t neurons) {
  std::vector<index_t> order = ascending(neurons);
  shuffle(order, random);
  const index_t experts = 1 + random.below(std::min<index_t>(neurons, 9));
  std::vector<std::vector<index_t>> members(to_size(experts));
  for (index_t i = 0; i < neurons; ++i) {
    members[to_size(i < experts ? i : random.below(experts))].push_back(order[to_size(i)]);
  }
  std::vector<index_t> shared;
  for (index_t e = 0; e < experts; ++e) {
    if (random.below(4) == 0) shared.push_back(e);
  }
  return partition{members, shared};
}

/// Two layers, of which the second decides each expert by chance; at least one stays.
verdict random_verdict(random_source& random, index_t experts) {
  verdict decided;
  decided.layers.resize(2);
  for (index_t e = 0; e < experts; ++e) {
    decided.layers[1].push_back({random.below(2) == 0 ? fate::keep : fate::remove, ""});
  }
  decided.layers[1][to_size(random.below(experts))].what = fate::keep;
  return decided;
}

template <class Storage>
std::vector<float> output_of(const Storage& storage, matrix_view<const float> tokens,
                             const std::vector<index_t>& chosen) {
  const sparse_ffn run{storage, gelu{}};
  workspace work{run, {.batch = tokens.rows()}};
  work.choose_these(tokens.rows(), chosen);
  std::vector<float> out(to_size(tokens.rows() * tokens.columns()));
  run(tokens, work, {out.data(), tokens.rows(), tokens.columns()});
  return out;
}

template <class T>
struct apply_test : ::testing::Test {};
using elements = ::testing::Types<float, bf16, f16>;
TYPED_TEST_SUITE(apply_test, elements);

TYPED_TEST(apply_test, the_smaller_layer_is_the_old_one_with_the_survivors_chosen) {
  random_source random{11};
  for (index_t round = 0; round < 60; ++round) {
    const auto ffn = random_ffn<TypeParam>(random, random_shape(random));
    const partition split = random_split(random, ffn.neurons);
    const verdict decided = random_verdict(random, split.experts());
    const pruned_ffn<TypeParam> pruned = apply(ffn.view(), split, decided, 1);
    const index_t batch = 1 + random.below(11);
    const std::vector<float> x = random_numbers<float>(random, batch * ffn.width);
    const matrix_view<const float> tokens{x.data(), batch, ffn.width};

    const std::vector<float> masked = output_of(borrow(ffn.view(), split), tokens, decided.kept(1));
    const std::vector<float> smaller =
        output_of(borrow(pruned.ffn.view(), pruned.experts), tokens, ascending(pruned.experts.experts()));
    ASSERT_EQ(std::memcmp(masked.data(), smaller.data(), masked.size() * sizeof(float)), 0) << "round " << round;
    EXPECT_LE(exactness(pruned.ffn.view(), gelu{}, tokens, {smaller.data(), batch, ffn.width}), exactness_bound);
  }
}

TYPED_TEST(apply_test, the_smaller_layer_is_the_old_one_with_the_others_silenced) {
  random_source random{12};
  for (index_t round = 0; round < 60; ++round) {
    const auto ffn = random_ffn<TypeParam>(random, random_shape(random));
    const partition split = random_split(random, ffn.neurons);
    const verdict decided = random_verdict(random, split.experts());
    const owned_ffn<TypeParam> smaller = apply(ffn.view(), split, decided, 1).ffn;

    owned_ffn<TypeParam> masked = ffn;  // all neurons run, those that went write nothing
    const std::vector<index_t> owner = split.owners();
    for (index_t i = 0; i < ffn.width; ++i) {
      for (index_t neuron = 0; neuron < ffn.neurons; ++neuron) {
        if (decided.layers[1][to_size(owner[to_size(neuron)])].what == fate::remove) {
          masked.down[to_size(i * ffn.neurons + neuron)] = TypeParam{};
        }
      }
    }
    const std::vector<float> x = random_numbers<float>(random, 3 * ffn.width);
    std::vector<double> expected(x.size()), got(x.size());
    dense_ffn<double>(masked.view(), silu{}, {x.data(), 3, ffn.width}, {expected.data(), 3, ffn.width});
    dense_ffn<double>(smaller.view(), silu{}, {x.data(), 3, ffn.width}, {got.data(), 3, ffn.width});
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i]) << "round " << round;
  }
}

TYPED_TEST(apply_test, says_who_stayed) {
  random_source random{13};
  for (index_t round = 0; round < 60; ++round) {
    const auto ffn = random_ffn<TypeParam>(random, random_shape(random));
    const partition split = random_split(random, ffn.neurons);
    const verdict decided = random_verdict(random, split.experts());
    const pruned_ffn<TypeParam> pruned = apply(ffn.view(), split, decided, 1);
    ASSERT_EQ(pruned.kept_experts, decided.kept(1));
    ASSERT_EQ(pruned.experts.experts(), length(pruned.kept_experts));
    ASSERT_EQ(pruned.experts.neurons(), pruned.ffn.neurons);
    ASSERT_TRUE(std::is_sorted(pruned.kept_neurons.begin(), pruned.kept_neurons.end()));
    for (index_t e = 0; e < pruned.experts.experts(); ++e) {
      const index_t old = pruned.kept_experts[to_size(e)];
      ASSERT_EQ(pruned.experts.shared(e), split.shared(old));
      ASSERT_EQ(pruned.experts.size(e), split.size(old));
      for (index_t j = 0; j < split.size(old); ++j) {
        ASSERT_EQ(pruned.kept_neurons[to_size(pruned.experts.expert(e)[j])], split.expert(old)[j]);
      }
    }
    const auto numbers = pruned.ffn.gate.size() + pruned.ffn.up.size() + pruned.ffn.down.size();
    const auto biases = pruned.ffn.gate_bias.size() + pruned.ffn.up_bias.size() + pruned.ffn.down_bias.size();
    ASSERT_EQ(pruned.report.after.bytes, numbers * sizeof(TypeParam) + biases * sizeof(float));
    ASSERT_EQ(pruned.report.after.parameters, numbers + biases);
    ASSERT_EQ(pruned.report.before.neurons, static_cast<std::uint64_t>(ffn.neurons));
  }
}

TYPED_TEST(apply_test, zero_neurons_change_nothing) {
  random_source random{14};
  for (index_t round = 0; round < 60; ++round) {
    const auto ffn = random_ffn<TypeParam>(random, random_shape(random));
    const owned_ffn<TypeParam> wider = padded(ffn, ffn.neurons + random.below(5));
    ASSERT_EQ(wider.up.size(), to_size(wider.neurons * wider.width));
    ASSERT_EQ(wider.gate.empty(), ffn.gate.empty());
    EXPECT_NO_THROW(check_shapes(wider.view(), "test"));
    const std::vector<float> x = random_numbers<float>(random, 2 * ffn.width);
    std::vector<double> expected(x.size()), got(x.size());
    dense_ffn<double>(ffn.view(), silu{}, {x.data(), 2, ffn.width}, {expected.data(), 2, ffn.width});
    dense_ffn<double>(wider.view(), silu{}, {x.data(), 2, ffn.width}, {got.data(), 2, ffn.width});
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i]);
  }
}

TEST(apply, reads_rows_with_a_stride) {
  random_source random{15};
  const auto numbers = random_numbers<float>(random, 10 * 7);
  const auto down = random_numbers<float>(random, 4 * 12);
  const ffn_weights<float> ffn{.gate = {}, .up = {numbers.data(), 10, 4, 7}, .down = {down.data(), 4, 10, 12}};
  const owned_ffn<float> some = only(ffn, {2, 7});
  EXPECT_EQ(some.up, (std::vector<float>{numbers[14], numbers[15], numbers[16], numbers[17], numbers[49], numbers[50],
                                         numbers[51], numbers[52]}));
  EXPECT_EQ(some.down,
            (std::vector<float>{down[2], down[7], down[14], down[19], down[26], down[31], down[38], down[43]}));
}

TEST(apply, refuses_what_does_not_fit) {
  random_source random{16};
  const owned_ffn<float> ffn = random_ffn<float>(random, {.width = 4, .neurons = 12});
  const partition split = shuffled{}.split(12, 3);
  verdict decided;
  decided.layers = {std::vector<ruling>(3), std::vector<ruling>(2)};
  EXPECT_NO_THROW(apply(ffn.view(), split, decided, 0));
  expect_says(message_of<shape_error>([&] { apply(ffn.view(), shuffled{}.split(11, 3), decided, 0); }),
              {"apply: experts", "12 neurons", "11"});
  expect_says(message_of<shape_error>([&] { apply(ffn.view(), split, decided, 1); }),
              {"verdict, layer 1", "3 experts", "got 2"});
  for (const index_t layer : {-1, 2}) {
    expect_says(message_of<setting_error>([&] { apply(ffn.view(), split, decided, layer); }),
                {"apply: layer", "2 layers", std::to_string(layer)});
  }
  for (ruling& one : decided.layers[0]) one.what = fate::remove;
  expect_says(message_of<setting_error>([&] { apply(ffn.view(), split, decided, 0); }),
              {"layer 0", "at least one expert that stays", "none"});
  expect_says(message_of<setting_error>([&] { padded(ffn, 11); }), {"padded: neurons", "at least 12", "11"});
}

}  // namespace
}  // namespace fissile
