// Law of the bits: the same input gives the same output to the last bit, for any number of threads, any split into
// batches, any executor's order and any size of workspace.
#include <fissile/base/thread_pool.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fissile {
namespace {

using testing::random_numbers;

/// As many tasks as a large machine would ask for, the last one first.
struct from_the_end {
  index_t threads() const noexcept { return 17; }
  void operator()(index_t tasks, task_reference f) const noexcept {
    while (tasks > 0) f(--tasks);
  }
};

/// Experts of a dense layer that cannot be joined with their neighbours.
template <element T>
class each_alone {
public:
  using element_type = T;
  explicit each_alone(borrowed_experts<T> experts) : inner_(std::move(experts)) {}
  index_t width() const noexcept { return inner_.width(); }
  const partition& experts() const noexcept { return inner_.experts(); }
  expert_view<T> expert(index_t e) const noexcept { return inner_.expert(e); }
  vector_view<const bias_of<T>> down_bias() const noexcept { return inner_.down_bias(); }

private:
  borrowed_experts<T> inner_;
};

template <element T, class Activation>
struct layer_of {
  using element_type = T;
  using activation_type = Activation;
};
template <class Case>
class same_bits : public ::testing::Test {};
using layers_tested =
    ::testing::Types<layer_of<float, silu>, layer_of<bf16, gelu_tanh>, layer_of<f16, relu2>, layer_of<double, gelu>>;
TYPED_TEST_SUITE(same_bits, layers_tested);

TYPED_TEST(same_bits, for_any_threads_batches_and_workspaces) {
  using T = typename TypeParam::element_type;
  random_source random{1};
  for (int trial = 0; trial < 12; ++trial) {
    const auto owned = testing::random_ffn<T>(random, testing::random_shape(random));
    const index_t width = owned.width, tokens = 1 + random.below(45);
    const partition split = shuffled{.seed = random.bits()}.split(owned.neurons, 1 + random.below(owned.neurons));
    const sparse_ffn run{borrow(owned.view(), split), typename TypeParam::activation_type{}};
    const auto x = random_numbers<float>(random, tokens * width),
               residual = random_numbers<float>(random, tokens * width);
    const matrix_view<const float> in{x.data(), tokens, width};

    workspace whole{run, {.batch = tokens}};
    testing::random_routes(random, whole, tokens, trial % 2 == 0 ? 0.6 : 0.97);
    for (route& chosen : whole.routes()) {
      for (choice& c : chosen) c.weight = trial % 4 < 2 ? c.weight : 1.0f;  // neighbours of one weight may be joined
    }
    std::vector<float> expected(x.size()), sum = residual;
    run(in, whole, {expected.data(), tokens, width});
    run.accumulate(in, whole, {sum.data(), tokens, width});

    const auto expect_same = [&](executor_reference threads, const char* name) {
      workspace part{run, {.batch = tokens + random.below(4)}, threads};
      std::vector<float> y(x.size()), added = residual;
      for (index_t first = 0; first < tokens;) {
        const index_t count = std::min(tokens - first, 1 + random.below(30));
        part.start(count);
        for (index_t token = 0; token < count; ++token) part.routes()[token] = whole.routes()[first + token];
        run(in.rows(first, count), part, {y.data() + first * width, count, width});
        run.accumulate(in.rows(first, count), part, {added.data() + first * width, count, width});
        first += count;
      }
      ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0) << name << ", trial " << trial;
      ASSERT_EQ(std::memcmp(added.data(), sum.data(), y.size() * sizeof(float)), 0) << name << ", trial " << trial;
    };
    const sparse_ffn alone{each_alone<T>{borrow(owned.view(), split)}, typename TypeParam::activation_type{}};
    std::vector<float> unjoined(x.size());
    alone(in, whole, {unjoined.data(), tokens, width});
    ASSERT_EQ(std::memcmp(unjoined.data(), expected.data(), expected.size() * sizeof(float)), 0) << "trial " << trial;
    thread_pool one{1}, two{2}, three{3}, four{4};
    from_the_end reversed;
    expect_same({}, "no executor");
    expect_same(one, "1 thread");
    expect_same(two, "2 threads");
    expect_same(three, "3 threads");
    expect_same(four, "4 threads");
    expect_same(reversed, "from_the_end");
  }
}

/// An expert's place in the order of experts, not in memory, decides when it is added.
TYPED_TEST(same_bits, for_a_workspace_of_a_larger_layer) {
  using T = typename TypeParam::element_type;
  random_source random{2};
  const auto large = testing::random_ffn<T>(random, {.width = 30, .neurons = 90});
  const auto small = testing::random_ffn<T>(random, {.width = 17, .neurons = 60});
  const sparse_ffn larger{borrow(large.view(), even_slices{}.split(90, 9)), silu{}};
  const sparse_ffn run{borrow(small.view(), even_slices{}.split(60, 7)), silu{}};
  const auto x = random_numbers<float>(random, 12 * 17);
  std::vector<float> a(x.size()), b(x.size());
  workspace own{run, {.batch = 12}}, roomy{larger, {.batch = 20}};
  testing::random_routes(random, own, 12, 0.5);
  roomy.start(12);
  for (index_t token = 0; token < 12; ++token) roomy.routes()[token] = own.routes()[token];
  run({x.data(), 12, 17}, own, {a.data(), 12, 17});
  run({x.data(), 12, 17}, roomy, {b.data(), 12, 17});
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace fissile
