// Archetypes: for every concept of the lower floors a policy that has what the concept's documentation asks for and
// nothing else, not even a default constructor or a copy. What the library needs beyond that would not compile here.
#include <fissile/fissile.hpp>
#include <fissile/prune/neuron_scores.hpp>
#include <fissile/prune/weight_mask.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace archetypes {

/// Can be moved, since policies are passed as built objects; nothing more.
struct built {
  explicit built(int) noexcept {}
  built(built&&) noexcept = default;
  built& operator=(built&&) = delete;
};

/// element: quarters from -32 to 31.75 in a byte.
struct quarters {
  signed char count;
};
float to_float(quarters value) noexcept {
  return static_cast<float>(value.count) / 4;
}
static_assert(element<quarters>);

/// executor: no more than a call.
struct plain_executor {
  int calls = 0;
  explicit plain_executor(int) noexcept {}
  plain_executor(const plain_executor&) = delete;
  void operator()(index_t tasks, task_reference f) noexcept {
    ++calls;
    for (index_t task = 0; task < tasks; ++task) f(task);
  }
};
static_assert(executor<plain_executor>);

/// activation: of float only.
struct halves {
  explicit halves(int) noexcept {}
  float operator()(float z) const noexcept { return z / 2; }
};
static_assert(activation<halves> && !differentiable_activation<halves>);

struct slopes : halves {
  using halves::halves;
  float derivative(float) const noexcept { return 0.5f; }
};
static_assert(differentiable_activation<slopes>);

/// partitioner: of float layers only.
struct odd_and_even : built {
  using built::built;
  partition split(const ffn_weights<float>& ffn, index_t) const {
    std::vector<std::vector<index_t>> experts(2);
    for (index_t j = 0; j < ffn.neurons(); ++j) experts[to_size(j % 2)].push_back(j);
    return partition{experts};
  }
};
static_assert(partitioner<odd_and_even> && !partitioner<odd_and_even, bf16>);

struct first_features : built {
  using built::built;
  index_t experts() const noexcept { return 2; }
  index_t width() const noexcept { return 3; }
  index_t scratch() const noexcept { return 1; }
  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float> scratch) const noexcept {
    for (index_t token = 0; token < tokens.rows(); ++token) {
      scratch[0] = tokens(token, 0);
      scores(token, 0) = scratch[0];
      scores(token, 1) = tokens(token, 1);
    }
  }
};
static_assert(scorer<first_features>);

struct doubling : built {
  using built::built;
  void operator()(vector_view<float> scores) const noexcept {
    for (float& score : scores) score *= 2;
  }
};
static_assert(squash<doubling>);

struct positive_ones : built {
  using built::built;
  void select(selection scores, route& chosen) const noexcept {
    for (index_t e = 0; e < scores.keys.length(); ++e) {
      if (scores.keys[e] > 0) chosen.append({e, 1.0f});
    }
  }
};
static_assert(selector<positive_ones>);

/// expert_storage: one expert that holds all neurons.
struct undivided : built {
  using element_type = quarters;
  undivided(ffn_weights<quarters> layer, const partition& whole) : built(0), ffn(layer), all(whole) {}
  index_t width() const noexcept { return ffn.width(); }
  const partition& experts() const noexcept { return all; }
  expert_view<quarters> expert(index_t e) const noexcept { return {ffn, all.expert(e)}; }
  vector_view<const float> down_bias() const noexcept { return ffn.down_bias; }
  ffn_weights<quarters> ffn;
  partition all;
};
static_assert(expert_storage<undivided>);

struct listens_to_routes : built {
  using built::built;
  index_t routes = 0;
  void token(const route&) noexcept { ++routes; }
};
struct listens_to_hidden : built {
  using built::built;
  index_t neurons = 0;
  void expert(index_t, choice, vector_view<const float> hidden) noexcept { neurons += hidden.length(); }
};
static_assert(route_observer<listens_to_routes> && !hidden_observer<listens_to_routes>);
static_assert(hidden_observer<listens_to_hidden> && !route_observer<listens_to_hidden>);
static_assert(observer<listens_to_routes> && observer<listens_to_hidden>);

struct layer_sizes : built {
  using built::built;
  index_t width() const noexcept { return 3; }
  index_t neurons() const noexcept { return 4; }
  index_t experts() const noexcept { return 2; }
  index_t largest_expert() const noexcept { return 2; }
};
static_assert(sized_layer<layer_sizes>);

/// weight_score: what stands further left matters less.
struct by_place : built {
  using built::built;
  std::string name() const { return "by_place"; }
  evidence seen() const { return {}; }
  void score(index_t, vector_view<const double> weights, vector_view<double> scores) const {
    for (index_t j = 0; j < weights.length(); ++j) scores[j] = static_cast<double>(j);
  }
};
static_assert(weight_score<by_place>);

/// What the oracle takes: a phi and a reduction.
struct cubes {
  explicit cubes(int) noexcept {}
  float operator()(index_t, float hidden) const noexcept { return hidden * hidden * hidden; }
};
struct last {
  static float add(float, float term) noexcept { return term; }
  static float finish(float so_far, index_t) noexcept { return so_far; }
};

}  // namespace archetypes

