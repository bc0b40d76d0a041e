// Packed experts in the sparse layer: what observers see, what odd routes and numbers give, and the contracts.
#include <fissile/run/sparse_ffn.hpp>

#include "base/refusal.hpp"
#include "properties/packed_kinds.hpp"
#include "weights/plain_ffn.hpp"

#include <cmath>
#include <map>

namespace fissile {
namespace {

using testing::packed_kind;
using testing::random_numbers;

template <class Kind>
class packed_runs : public ::testing::Test {
protected:
  static constexpr index_t width = 70, neurons = 90, experts = 4, tokens = 5;
  random_source random{1};
  owned_ffn<typename Kind::source> ffn =
      testing::random_ffn<typename Kind::source>(random, {.width = width, .neurons = neurons});
  partition split = testing::uneven_split(random, neurons, experts);
  std::vector<float> x = random_numbers<float>(random, tokens*width), y = std::vector<float>(x.size(), 3.0f);
  matrix_view<const float> in{x.data(), tokens, width};
  matrix_view<float> out{y.data(), tokens, width};

  auto layer(instruction_set set) {
    return sparse_ffn{pack<typename Kind::stored>(ffn.view(), split, Kind::settings(random, set)),
                      typename Kind::activation_type{}};
  }
};
using kinds =
    ::testing::Types<packed_kind<float, silu>, packed_kind<bf16, relu>, packed_kind<bf16, silu, products::bf16_dot>,
                     packed_kind<f16, gelu_tanh>, packed_kind<int8, gelu>>;
TYPED_TEST_SUITE(packed_runs, kinds);

struct packed_listener {
  std::vector<std::pair<index_t, index_t>> told;  // token, expert
  std::vector<std::vector<float>> hidden;
  index_t routes = 0;
  void token(const route&) noexcept { ++routes; }
  void expert(index_t token, choice chosen, vector_view<const float> activations) noexcept {
    told.emplace_back(token, chosen.expert);
    hidden.emplace_back(activations.begin(), activations.end());
  }
};

/// Weights of routes are applied after observers have looked, and bf16_dot rounds after them, too.
TYPED_TEST(packed_runs, show_the_plain_activations_in_order) {
  for (const instruction_set set : testing::machine_sets()) {
    const auto run = this->layer(set);
    workspace weighted{run, {.batch = 5}}, plain{run, {.batch = 5}};
    testing::random_choices(this->random, weighted, 5, 4, 0.6);
    plain.start(5);
    for (index_t t = 0; t < 5; ++t) {
      plain.routes()[t] = weighted.routes()[t];
      for (choice& c : plain.routes()[t]) c.weight = 1.0f;
    }
    packed_listener one, other;
    run(this->in, weighted, this->out, one);
    run(this->in, plain, this->out, other);
    EXPECT_EQ(one.hidden, other.hidden) << name_of(set);
    EXPECT_EQ(one.routes, 5);
    ASSERT_GT(one.told.size(), 4u);
    EXPECT_TRUE(std::is_sorted(one.told.begin(), one.told.end()));
    for (std::size_t i = 0; i < one.told.size(); ++i) {
      const auto expert = this->split.expert(one.told[i].second);
      ASSERT_EQ(one.hidden[i].size(), expert.size());
      for (index_t j = 0; j < expert.length(); ++j) {
        if constexpr (TypeParam::how == products::exact && !std::same_as<typename TypeParam::stored, int8>) {
          const auto exact = testing::plain_hidden(this->ffn, typename TypeParam::activation_type{}, expert[j],
                                                   this->in.row(one.told[i].first).data());
          ASSERT_NEAR(one.hidden[i][to_size(j)], static_cast<double>(exact), 1e-4) << name_of(set);
        }
      }
    }
  }
}

TYPED_TEST(packed_runs, give_the_bias_alone_where_nothing_is_chosen) {
  this->ffn.down_bias = random_numbers<float>(this->random, 70);
  for (const instruction_set set : testing::machine_sets()) {
    const auto run = this->layer(set);
    workspace work{run, {.batch = 5}};
    work.start(5);
    run(this->in, work, this->out);
    for (index_t t = 0; t < 5; ++t) {
      for (index_t i = 0; i < 70; ++i) ASSERT_EQ(this->out(t, i), this->ffn.down_bias[to_size(i)]) << name_of(set);
    }
  }
}

TYPED_TEST(packed_runs, serve_a_batch_of_no_tokens) {
  const auto run = this->layer(best_instruction_set());
  workspace work{run, {.batch = 5}};
  work.start(0);
  run.accumulate(this->in.rows(0, 0), work, this->out.rows(0, 0));
  EXPECT_EQ(this->y, std::vector<float>(this->y.size(), 3.0f));
}

/// Odd numbers stay in the rows of their token; rows that only fill a tile up harm nobody.
TYPED_TEST(packed_runs, keep_a_token_that_is_no_number_to_itself) {
  for (const instruction_set set : testing::machine_sets()) {
    const auto run = this->layer(set);
    workspace work{run, {.batch = 5}};
    work.choose_all(5, 4);
    run(this->in, work, this->out);
    const std::vector<float> before = this->y;
    std::vector<float> odd = this->x;
    odd[2 * 70 + 5] = std::nanf("");
    odd[4 * 70 + 69] = std::numeric_limits<float>::infinity();
    run({odd.data(), 5, 70}, work, this->out);
    for (index_t t = 0; t < 5; ++t) {
      for (index_t i = 0; i < 70; ++i) {
        const float now = this->out(t, i);
        if (t == 2) {
          ASSERT_TRUE(std::isnan(now)) << name_of(set);
        } else if (t == 4) {
          ASSERT_FALSE(std::isfinite(now)) << name_of(set);
        } else {
          ASSERT_EQ(now, before[to_size(t * 70 + i)]) << name_of(set);
        }
      }
    }
  }
}

class packed_run_death : public packed_runs<packed_kind<bf16, silu, products::bf16_dot>> {};

TEST_F(packed_run_death, ends_the_program_when_a_call_does_not_fit) {
  const auto run = layer(best_instruction_set());
  const auto wide = testing::random_ffn<bf16>(random, {.width = width + 1, .neurons = neurons});
  const sparse_ffn wider{pack(wide.view(), split), silu{}};
  workspace work{run, {.batch = tokens}};
  work.choose_all(tokens, experts);
  EXPECT_CONTRACT(run(in.rows(0, 4), work, out));
  EXPECT_CONTRACT(run(in, work, out.rows(0, 4)));
  EXPECT_CONTRACT(run({x.data(), tokens, width - 1, width}, work, out));
  EXPECT_CONTRACT(run({y.data(), tokens, width}, work, out));  // they overlap
  const std::vector<float> more(tokens * (width + 1));
  std::vector<float> space(more.size());
  EXPECT_CONTRACT(wider({more.data(), tokens, width + 1}, work, {space.data(), tokens, width + 1}));
  const auto undivided = pack(ffn.view());
  const sparse_ffn whole{pack(ffn.view()), silu{}};
  EXPECT_CONTRACT(whole(in, work, out));  // routes name experts that this layer has not
}

}  // namespace
}  // namespace fissile
