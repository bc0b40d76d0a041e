// The library's forward and backward against libtorch's own autograd of the same formulas, and the dense layer as the
// grid of one.
#include <finedeep/finedeep_model.hpp>

#include <gtest/gtest.h>

namespace fissile::examples {
namespace {

/// h_M written in libtorch. w: x, gate, up, down, norms, routers.
torch::Tensor formula(const std::vector<torch::Tensor>& w, const finedeep::choices& chosen) {
  torch::Tensor h = w[0];
  const auto size = w[1].size(0) / (chosen.sublayers * chosen.experts);
  for (index_t j = 0; j < chosen.sublayers; ++j) {
    const auto normed = h * torch::rsqrt(h.square().mean(-1, true) + chosen.epsilon) * w[4][j];
    torch::Tensor sum = h;
    for (index_t e = j * chosen.experts; e < (j + 1) * chosen.experts; ++e) {
      const auto rows = [&](const torch::Tensor& matrix) { return matrix.slice(0, e * size, (e + 1) * size); };
      const auto hidden = torch::silu(torch::linear(normed, rows(w[1]))) * torch::linear(normed, rows(w[2]));
      const auto output = torch::linear(hidden, w[3].slice(1, e * size, (e + 1) * size));
      sum = sum + (w[5].size(0) > 0 ? torch::sigmoid((output * w[5][e]).sum(-1, true)) * output : output);
    }
    h = sum;
  }
  return h;
}

double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / (b.norm() + 1e-6)).item<double>();
}

TEST(finedeep_function, outputs_and_gradients_are_those_of_the_formula) {
  torch::manual_seed(5);
  for (int draw = 0; draw < 40; ++draw) {
    const finedeep_settings settings{
        .chosen = {.sublayers = 1 + draw % 4, .experts = 1 + draw % 3, .epsilon = draw % 2 == 0 ? 1e-5 : 1e-2}};
    const std::int64_t width = 4 + draw % 9, tokens = 1 + draw % 13;
    const auto experts = settings.chosen.sublayers * settings.chosen.experts;
    const std::int64_t neurons = experts * (1 + draw % 4);
    const auto made = [](const std::vector<std::int64_t>& sizes) {
      return torch::randn(sizes).set_requires_grad(true);
    };
    std::vector<torch::Tensor> w{made({tokens, width}), made({neurons, width}), made({neurons, width}),
                                 made({width, neurons}), made({settings.chosen.sublayers, width})};
    w.push_back(draw % 5 == 0 ? torch::empty({0, width}) : made({experts, width}));
    const auto weight_of_output = torch::randn({tokens, width});
    const std::vector<torch::Tensor> wanted(w.begin(), w.end() - (draw % 5 == 0 ? 1 : 0));
    const auto gradients = [&](const torch::Tensor& out) {
      return torch::autograd::grad({(out * weight_of_output).sum()}, wanted);
    };
    const auto expected = formula(w, settings.chosen);
    const auto got = finedeep_function::apply(w[0], w[1], w[2], w[3], w[4], w[5], settings);
    EXPECT_LT(apart(got, expected), 1e-4) << "draw " << draw;
    const auto of_formula = gradients(expected), of_fissile = gradients(got);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_LT(apart(of_fissile[i], of_formula[i]), 1e-3) << "draw " << draw << ", input " << i;
    }
  }
}

TEST(finedeep_function, a_window_of_the_experiment_has_the_gradients_of_the_formula) {
  torch::manual_seed(8);
  for (const index_t sublayers : {1, 2, 4, 16}) {
    const finedeep_settings settings{.chosen = {.sublayers = sublayers, .experts = 16 / sublayers, .epsilon = 1e-5}};
    const auto made = [](const std::vector<std::int64_t>& sizes, double scale) {
      return (scale * torch::randn(sizes)).set_requires_grad(true);
    };
    const std::vector<torch::Tensor> w{made({512, 128}, 1),   made({512, 128}, 0.05),    made({512, 128}, 0.05),
                                       made({128, 512}, 0.1), made({sublayers, 128}, 1), made({16, 128}, 0.3)};
    const auto weight_of_output = torch::randn({512, 128});
    const auto gradients = [&](const torch::Tensor& out) {
      return torch::autograd::grad({(out * weight_of_output).sum()}, w);
    };
    const auto expected = formula(w, settings.chosen);
    const auto got = finedeep_function::apply(w[0], w[1], w[2], w[3], w[4], w[5], settings);
    EXPECT_LT(apart(got, expected), 1e-4) << sublayers << " sub-layers";
    const auto of_formula = gradients(expected), of_fissile = gradients(got);
    for (std::size_t i = 0; i < w.size(); ++i) {
      EXPECT_LT(apart(of_fissile[i], of_formula[i]), 1e-3) << sublayers << " sub-layers, input " << i;
    }
  }
}

TEST(finedeep_model, the_grid_of_one_without_a_router_is_the_dense_model) {
  torch::manual_seed(6);
  const llama_settings sizes{.width = 32, .layers = 2, .heads = 2, .neurons = 64, .context = 32};
  finedeep_model model{sizes, {.sublayers = 1, .experts = 1}, routing::none};
  EXPECT_EQ(model.weights(), model.base->weights());
  const auto tokens = torch::randint(byte_vocabulary, {3, 20});
  EXPECT_LT(apart(model.forward(tokens), model.base->forward(tokens)), 1e-5);
  finedeep_model grid{sizes, {.sublayers = 4, .experts = 4}, routing::learned};
  EXPECT_EQ(grid.weights(), grid.base->weights() + sizes.layers * (16 + 3) * sizes.width);
}

TEST(finedeep_function, activations_are_counted_once_each) {
  torch::manual_seed(7);
  activity_counts counts;
  const finedeep_settings settings{.chosen = {.sublayers = 2, .experts = 2}, .counts = &counts};
  const auto x = torch::randn({5, 8}), gate = torch::randn({12, 8}), up = torch::randn({12, 8});
  finedeep_function::apply(x, gate, up, torch::zeros({8, 12}), torch::ones({2, 8}), torch::empty({0, 8}), settings);
  const auto normed = x * torch::rsqrt(x.square().mean(-1, true) + settings.chosen.epsilon);
  const auto activated = torch::silu(torch::linear(normed, gate)).abs();  // down is 0: both sub-layers read x
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(counts[i].all, 60u);
    EXPECT_EQ(counts[i].above, static_cast<std::uint64_t>((activated > non_sparse_bounds[i]).sum().item<int>()));
  }
}

}  // namespace
}  // namespace fissile::examples
