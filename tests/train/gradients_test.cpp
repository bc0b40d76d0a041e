#include <fissile/train/gradients.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

class gradients : public ::testing::Test {
protected:
  random_source random{1};
  problem<float, float, silu> given = random_problem<float, float>(random, {}, silu{});
  gradient_store<float> store{given.ffn, 3, 4};

  std::string refusal(const ffn_gradients<float>& into) {
    return refusal_of<shape_error>([&] { check_shapes(into, given.layer(), 4); });
  }
};

TEST_F(gradients, may_all_be_given_or_left_out) {
  EXPECT_EQ(refusal(store.view()), "");
  EXPECT_EQ(refusal({}), "");
}

TEST_F(gradients, of_another_shape_are_refused_by_name) {
  std::vector<float> some(1000);
  const matrix_view<float> matrix{some.data(), 5, 7};
  const vector_view<float> vector{some.data(), 7};
  const auto refused = [&](const char* name, const ffn_gradients<float>& into) {
    EXPECT_EQ(refusal(into).find(std::string("gradients: ") + name + ": expected"), 0u) << refusal(into);
  };
  refused("gate", {.gate = matrix});
  refused("up", {.up = matrix});
  refused("down", {.down = matrix});
  refused("gate_bias", {.gate_bias = vector});
  refused("up_bias", {.up_bias = vector});
  refused("down_bias", {.down_bias = vector});
  refused("router", {.router = matrix});
  refused("tokens", {.tokens = matrix});
  EXPECT_EQ(refusal({.down = matrix}),
            "gradients: down: expected [5 x 11], or none, got [5 x 7]; a gradient has the shape of what it belongs to");
}

TEST_F(gradients, of_what_the_layer_has_not_are_refused) {
  given.ffn.gate.clear();
  given.ffn.gate_bias.clear();
  given.ffn.up_bias.clear();
  EXPECT_NE(refusal({.gate = store.view().gate}), "");
  EXPECT_NE(refusal({.gate_bias = store.view().gate_bias}), "");
  EXPECT_NE(refusal({.up_bias = store.view().up_bias}), "");
  EXPECT_EQ(refusal({.up = store.view().up, .down_bias = store.view().down_bias}), "");
}

TEST_F(gradients, are_checked_by_backward) {
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = 4}};
  tape remembered{layer, scratch};
  std::vector<float> out(given.tokens.size());
  layer.forward(given.tokens_view(), remembered, {out.data(), 4, 5});
  ffn_gradients<float> into = store.view();
  into.tokens = into.tokens.rows(0, 3);
  EXPECT_THROW(layer.backward(remembered, given.out_gradient_view(), into), shape_error);
}

}  // namespace
}  // namespace fissile::testing
