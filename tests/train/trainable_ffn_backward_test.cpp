// Backward: against plain loops that follow the chain rule one expert at a time, and against finite differences, of
// the function the surrogate stands for and of the real one.
#include <fissile/train/trainable_ffn.hpp>

#include "train/plain_layer.hpp"

namespace fissile::testing {
namespace {

struct variant {
  gate gated;
  biases biased;
  threshold_gate rule;
};
std::vector<variant> variants() {
  std::vector<variant> all;
  for (const gate gated : {gate::present, gate::absent}) {
    for (const biases biased : {biases::present, biases::absent}) {
      for (const rescaling rescale : {rescaling::by_active, rescaling::none}) {
        for (const nothing_active if_none : {nothing_active::zero, nothing_active::strongest}) {
          for (const float threshold : {0.35f, 0.5f, 0.85f}) {
            all.push_back({gated, biased, {.threshold = threshold, .rescale = rescale, .if_none = if_none}});
          }
        }
      }
    }
  }
  return all;
}

/// A small problem for each activation and variant, with no value near the threshold.
template <class F>
void for_each_problem(std::uint64_t seed, const F& f) {
  random_source random{seed};
  const auto with = [&](auto activate) {
    for (const variant& v : variants()) {
      const problem_shape shape{
          .layer = {.width = 3 + random.below(3), .neurons = 5 + random.below(8), .gated = v.gated, .biased = v.biased},
          .experts = 1 + random.below(5),
          .batch = 1 + random.below(4)};
      auto given = random_problem<double, double>(random, shape, activate, v.rule);
      while (near_threshold(plain(given))) given = random_problem<double, double>(random, shape, activate, v.rule);
      f(given);
    }
  };
  with(silu{});
  with(gelu{});
  with(gelu_tanh{});
  with(relu{});
  with(relu2{});
}

constexpr double exact = 1e-12;    // two orders of the same sums
constexpr double by_steps = 2e-7;  // a central difference

TEST(trainable_ffn_backward, equals_plain_loops_for_every_surrogate) {
  for_each_problem(1, [](const auto& given) {
    const auto p = plain(given);
    EXPECT_LT(difference(given.gradients(straight_through{}).flat(), p.gradients([](double, bool) { return 1.0; })),
              exact);
    EXPECT_LT(
        difference(given.gradients(hard{}).flat(), p.gradients([](double, bool active) { return active ? 1.0 : 0.0; })),
        exact);
    EXPECT_LT(difference(given.gradients(clipped{.low = 0.3, .high = 0.6}).flat(),
                         p.gradients([](double v, bool) { return v >= 0.3 && v <= 0.6 ? 1.0 : 0.0; })),
              exact);
  });
}

TEST(trainable_ffn_backward, straight_through_is_the_gradient_with_g_minus_v_frozen) {
  for_each_problem(2, [](const auto& given) {
    auto p = plain(given);
    const frozen f = p.freeze([](double v) { return v; });
    EXPECT_NEAR(p.surrogate_loss(f), p.loss(), 1e-12);  // the forward value is that of G
    const numbers expected = differences(p.parameters(), [&] { return p.surrogate_loss(f); });
    EXPECT_LT(difference(given.gradients(straight_through{}).flat(), expected), by_steps);
  });
}

TEST(trainable_ffn_backward, clipped_is_the_gradient_of_a_clipped_value) {
  int compared = 0;
  for_each_problem(3, [&](const auto& given) {
    auto p = plain(given);
    for (const auto& token : p.tokens) {
      const auto t = static_cast<std::size_t>(&token - p.tokens.data());
      for (const double v : p.route_of(t).values) {
        if (std::abs(v - 0.3) < 1e-3 || std::abs(v - 0.6) < 1e-3) return;  // a kink has no difference quotient
      }
    }
    const frozen f = p.freeze([](double v) { return std::clamp(v, 0.3, 0.6); });
    const numbers expected = differences(p.parameters(), [&] { return p.surrogate_loss(f); });
    EXPECT_LT(difference(given.gradients(clipped{.low = 0.3, .high = 0.6}).flat(), expected), by_steps);
    ++compared;
  });
  EXPECT_GT(compared, 200);
}

TEST(trainable_ffn_backward, hard_is_the_gradient_of_the_real_forward) {
  int compared = 0;
  for_each_problem(4, [&](auto given) {
    if (given.rule.if_none == nothing_active::strongest) {  // two values that tie have no difference quotient
      const auto p = plain(given);
      for (std::size_t t = 0; t < p.tokens.size(); ++t) {
        numbers values = p.route_of(t).values;
        std::sort(values.begin(), values.end());
        for (std::size_t i = 1; i < values.size(); ++i) {
          if (values[i] - values[i - 1] < 1e-3) return;
        }
      }
    }
    const gradient_store<double> got = given.gradients(hard{});
    const numbers expected = differences(given.parameters(), [&] {  // the library's own forward
      return plain_layer<silu>::dot(given.outputs(), given.out_gradient);
    });
    EXPECT_LT(difference(got.flat(), expected), by_steps);
    ++compared;
  });
  EXPECT_GT(compared, 200);
}

TEST(trainable_ffn_backward, an_inactive_expert_gets_exactly_zero_and_its_router_row_does_not) {
  random_source random{5};
  int inactive_everywhere = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const problem_shape shape{
        .layer = {.width = 6, .neurons = 20, .biased = biases::present}, .experts = 5, .batch = 2};
    const auto given = random_problem<double, double>(random, shape, gelu{}, {.threshold = 0.6f});
    const auto p = plain(given);
    const gradient_store<double> through = given.gradients(straight_through{});
    const gradient_store<double> real = given.gradients(hard{});
    for (index_t e = 0; e < 5; ++e) {
      const bool inactive = p.route_of(0).weights[to_size(e)] == 0 && p.route_of(1).weights[to_size(e)] == 0;
      if (!inactive) continue;
      ++inactive_everywhere;
      for (const index_t j : given.split.expert(e)) {
        EXPECT_EQ(through.gate_bias[to_size(j)], 0);
        EXPECT_EQ(through.up_bias[to_size(j)], 0);
        for (index_t k = 0; k < 6; ++k) {
          EXPECT_EQ(through.gate[to_size(j * 6 + k)], 0);
          EXPECT_EQ(through.up[to_size(j * 6 + k)], 0);
          EXPECT_EQ(through.down[to_size(k * 20 + j)], 0);
        }
      }
      double row = 0;
      for (index_t k = 0; k < 6; ++k) {
        row += std::abs(through.router[to_size(e * 6 + k)]);
        EXPECT_EQ(real.router[to_size(e * 6 + k)], 0);
      }
      EXPECT_GT(row, 1e-6);
    }
  }
  EXPECT_GT(inactive_everywhere, 50);
}

TEST(trainable_ffn_backward, an_inactive_expert_with_an_infinite_weight_still_gets_zero) {
  random_source random{6};
  auto given = random_problem<float, float>(random, {}, silu{}, {.threshold = 1.0f});
  given.ffn.up[0] = std::numeric_limits<float>::infinity();
  const gradient_store<float> got = given.gradients();
  for (const auto* part : {&got.gate, &got.up, &got.down}) {
    for (const float value : *part) EXPECT_EQ(value, 0);
  }
}

TEST(trainable_ffn_backward, float_agrees_with_double_for_every_element) {
  random_source random{7};
  const auto check = [&]<element T>(T) {
    for (int trial = 0; trial < 20; ++trial) {
      const auto given = random_problem<T, float>(random, random_problem_shape(random), silu{});
      if (near_threshold(plain(given), 1e-5)) continue;
      const auto stored = plain(given);
      EXPECT_LT(difference(given.gradients().flat(), stored.gradients([](double, bool) { return 1.0; })), 3e-5);
    }
  };
  check(float{});
  check(bf16{});
  check(f16{});
  check(double{});
}

TEST(trainable_ffn_backward, adds_to_what_is_there) {
  random_source random{8};
  const auto given = random_problem<double, double>(random, {}, silu{});
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = given.batch()}};
  tape remembered{layer, scratch};
  std::vector<double> out(given.tokens.size());
  layer.forward(given.tokens_view(), remembered, {out.data(), given.batch(), given.width()});
  gradient_store<double> into{given.ffn, given.experts(), given.batch()};
  for (auto* part : {&into.gate, &into.up, &into.down, &into.gate_bias, &into.up_bias, &into.down_bias, &into.router,
                     &into.tokens}) {
    std::fill(part->begin(), part->end(), 3.0);
  }
  layer.backward(remembered, given.out_gradient_view(), into.view());
  layer.backward(remembered, given.out_gradient_view(), into.view());  // the tape is not used up
  std::vector<double> expected = given.gradients().flat();
  for (double& value : expected) value = 3 + 2 * value;
  EXPECT_LT(difference(into.flat(), expected), 1e-14);
}

