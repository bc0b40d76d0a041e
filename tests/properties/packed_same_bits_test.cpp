// Law of the bits for packed experts: threads, batches, strides, executors, workspaces and observers change none.
#include <fissile/base/thread_pool.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include "properties/packed_kinds.hpp"

#include <cstring>

namespace fissile {
namespace {

using testing::packed_kind;
using testing::random_numbers;

/// As many tasks as a large machine would ask for, the last one first.
struct backwards {
  index_t threads() const noexcept { return 17; }
  void operator()(index_t tasks, task_reference f) const noexcept {
    while (tasks > 0) f(--tasks);
  }
};
struct sums_up {
  double sum = 0;
  void expert(index_t, choice, vector_view<const float> hidden) noexcept {
    for (float h : hidden) sum += static_cast<double>(h);
  }
};

template <class Kind>
class packed_same_bits : public ::testing::Test {};
using same_kinds = ::testing::Types<packed_kind<float, silu>, packed_kind<bf16, gelu_tanh>,
                                    packed_kind<bf16, silu, products::bf16_dot>, packed_kind<f16, testing::leaky>,
                                    packed_kind<int8, relu2>>;
TYPED_TEST_SUITE(packed_same_bits, same_kinds);

TYPED_TEST(packed_same_bits, for_any_threads_batches_strides_and_observers) {
  random_source random{1};
  thread_pool pools[] = {thread_pool{1}, thread_pool{2}, thread_pool{3}, thread_pool{4}};
  backwards reversed;
  const executor_reference executors[] = {{}, pools[0], pools[1], pools[2], pools[3], reversed};
  for (int trial = 0; trial < 6; ++trial) {
    testing::layer_shape shape = testing::random_shape(random);
    if (trial % 2 == 0) shape.width += 130;                  // several output panels
    if (trial == 0) shape = {.width = 530, .neurons = 530};  // several blocks
    const auto owned = testing::random_ffn<typename TypeParam::source>(random, shape);
    const index_t width = owned.width, tokens = 1 + random.below(trial == 0 ? 16 : 45);
    const index_t experts = 1 + random.below(std::min<index_t>(owned.neurons, 9));
    const partition split = testing::uneven_split(random, owned.neurons, experts);
    for (const instruction_set set : testing::machine_sets()) {
      const sparse_ffn run{pack<typename TypeParam::stored>(owned.view(), split, TypeParam::settings(random, set)),
                           typename TypeParam::activation_type{}};
      const auto x = random_numbers<float>(random, tokens * width),
                 residual = random_numbers<float>(random, tokens * width);
      const matrix_view<const float> in{x.data(), tokens, width};
      workspace whole{run, {.batch = tokens}};
      testing::random_choices(random, whole, tokens, experts, 0.7);
      std::vector<float> expected(x.size()), sum = residual;
      run(in, whole, {expected.data(), tokens, width});
      run.accumulate(in, whole, {sum.data(), tokens, width});

      const index_t stride = width + random.below(4);
      std::vector<float> apart(to_size(tokens * stride));
      for (index_t t = 0; t < tokens; ++t) std::copy(in.row(t).begin(), in.row(t).end(), &apart[to_size(t * stride)]);
      const matrix_view<const float> strided{apart.data(), tokens, width, stride};
      for (const executor_reference& threads : executors) {
        workspace part{run, {.batch = tokens + random.below(4)}, threads};
        std::vector<float> y(apart.size()), added(apart.size());
        const matrix_view<float> out{y.data(), tokens, width, stride}, onto{added.data(), tokens, width, stride};
        for (index_t t = 0; t < tokens; ++t) std::copy_n(&residual[to_size(t * width)], width, onto.row(t).data());
        for (index_t first = 0; first < tokens;) {
          const index_t count = std::min(tokens - first, 1 + random.below(20));
          part.start(count);
          for (index_t t = 0; t < count; ++t) part.routes()[t] = whole.routes()[first + t];
          sums_up watch;
          run(strided.rows(first, count), part, out.rows(first, count), watch);
          run.accumulate(strided.rows(first, count), part, onto.rows(first, count));
          first += count;
        }
        for (index_t t = 0; t < tokens; ++t) {
          const std::size_t bytes = to_size(width) * sizeof(float);
          ASSERT_EQ(std::memcmp(out.row(t).data(), &expected[to_size(t * width)], bytes), 0)
              << name_of(set) << ", " << threads.threads() << " threads, token " << t << ", trial " << trial;
          ASSERT_EQ(std::memcmp(onto.row(t).data(), &sum[to_size(t * width)], bytes), 0)
              << name_of(set) << ", " << threads.threads() << " threads, token " << t << ", trial " << trial;
        }
      }
    }
  }
}

/// The bits of a layer do not depend on whose workspace it borrows.
TYPED_TEST(packed_same_bits, for_a_workspace_of_a_larger_layer) {
  random_source random{2};
  using source = typename TypeParam::source;
  const auto large = testing::random_ffn<source>(random, {.width = 131, .neurons = 190});
  const auto small = testing::random_ffn<source>(random, {.width = 67, .neurons = 60});
  const typename TypeParam::activation_type activate;
  for (const instruction_set set : testing::machine_sets()) {
    const pack_settings settings = TypeParam::settings(random, set);
    using stored = typename TypeParam::stored;
    const sparse_ffn larger{pack<stored>(large.view(), even_slices{}.split(190, 9), settings), activate};
    const sparse_ffn run{pack<stored>(small.view(), even_slices{}.split(60, 7), settings), activate};
    const auto x = random_numbers<float>(random, 12 * 67);
    std::vector<float> a(x.size()), b(x.size());
    workspace own{run, {.batch = 12}}, roomy{larger, {.batch = 20}};
    testing::random_choices(random, own, 12, 7, 0.5);
    roomy.start(12);
    for (index_t token = 0; token < 12; ++token) roomy.routes()[token] = own.routes()[token];
    run({x.data(), 12, 67}, own, {a.data(), 12, 67});
    run({x.data(), 12, 67}, roomy, {b.data(), 12, 67});
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << name_of(set);
  }
}

/// A token alone reads several panels side by side, which no batch does.
TYPED_TEST(packed_same_bits, for_a_token_alone_and_beside_others) {
  random_source random{2};
  constexpr index_t width = 530, neurons = 530, tokens = 3;
  const auto owned = testing::random_ffn<typename TypeParam::source>(
      random, {.width = width, .neurons = neurons, .biased = testing::biases::present});
  const auto x = random_numbers<float>(random, tokens * width);
  for (const index_t experts : {1, 2, 7}) {
    for (const instruction_set set : testing::machine_sets()) {
      const sparse_ffn run{pack<typename TypeParam::stored>(owned.view(), even_slices{}.split(neurons, experts),
                                                            TypeParam::settings(random, set)),
                           typename TypeParam::activation_type{}};
      workspace work{run, {.batch = tokens}};
      std::vector<float> together(x.size()), alone(x.size());
      work.choose_all(tokens, experts);
      run({x.data(), tokens, width}, work, {together.data(), tokens, width});
      for (index_t t = 0; t < tokens; ++t) {
        work.choose_all(1, experts);
        run({x.data() + t * width, 1, width}, work, {alone.data() + t * width, 1, width});
      }
      ASSERT_EQ(std::memcmp(together.data(), alone.data(), x.size() * sizeof(float)), 0)
          << name_of(set) << ", " << experts << " experts";
    }
  }
}

}  // namespace
}  // namespace fissile
