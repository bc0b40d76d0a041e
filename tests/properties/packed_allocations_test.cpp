// Packed experts, matrices and scorers allocate nothing while they run: counted by an operator new of the test's own.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // inlines only one of a pair and takes it for the wrong one
#endif
#include "support/counting_new.hpp"

#include <fissile/base/thread_pool.hpp>
#include <fissile/route/packed_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include "properties/packed_kinds.hpp"

#include <memory>

namespace fissile {
namespace {

using testing::packed_kind;

template <class Body>
std::size_t allocations_in(const Body& body) {
  const std::size_t before = testing::allocations;
  body();
  return testing::allocations - before;
}

struct adds_up {
  double sum = 0;
  void token(const route&) noexcept { sum += 1; }
  void expert(index_t, choice, vector_view<const float> hidden) noexcept { sum += static_cast<double>(hidden[0]); }
};

template <class Kind>
class packed_allocations : public ::testing::Test {};
using free_kinds =
    ::testing::Types<packed_kind<float, silu>, packed_kind<bf16, silu>, packed_kind<bf16, silu, products::bf16_dot>,
                     packed_kind<f16, gelu>, packed_kind<int8, testing::leaky>>;
TYPED_TEST_SUITE(packed_allocations, free_kinds);

TYPED_TEST(packed_allocations, are_none_from_the_first_call_on) {
  using T = typename TypeParam::stored;
  random_source random{1};
  constexpr index_t width = 70, neurons = 200, experts = 16, batch = 40;
  const auto owned = testing::random_ffn<typename TypeParam::source>(
      random, {.width = width, .neurons = neurons, .biased = testing::biases::present});
  const auto rows = testing::random_numbers<float>(random, experts * width);
  const auto x = testing::random_numbers<float>(random, batch * width);
  std::vector<float> y(x.size()), products(batch * experts);
  const matrix_view<const float> map{rows.data(), experts, width};
  const packed_matrix<T> matrix{map};
  const router choose{packed_scorer{packed_matrix<T>{map}}, softmax{}, top_k{.k = 3}};
  adds_up watch;
  for (const instruction_set set : testing::machine_sets()) {
    const sparse_ffn run{pack<T>(owned.view(), even_slices{}.split(neurons, experts), TypeParam::settings(random, set)),
                         typename TypeParam::activation_type{}};
    for (const index_t threads : {index_t{1}, index_t{2}, index_t{4}}) {
      thread_pool pool{threads};
      workspace work{run, {.batch = batch}, pool};
      for (const index_t tokens : {index_t{1}, index_t{3}, batch}) {
        const matrix_view<const float> in{x.data(), tokens, width};
        const matrix_view<float> out{y.data(), tokens, width};
        EXPECT_EQ(allocations_in([&] {
                    choose(in, work);
                    run(in, work, out);
                    run.accumulate(in, work, out, watch);
                    matrix(in, {products.data(), tokens, experts}, pool);
                  }),
                  0u)
            << name_of(set) << ", " << threads << " threads, " << tokens << " tokens";
      }
    }
  }
  EXPECT_NE(watch.sum, 0);
  std::unique_ptr<int> kept;
  EXPECT_EQ(allocations_in([&] { kept = std::make_unique<int>(1); }), 1u) << "the count sees them";
}

}  // namespace
}  // namespace fissile
