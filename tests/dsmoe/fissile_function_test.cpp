// The library's backward against libtorch's own autograd of the same formulas, the straight-through rule by a detach.
#include <dsmoe/fissile_function.hpp>

#include <gtest/gtest.h>

namespace fissile::examples {
namespace {

/// The layer written in libtorch. S(g) = (G(g) - g).detach() + g, or G itself for the hard slope.
torch::autograd::variable_list formula(const torch::Tensor& x, const std::vector<torch::Tensor>& w,
                                       const dsmoe_settings& settings) {
  const auto experts = settings.chosen.experts;
  const auto values = torch::sigmoid(torch::linear(x, w[3]));
  const auto open = values > settings.chosen.threshold;
  const auto passed = torch::where(open, values, torch::zeros_like(values));
  const auto gates = settings.slope == gate_slope::straight_through ? (passed - values).detach() + values : passed;
  auto factor = torch::ones({x.size(0), 1});
  if (settings.chosen.rescale == rescaling::by_active) {
    const auto active = open.sum(1, true).to(torch::kFloat);
    factor = torch::where(active > 0, static_cast<float>(experts) / active.clamp_min(1), factor);
  }
  const auto hidden = torch::silu(torch::linear(x, w[0])) * torch::linear(x, w[1]);
  const auto weights = (gates * factor).repeat_interleave(hidden.size(1) / experts, 1);
  const auto penalty =
      settings.chosen.penalty * passed.sum() / static_cast<double>(settings.layers * experts * x.size(0));
  return {torch::linear(hidden * weights, w[2]), penalty};
}

double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / (b.norm() + 1e-6)).item<double>();
}

TEST(dsmoe_function, outputs_and_gradients_are_those_of_the_formula) {
  torch::manual_seed(3);
  for (int draw = 0; draw < 40; ++draw) {
    const std::int64_t width = 4 + draw % 9, neurons = 8 * (1 + draw % 4), tokens = 1 + draw % 13;
    const dsmoe_settings settings{.chosen = {.experts = draw % 2 == 0 ? 8 : 4,
                                             .rescale = draw % 3 == 0 ? rescaling::none : rescaling::by_active,
                                             .penalty = 0.7},
                                  .layers = 3,
                                  .slope = draw % 5 == 0 ? gate_slope::hard : gate_slope::straight_through};
    const auto made = [](const std::vector<std::int64_t>& sizes) {
      return torch::randn(sizes).set_requires_grad(true);
    };
    const auto x = made({tokens, width});
    const std::vector<torch::Tensor> w{made({neurons, width}), made({neurons, width}), made({width, neurons}),
                                       made({settings.chosen.experts, width})};
    const auto weight_of_output = torch::randn({tokens, width});
    std::vector<torch::Tensor> wanted{x, w[0], w[1], w[2], w[3]};
    const auto gradients = [&](const torch::autograd::variable_list& out) {
      return torch::autograd::grad({(out[0] * weight_of_output).sum() + 0.5 * out[1]}, wanted);
    };
    const auto expected = formula(x, w, settings);
    const auto got = dsmoe_function::apply(x, w[0], w[1], w[2], w[3], settings);
    EXPECT_LT(apart(got[0], expected[0]), 1e-4) << "draw " << draw;
    EXPECT_NEAR(got[1].item<double>(), expected[1].item<double>(), 1e-5);
    const auto of_formula = gradients(expected), of_fissile = gradients(got);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_LT(apart(of_fissile[i], of_formula[i]), 1e-4) << "draw " << draw << ", input " << i;
    }
  }
}

}  // namespace
}  // namespace fissile::examples
