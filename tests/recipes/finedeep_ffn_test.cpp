// A Finedeep layer in inference next to plain loops and next to the layer that trains it: borrowed and packed, any
// batch and number of threads.
#include <fissile/recipes/finedeep_ffn.hpp>

#include <fissile/base/thread_pool.hpp>
#include <fissile/pack/pack.hpp>
#include <fissile/weights/exactness.hpp>

#include "base/refusal.hpp"
#include "recipes/finedeep_case.hpp"

namespace fissile {
namespace finedeep_tests {

finedeep_gates gates_of(const finedeep_case<float>& given) {
  finedeep_gates made;
  if (!given.routers.empty()) made.routers = {given.routers.data(), given.experts(), given.width};
  if (!given.norms.empty()) made.norms = {given.norms.data(), given.chosen.sublayers, given.width};
  return made;
}

template <class Storage>
std::vector<float> inferred(const finedeep_case<float>& given, Storage storage, index_t batch,
                            executor_reference threads = {}) {
  const finedeep_ffn run{std::move(storage), silu{}, finedeep::grid(given.chosen), gates_of(given)};
  finedeep_workspace work{run, {.batch = batch}, threads};
  std::vector<float> stream = given.tokens;
  for (index_t first = 0; first < given.batch; first += batch) {
    const index_t count = std::min(batch, given.batch - first);
    run({stream.data() + first * given.width, count, given.width}, work);
  }
  return stream;
}

auto borrowed(const finedeep_case<float>& given) {
  return borrow(given.ffn.view(), finedeep::split(given.ffn.view(), given.chosen));
}

auto in_panels(const finedeep_case<float>& given) {
  return pack(given.ffn.view(), finedeep::split(given.ffn.view(), given.chosen));
}

TEST(finedeep_ffn, borrowed_and_packed_are_the_plain_loops) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    for (const extras with : every_extra) {
      const finedeep_case<float> given{seed, with};
      const auto from_borrowed = inferred(given, borrowed(given), given.batch);
      const auto from_packed = inferred(given, in_panels(given), given.batch);
      for (index_t token = 0; token < given.batch; ++token) {
        const std::vector<double> plain = plain_finedeep(given, token);
        for (index_t i = 0; i < given.width; ++i) {
          const double expected = plain[to_size(i)], bound = 1e-4 * (1 + std::abs(expected));
          const std::size_t at = to_size(token * given.width + i);
          EXPECT_NEAR(static_cast<double>(from_borrowed[at]), expected, bound) << "seed " << seed;
          EXPECT_NEAR(static_cast<double>(from_packed[at]), expected, bound) << "seed " << seed;
        }
      }
    }
  }
}

TEST(finedeep_ffn, inference_says_what_training_said) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const finedeep_case<float> given{seed, extras::both};
    const auto trained = given.run(), run = inferred(given, borrowed(given), given.batch);
    for (std::size_t i = 0; i < run.size(); ++i) EXPECT_NEAR(run[i], trained[i], 1e-4f * (1 + std::abs(trained[i])));
  }
}

TEST(finedeep_ffn, batches_and_threads_change_no_bit) {
  thread_pool three{3};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const finedeep_case<float> given{{.sublayers = 2, .experts = 3, .seed = seed}, 19, 9, extras::both};
    const auto whole = inferred(given, borrowed(given), 9);
    EXPECT_EQ(inferred(given, borrowed(given), 1), whole);
    EXPECT_EQ(inferred(given, borrowed(given), 4, three), whole);
    const auto packed = inferred(given, in_panels(given), 9);
    EXPECT_EQ(inferred(given, in_panels(given), 2, three), packed);
  }
}

TEST(finedeep_ffn, one_sublayer_of_unit_routing_without_a_norm_is_the_dense_layer_and_its_residual) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const finedeep_case<float> given{{.sublayers = 1, .experts = 4, .seed = seed}, 12, 5, extras::none};
    std::vector<float> without = inferred(given, in_panels(given), 5);
    for (std::size_t i = 0; i < without.size(); ++i) without[i] -= given.tokens[i];
    EXPECT_LT(exactness(given.ffn.view(), silu{}, given.tokens_view(), {without.data(), 5, 12}), exactness_bound);
  }
}

TEST(finedeep_ffn, refuses_what_does_not_fit) {
  using testing::refusal;
  const finedeep_case<float> given{{.sublayers = 2, .experts = 3, .seed = 1}, 8, 2, extras::both};
  const auto make = [&](finedeep_grid grid, finedeep_gates gates) {
    return finedeep_ffn{borrowed(given), silu{}, grid, gates};
  };
  const finedeep_grid fitting{.sublayers = 2, .experts = 3};
  const auto grid = refusal<setting_error>([&] { make({.sublayers = 2, .experts = 4}, {}); });
  EXPECT_NE(grid.find("6 experts of the storage"), std::string::npos) << grid;
  const auto routers = refusal<shape_error>([&] { make(fitting, {.routers = gates_of(given).norms}); });
  EXPECT_NE(routers.find("finedeep_ffn: routers"), std::string::npos) << routers;
  const auto norms = refusal<shape_error>([&] { make(fitting, {.norms = gates_of(given).routers}); });
  EXPECT_NE(norms.find("finedeep_ffn: norms"), std::string::npos) << norms;

  random_source random{3};
  const auto biased =
      testing::random_ffn<float>(random, {.width = 8, .neurons = 24, .biased = testing::biases::present});
  const auto bias = refusal<shape_error>([&] {
    finedeep_ffn{borrow(biased.view(), finedeep::split(biased.view(), given.chosen)), silu{}, fitting, {}};
  });
  EXPECT_NE(bias.find("without a bias of down"), std::string::npos) << bias;
}

TEST(finedeep_ffn_death, a_workspace_of_a_narrower_layer_breaks_the_contract) {
  const finedeep::choices chosen{.sublayers = 2, .experts = 2};
  const finedeep_case<float> narrow{chosen, 8, 2, extras::both}, wide{chosen, 64, 2, extras::both};
  const auto layer_of = [](const finedeep_case<float>& given) {
    return finedeep_ffn{borrow(given.ffn.view(), finedeep::split(given.ffn.view(), given.chosen)), silu{},
                        finedeep::grid(given.chosen), gates_of(given)};
  };
  const auto small = layer_of(narrow), large = layer_of(wide);
  finedeep_workspace work{small, {.batch = 2}};
  std::vector<float> stream = wide.tokens;
  EXPECT_CONTRACT(large({stream.data(), 2, 64}, work));
}

}  // namespace finedeep_tests
}  // namespace fissile