TEST(trainable_ffn_backward, gradients_left_out_change_no_other) {
  random_source random{9};
  for (const gate gated : {gate::present, gate::absent}) {
    const problem_shape shape{
        .layer = {.width = 5, .neurons = 11, .gated = gated, .biased = biases::present}, .experts = 3, .batch = 4};
    const auto given = random_problem<double, double>(random, shape, silu{});
    const auto layer = given.layer();
    training_scratch scratch{layer, {.batch = 4}};
    tape remembered{layer, scratch};
    std::vector<double> out(given.tokens.size());
    layer.forward(given.tokens_view(), remembered, {out.data(), 4, 5});
    const gradient_store<double> all = given.gradients();
    const auto alone = [&](auto choose) {
      gradient_store<double> one{given.ffn, 3, 4};
      ffn_gradients<double> into;
      choose(into, one.view());
      layer.backward(remembered, given.out_gradient_view(), into);
      return one;
    };
    EXPECT_EQ(alone([](auto& into, auto from) { into.router = from.router; }).router, all.router);
    EXPECT_EQ(alone([](auto& into, auto from) { into.tokens = from.tokens; }).tokens, all.tokens);
    EXPECT_EQ(alone([](auto& into, auto from) { into.gate = from.gate; }).gate, all.gate);
    EXPECT_EQ(alone([](auto& into, auto from) { into.up = from.up; }).up, all.up);
    EXPECT_EQ(alone([](auto& into, auto from) { into.down = from.down; }).down, all.down);
    EXPECT_EQ(alone([](auto& into, auto from) { into.gate_bias = from.gate_bias; }).gate_bias, all.gate_bias);
    EXPECT_EQ(alone([](auto& into, auto from) { into.up_bias = from.up_bias; }).up_bias, all.up_bias);
    EXPECT_EQ(alone([](auto& into, auto from) { into.down_bias = from.down_bias; }).down_bias, all.down_bias);
  }
}

TEST(trainable_ffn_backward, a_scratch_serves_two_layers_between_their_forward_and_backward) {
  random_source random{10};
  const auto first = random_problem<bf16, float>(random, {}, silu{});
  const auto second = random_problem<bf16, float>(random, {}, silu{});
  const auto below = first.layer(), above = second.layer();
  training_scratch scratch{below, {.batch = first.batch()}};
  tape remembered_below{below, scratch}, remembered_above{above, scratch};
  std::vector<float> out(first.tokens.size());
  below.forward(first.tokens_view(), remembered_below, {out.data(), first.batch(), first.width()});
  above.forward(second.tokens_view(), remembered_above, {out.data(), first.batch(), first.width()});
  gradient_store<float> into_above{second.ffn, 3, 4}, into_below{first.ffn, 3, 4};
  above.backward(remembered_above, second.out_gradient_view(), into_above.view());
  below.backward(remembered_below, first.out_gradient_view(), into_below.view());
  EXPECT_EQ(into_above.flat(), second.gradients().flat());
  EXPECT_EQ(into_below.flat(), first.gradients().flat());
}

}  // namespace
}  // namespace fissile::testing
