// Finedeep's layer next to plain loops written from its formulas, what it is when M = 1, and what is counted of it.
#include "support/counting_new.hpp"

#include <fissile/recipes/finedeep_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>
#include <fissile/weights/exactness.hpp>

#include "base/refusal.hpp"
#include "recipes/finedeep_case.hpp"

namespace fissile {
namespace finedeep_tests {

using testing::refusal;

template <std::floating_point A>
void expect_plain(const finedeep_case<A>& given, double tolerance) {
  const std::vector<A> out = given.run();
  for (index_t token = 0; token < given.batch; ++token) {
    const std::vector<double> plain = plain_finedeep(given, token);
    for (index_t i = 0; i < given.width; ++i) {
      const double expected = plain[to_size(i)];
      EXPECT_NEAR(static_cast<double>(out[to_size(token * given.width + i)]), expected,
                  tolerance * (1 + std::abs(expected)));
    }
  }
}

TEST(finedeep, forward_is_the_plain_loops) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    for (const extras with : every_extra) {
      expect_plain(finedeep_case<double>{seed, with}, 1e-12);
      expect_plain(finedeep_case<float>{seed, with}, 1e-4);
    }
  }
}

TEST(finedeep, one_sublayer_of_unit_routing_without_a_norm_is_the_dense_layer_and_its_residual) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const finedeep::choices chosen{.sublayers = 1, .experts = 1 + static_cast<index_t>(seed % 6), .seed = seed};
    const finedeep_case<double> given{chosen, 11, 5, extras::none};
    std::vector<double> dense(given.tokens.size()), out = given.run();
    dense_ffn<double, double>(given.ffn.view(), silu{}, given.tokens_view(), {dense.data(), 5, 11});
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], given.tokens[i] + dense[i], 1e-13);

    const finedeep_case<float> small{chosen, 11, 5, extras::none};
    std::vector<float> without = small.run();
    for (std::size_t i = 0; i < without.size(); ++i) without[i] -= small.tokens[i];
    EXPECT_LT(exactness(small.ffn.view(), silu{}, small.tokens_view(), {without.data(), 5, 11}), exactness_bound);
  }
}

TEST(finedeep, routers_of_zeros_halve_every_expert) {
  finedeep_case<double> given{{.sublayers = 1, .experts = 3, .seed = 4}, 8, 6, extras::routers};
  std::fill(given.routers.begin(), given.routers.end(), 0.0);
  std::vector<double> dense(given.tokens.size()), out = given.run();
  dense_ffn<double, double>(given.ffn.view(), silu{}, given.tokens_view(), {dense.data(), 6, 8});
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], given.tokens[i] + dense[i] / 2, 1e-13);
}

TEST(finedeep, a_step_allocates_nothing_and_a_smaller_batch_gives_the_tokens_their_outputs) {
  const finedeep_case<float> given{{.sublayers = 3, .experts = 4, .seed = 2}, 24, 33, extras::both};
  const auto layer = given.layer();
  training_scratch<float> scratch{layer, {.batch = 33}};
  finedeep_tape remembered{layer, scratch};
  std::vector<float> out(given.tokens.size()), gradient(out.size()), all = given.run();
  for (index_t tokens = 33; tokens > 0; tokens -= 8) {
    const std::size_t before = testing::allocations;
    layer.forward(given.tokens_view().rows(0, tokens), remembered, {out.data(), tokens, 24});
    layer.backward(remembered, {given.slopes.data(), tokens, 24}, {.layer = {.tokens = {gradient.data(), tokens, 24}}});
    EXPECT_EQ(testing::allocations - before, 0u);
    for (index_t i = 0; i < tokens * 24; ++i) EXPECT_NEAR(out[to_size(i)], all[to_size(i)], 1e-5f);
  }
}

TEST(finedeep, inference_allocates_nothing) {
  const finedeep_case<float> given{{.sublayers = 3, .experts = 2, .seed = 2}, 16, 6, extras::both};
  const finedeep_ffn run{borrow(given.ffn.view(), finedeep::split(given.ffn.view(), given.chosen)),
                         silu{},
                         finedeep::grid(given.chosen),
                         {{given.routers.data(), 6, 16}, {given.norms.data(), 3, 16}}};
  finedeep_workspace work{run, {.batch = 6}};
  std::vector<float> stream = given.tokens;
  const std::size_t before = testing::allocations;
  run({stream.data(), 6, 16}, work);
  EXPECT_EQ(testing::allocations - before, 0u);
  EXPECT_NE(stream, given.tokens);
}

