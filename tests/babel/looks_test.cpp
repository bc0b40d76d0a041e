// The fast pass of the experiments computes what the library's own parts compute.
#include <babel/pruning.hpp>

#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/exactness.hpp>

#include <gtest/gtest.h>

#include "../support/random_ffn.hpp"
#include "../unravel/samples.hpp"

namespace fissile::babel_study {
namespace {

/// Remembers the hidden activations of a layer that runs as one expert.
struct hidden_recorder {
  std::vector<std::vector<float>> tokens;
  void expert(index_t, choice, vector_view<const float> hidden) noexcept {
    tokens.emplace_back(hidden.begin(), hidden.end());
  }
};

TEST(babel_looks, an_open_layer_is_the_dense_layer) {
  const testing::model_file file;
  const engine::model<float> weights{file.path()};
  const auto layers = open_layers_of(weights);
  random_source random{1};
  const index_t width = weights.sizes().width;
  const auto x = testing::random_numbers<float>(random, 5 * width);
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    std::vector<float> out(x.size(), 0.0f);
    index_t seen = 0;
    const auto look = [&](index_t at, vector_view<float> hidden) {
      EXPECT_EQ(at, layer);
      EXPECT_EQ(hidden.length(), weights.sizes().neurons);
      ++seen;
    };
    open_feed_forward ffn{layers, 5, look};
    ffn(layer, {x.data(), 5, width}, {out.data(), 5, width});
    EXPECT_EQ(seen, 5);
    EXPECT_LE(exactness(weights.ffn(layer), silu{}, {x.data(), 5, width}, {out.data(), 5, width}), exactness_bound);
  }
}

template <class Phi, class Reduce>
void expect_same_gate(score_kind kind, std::uint64_t seed) {
  random_source random{seed};
  for (int round = 0; round < 10; ++round) {
    const auto ffn = testing::random_ffn<float>(random, {.width = 12, .neurons = 40});
    const babel::choices chosen{.expert_neurons = 1 + random.below(8), .active = 0.3};
    const partition split = babel::split<float>({ffn.view()}, even_slices{}, chosen).front();
    expert_set candidates;
    for (index_t e = 0; e < split.experts(); ++e) {
      if (random.below(3) > 0) candidates.push_back(e);
    }
    Phi of_neuron{};
    if constexpr (std::same_as<Phi, phi::contribution>) of_neuron = phi::contribution::of(ffn.view());
    const auto choose =
        babel::gate(oracle_scorer{borrow(ffn.view(), split), silu{}, of_neuron, Reduce{}}, chosen, candidates);
    const auto x = testing::random_numbers<float>(random, 6 * 12);
    const sparse_ffn whole{borrow(ffn.view(), even_slices{}.split(40, 1)), silu{}};
    std::vector<float> out(x.size());
    hidden_recorder hidden;
    workspace one{whole, {.batch = 6}};
    one.choose_all(6, 1);
    whole({x.data(), 6, 12}, one, {out.data(), 6, 12}, hidden);
    const sparse_ffn run{borrow(ffn.view(), split), silu{}};
    workspace work{run, {.batch = 6}};
    choose({x.data(), 6, 12}, work);
    hidden_gate gate{ffn.view(), split, kind, chosen, candidates};
    for (index_t token = 0; token < 6; ++token) {
      const route& expected = work.routes()[token];
      const route& got = gate(hidden.tokens[to_size(token)]);
      ASSERT_EQ(got.length(), expected.length());
      for (index_t i = 0; i < got.length(); ++i) EXPECT_EQ(got[i], expected[i]) << name_of(kind);
    }
  }
}

TEST(babel_looks, the_hidden_gate_is_the_gate_of_the_recipe) {
  expect_same_gate<phi::absolute, reduce::sum>({phi_kind::absolute, reduce_kind::sum}, 1);
  expect_same_gate<phi::squared, reduce::sum>({phi_kind::squared, reduce_kind::sum}, 2);
  expect_same_gate<phi::positive, reduce::sum>({phi_kind::positive, reduce_kind::sum}, 3);
  expect_same_gate<phi::contribution, reduce::sum>({phi_kind::contribution, reduce_kind::sum}, 4);
  expect_same_gate<phi::absolute, reduce::largest>({phi_kind::absolute, reduce_kind::largest}, 5);
  expect_same_gate<phi::squared, reduce::largest>({phi_kind::squared, reduce_kind::largest}, 6);
  expect_same_gate<phi::positive, reduce::largest>({phi_kind::positive, reduce_kind::largest}, 7);
  expect_same_gate<phi::contribution, reduce::largest>({phi_kind::contribution, reduce_kind::largest}, 8);
}

TEST(babel_looks, what_is_given_up_is_silent) {
  const testing::model_file file;
  const subject model{file.path()};
  const view_kind kind{.expert_neurons = 8};
  const counted_view view{kind, babel::split(model.layers(), even_slices{}, kind.chosen())};
  const verdict given_up = babel::at_random(5, babel::same_rate(kind.chosen(0.5)), view.splits);
  random_source random{3};
  for (const use_kind use : {use_kind::remove, use_kind::restrict}) {
    pruned_look look{model, view, use, given_up};
    for (int token = 0; token < 4; ++token) {
      const index_t layer = token % 2;
      const auto before = testing::random_numbers<float>(random, model.weights().sizes().neurons);
      std::vector<float> after = before;
      look(layer, after);
      const partition& split = view.splits[to_size(layer)];
      index_t working = 0;
      for (index_t e = 0; e < split.experts(); ++e) {
        const bool on = after[to_size(split.expert(e)[0])] != 0;
        working += on ? 1 : 0;
        for (const index_t j : split.expert(e)) EXPECT_EQ(after[to_size(j)], on ? before[to_size(j)] : 0.0f);
        if (given_up.layers[to_size(layer)][to_size(e)].what == fate::remove) {
          EXPECT_FALSE(on);
        }
      }
      EXPECT_EQ(working,
                use == use_kind::remove ? split.experts() / 2 : babel::active_of(split.experts(), kind.chosen()));
    }
  }
}

}  // namespace
}  // namespace fissile::babel_study