namespace {

using namespace archetypes;

class archetype : public ::testing::Test {
protected:
  random_source random{1};
  owned_ffn<float> ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 4});
  std::vector<float> x{1, -2, 3, -4, 5, -6}, y = std::vector<float>(6);
  matrix_view<const float> in{x.data(), 2, 3};
  matrix_view<float> out{y.data(), 2, 3};
};

TEST_F(archetype, element_storage_and_activation_run_and_are_exact) {
  owned_ffn<quarters> tiny{.width = 3, .neurons = 4};
  for (signed char count = 0; count < 12; ++count) {
    tiny.gate.push_back({count});
    tiny.up.push_back({static_cast<signed char>(5 - count)});
    tiny.down.push_back({static_cast<signed char>(2 * count - 9)});
  }
  tiny.down_bias = {1, 2, 3};
  const sparse_ffn run{undivided{tiny.view(), even_slices{}.split(4, 1)}, halves{0}};
  const sparse_ffn split{borrow(tiny.view(), shuffled{}.split(tiny.view(), 3)), slopes{0}};
  workspace work{run, {.batch = 2}}, more{split, {.batch = 2}};
  work.choose_all(2, 1);
  run(in, work, out);
  EXPECT_LE(exactness(tiny.view(), halves{0}, in, out), exactness_bound);
  more.choose_all(2, 3);
  split(in, more, out);
  EXPECT_LE(exactness(tiny.view(), slopes{0}, in, out), exactness_bound);
  std::vector<float> dense(6);
  dense_ffn(tiny.view(), halves{0}, in, {dense.data(), 2, 3});
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(dense[i], y[i], 1e-3);
}

TEST_F(archetype, partitioner_splits) {
  const partition split = odd_and_even{0}.split(ffn.view(), 2);
  EXPECT_EQ(split, (partition{{{0, 2}, {1, 3}}}));
}

TEST_F(archetype, scorer_squash_and_selector_route) {
  const router choose{first_features{0}, doubling{0}, scaled{positive_ones{0}}};
  workspace work{layer_sizes{0}, {.batch = 2}};
  choose(in, work);
  ASSERT_EQ(work.routes()[0].length(), 1);
  EXPECT_EQ(work.routes()[0][0], (choice{0, 2.0f}));
  ASSERT_EQ(work.routes()[1].length(), 1);
  EXPECT_EQ(work.routes()[1][0], (choice{1, 10.0f}));
}

TEST_F(archetype, selector_in_every_decorator_routes) {
  const router choose{
      first_features{0}, no_squash{},
      rescaled{normalised{at_least_one{
          with_shared{among{biased{positive_ones{0}, {-9, -9}}, std::vector<char>{1, 1}}, std::vector<index_t>{1}}}}}};
  workspace work{layer_sizes{0}, {.batch = 2}};
  choose(in, work);
  for (const route& chosen : work.routes()) {
    ASSERT_EQ(chosen.length(), 1);
    EXPECT_EQ(chosen[0], (choice{1, 2.0f}));
  }
}

TEST_F(archetype, executor_and_observers_serve) {
  const sparse_ffn run{borrow(ffn.view(), even_slices{}.split(4, 2)), silu{}};
  plain_executor threads{0};
  workspace work{run, {.batch = 2}, threads};
  work.choose_all(2, 2);
  listens_to_routes routes{0};
  listens_to_hidden hidden{0};
  run(in, work, out, routes);
  run(in, work, out, hidden);
  run(in, work, out, observers{routes, hidden});
  EXPECT_EQ(routes.routes, 4);
  EXPECT_EQ(hidden.neurons, 16);
  EXPECT_EQ(threads.calls, 6);
}

TEST_F(archetype, weight_score_masks_matrices_and_judges_neurons) {
  const weight_mask half = mask_of(ffn.view().up, by_place{0}, unstructured{0.4});
  EXPECT_EQ(half.kept, (std::vector<char>{0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1}));
  const weight_mask pairs = mask_of(ffn.view().down, by_place{0}, n_of_m{1, 2}, removal_order::highest_first);
  EXPECT_EQ(pairs.kept, (std::vector<char>{1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0}));
  EXPECT_EQ(score_neurons(ffn.view(), by_place{0}, by_place{0}), (std::vector<double>{6, 9, 12, 15}));
}

TEST_F(archetype, phi_and_reduction_score) {
  const oracle_scorer oracle{borrow(ffn.view(), even_slices{}.split(4, 2)), halves{0}, cubes{0}, last{}};
  const router choose{oracle, no_squash{}, top_k{.k = 2}};
  workspace work{layer_sizes{0}, {.batch = 2}};
  choose(in, work);
  const float hidden = hidden_of<float>(ffn.view(), halves{0}, 3, x.data());
  EXPECT_FLOAT_EQ(work.scores(2)(0, 1), hidden * hidden * hidden);
}

}  // namespace
}  // namespace fissile
