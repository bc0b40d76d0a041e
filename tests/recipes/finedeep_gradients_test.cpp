// Backward of Finedeep's layer: every gradient against difference quotients in double.
#include <numeric>

#include "recipes/finedeep_case.hpp"

namespace fissile {
namespace finedeep_tests {

/// Room for every gradient, all of it at `start`.
struct finedeep_store {
  finedeep_store(const finedeep_case<double>& of, double start)
      : gate(of.ffn.gate.size(), start),
        up(gate),
        down(gate),
        routers(of.routers.size(), start),
        norms(of.norms.size(), start),
        tokens(of.tokens.size(), start),
        given(&of) {}
  finedeep_gradients<double> view() {
    const index_t d = given->width, n = given->ffn.neurons;
    finedeep_gradients<double> all{.layer = {.gate = {gate.data(), n, d},
                                             .up = {up.data(), n, d},
                                             .down = {down.data(), d, n},
                                             .tokens = {tokens.data(), given->batch, d}}};
    if (!routers.empty()) all.layer.router = {routers.data(), given->experts(), d};
    if (!norms.empty()) all.norms = {norms.data(), given->chosen.sublayers, d};
    return all;
  }
  void add(const finedeep_gradients<double>& into) {
    const auto layer = given->layer();
    training_scratch<double> scratch{layer, {.batch = given->batch}};
    finedeep_tape remembered{layer, scratch};
    std::vector<double> out(given->tokens.size());
    layer.forward(given->tokens_view(), remembered, {out.data(), given->batch, given->width});
    layer.backward(remembered, {given->slopes.data(), given->batch, given->width}, into);
  }

  std::vector<double> gate, up, down, routers, norms, tokens;
  const finedeep_case<double>* given;
};

TEST(finedeep_gradients, every_gradient_is_the_difference_quotient) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    for (const extras with : every_extra) {
      finedeep_case<double> given{seed, with};
      finedeep_store got{given, 0};
      got.add(got.view());
      const auto layer = given.layer();
      training_scratch<double> scratch{layer, {.batch = given.batch}};
      finedeep_tape remembered{layer, scratch};
      std::vector<double> out(given.tokens.size());
      const auto loss = [&] {
        layer.forward(given.tokens_view(), remembered, {out.data(), given.batch, given.width});
        return std::inner_product(out.begin(), out.end(), given.slopes.begin(), 0.0);
      };
      const auto expect = [&](std::vector<double>& numbers, const std::vector<double>& gradient, const char* name) {
        ASSERT_EQ(numbers.size(), gradient.size());
        for (std::size_t i = 0; i < numbers.size(); ++i, ++compared) {
          const double here = numbers[i], step = 1e-5;
          numbers[i] = here + step;
          const double above = loss();
          numbers[i] = here - step;
          const double below = loss();
          numbers[i] = here;
          const double quotient = (above - below) / (2 * step);
          EXPECT_NEAR(gradient[i], quotient, 1e-6 * (1 + std::abs(quotient))) << name << " " << i << ", seed " << seed;
        }
      };
      expect(given.ffn.gate, got.gate, "gate");
      expect(given.ffn.up, got.up, "up");
      expect(given.ffn.down, got.down, "down");
      expect(given.routers, got.routers, "routers");
      expect(given.norms, got.norms, "norms");
      expect(given.tokens, got.tokens, "tokens");
    }
  }
  EXPECT_GT(compared, 5000u);
}

TEST(finedeep_gradients, gradients_are_added_and_those_left_out_change_no_other) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const finedeep_case<double> given{seed, extras::both};
    finedeep_store alone{given, 0}, later{given, 3}, some{given, 0};
    alone.add(alone.view());
    later.add(later.view());
    for (std::size_t i = 0; i < alone.norms.size(); ++i) EXPECT_NEAR(later.norms[i], 3 + alone.norms[i], 1e-12);
    for (std::size_t i = 0; i < alone.down.size(); ++i) EXPECT_NEAR(later.down[i], 3 + alone.down[i], 1e-12);
    some.add({.layer = {.router = some.view().layer.router}});
    EXPECT_EQ(some.routers, alone.routers);
    some.add({.norms = some.view().norms});
    EXPECT_EQ(some.norms, alone.norms);
    some.add({.layer = {.tokens = some.view().layer.tokens}});
    EXPECT_EQ(some.tokens, alone.tokens);
    EXPECT_EQ(some.gate, std::vector<double>(some.gate.size(), 0.0));
  }
}

}  // namespace finedeep_tests
}  // namespace fissile