TEST(finedeep, weights_stored_small_are_those_widened) {
  random_source random{6};
  const auto stored = testing::random_ffn<bf16>(random, {.width = 10, .neurons = 24});
  const std::vector<float> numbers = flatten<float>(stored.view());
  std::vector<float> copy = numbers;
  const ffn_weights<float> wide = weights_of(parts_of(vector_view<float>(copy), stored.view()));
  const finedeep::choices chosen{.sublayers = 2, .experts = 3, .seed = 6};
  const std::vector<float> routers = finedeep::random_routers(10, chosen), norms = finedeep::unit_norms(10, chosen);
  const std::vector<float> tokens = testing::random_numbers<float>(random, 70);
  const auto run = [&](const auto& ffn) {
    const auto layer = finedeep::layer(
        finedeep_weights<typename std::remove_cvref_t<decltype(ffn)>::element_type, float>{
            .ffn = ffn, .routers = {routers.data(), 6, 10}, .norms = {norms.data(), 2, 10}},
        silu{}, chosen);
    training_scratch<float> scratch{layer, {.batch = 7}};
    finedeep_tape remembered{layer, scratch};
    std::vector<float> out(70);
    layer.forward({tokens.data(), 7, 10}, remembered, {out.data(), 7, 10});
    return out;
  };
  EXPECT_EQ(run(stored.view()), run(wide));
}

TEST(finedeep, refuses_what_does_not_fit_and_names_the_counts_that_do) {
  const finedeep_case<float> given{{.sublayers = 2, .experts = 3, .seed = 1}, 4, 1, extras::both};
  random_source random{1};
  const auto twelve = testing::random_ffn<float>(random, {.width = 4, .neurons = 12});
  const std::string uneven =
      refusal<setting_error>([&] { finedeep::split(twelve.view(), {.sublayers = 2, .experts = 4}); });
  EXPECT_NE(uneven.find("12 neurons: 1, 2, 3, 4, 6, 12"), std::string::npos) << uneven;
  EXPECT_NE(uneven.find("2 * 4"), std::string::npos) << uneven;
  const auto layer = [&](const ffn_weights<float>& ffn, index_t rows) {
    finedeep::layer(finedeep_weights<float, float>{.ffn = ffn, .routers = {given.routers.data(), rows, 4}}, silu{},
                    given.chosen);
  };
  refusal<setting_error>([&] { finedeep::split(twelve.view(), {.sublayers = 0, .experts = 4}); });
  EXPECT_NE(refusal<shape_error>([&] { layer(twelve.view(), 5); }).find("[6 x 4]"), std::string::npos);
  for (const auto& [gated, biased] : {std::pair{testing::gate::absent, testing::biases::absent},
                                      std::pair{testing::gate::present, testing::biases::present}}) {
    const auto other =
        testing::random_ffn<float>(random, {.width = 4, .neurons = 12, .gated = gated, .biased = biased});
    EXPECT_NE(refusal<shape_error>([&] { layer(other.view(), 6); }).find("no biases"), std::string::npos);
  }
  EXPECT_EQ(finedeep::split(twelve.view(), given.chosen), even_slices{}.split(12, 6));
}

TEST(finedeep, parameters_are_the_dense_layers_with_routers_and_norms) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const finedeep_case<float> given{seed, extras::both};
    const owned_ffn<float>& ffn = given.ffn;
    EXPECT_EQ(finedeep::parameters(ffn.view(), given.chosen),
              length(ffn.gate) + length(ffn.up) + length(ffn.down) + length(given.routers) + length(given.norms));
  }
}

TEST(finedeep, the_non_sparse_rate_counts_activations_above_eps) {
  const std::vector<double> few{0.1, -0.1, 0.2, -0.3, 0, std::nan("")};
  EXPECT_EQ(finedeep::count_non_sparse<double>({few.data(), 2, 3}, 0.1), (finedeep::activity_count{2, 6}));
  EXPECT_EQ(finedeep::activity_count{}.rate(), 0);

  const finedeep_case<double> given{{.sublayers = 2, .experts = 2, .seed = 3}, 7, 9, extras::none};
  const auto layer = given.layer();
  training_scratch<double> scratch{layer, {.batch = 9}};
  finedeep_tape remembered{layer, scratch};
  std::vector<double> out(given.tokens.size());
  layer.forward(given.tokens_view(), remembered, {out.data(), 9, 7});
  for (const double eps : {0.0, 0.01, 0.1, 0.5}) {
    std::uint64_t above = 0;
    for (index_t token = 0; token < 9; ++token) {  // of the first sub-layer, whose input is the token
      for (index_t neuron = 0; neuron < layer.neurons() / 2; ++neuron) {
        double gate = 0;
        for (index_t i = 0; i < 7; ++i) gate += given.ffn.view().gate(neuron, i) * given.tokens_view()(token, i);
        above += std::abs(gate / (1 + std::exp(-gate))) > eps ? 1 : 0;
      }
    }
    const finedeep::activity_count first = finedeep::count_non_sparse(std::as_const(remembered).activated(0), eps);
    EXPECT_EQ(first.above, above);
    finedeep::activity_count both = first;
    both += finedeep::count_non_sparse(std::as_const(remembered).activated(1), eps);
    EXPECT_EQ(both.all, static_cast<std::uint64_t>(9 * layer.neurons()));
    EXPECT_LE(both.rate(), 1);
  }
}

}  // namespace finedeep_tests
}  // namespace fissile
