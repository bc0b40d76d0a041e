// What a conversion is made from: numbers of experts that fit, blocks that are multiplied, plans from texts.
#include "samples.hpp"

#include <unravel/convert_plan.hpp>
#include <unravel/convert_recipe.hpp>

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

TEST(converted_counts, know_blocks_and_the_graph) {
  EXPECT_EQ(fitting_counts(11008, 256), (std::vector<index_t>{43}));
  EXPECT_EQ(fitting_counts(11008, 32), (std::vector<index_t>{2, 4, 8, 43, 86, 172, 344}));
  EXPECT_EQ(fitting_counts(172, 32), (std::vector<index_t>{}));
  EXPECT_EQ(most_active(5, 48, weighing::softmax), 74);  // as tried in llama.cpp
  EXPECT_EQ(most_active(12, 111, weighing::softmax), 14);
  EXPECT_EQ(most_active(22, 201, weighing::softmax), 18);
  EXPECT_EQ(most_active(32, 291, weighing::softmax), 18);
  for (const auto& [layers, most] : {std::pair{5, 71},
                                     {7, 42},
                                     {8, 32},
                                     {9, 34},
                                     {12, 33},
                                     {16, 33},
                                     {18, 26},
                                     {22, 33},
                                     {28, 33},
                                     {32, 33},
                                     {36, 26},
                                     {40, 33},
                                     {48, 33},
                                     {64, 33}}) {
    EXPECT_EQ(most_active(layers, 3 + 9 * layers, weighing::sigmoid), most) << layers;
  }
}

TEST(converted_blocks, change_their_scales_alone) {
  random_source random{4};
  for (const std::uint32_t number : {2u, 3u, 6u, 7u, 8u, 10u, 11u, 12u, 13u, 14u, 20u, 23u}) {
    const auto type = static_cast<gguf_type>(number);
    const block_scales scales = scales_of(type);
    const auto bytes = static_cast<std::size_t>(layout_of(type).bytes);
    std::string blocks;
    for (std::size_t i = 0; i < 3 * bytes; ++i) blocks += static_cast<char>(random.below(256));
    for (std::size_t i = 0; i < 3 * scales.count; ++i) {
      const f16 scale = to_f16(static_cast<float>(random.normal()));
      std::memcpy(blocks.data() + i / scales.count * bytes + scales.offsets[i % scales.count], &scale, 2);
    }
    std::string multiplied = blocks;
    rounding_error error;
    multiply_blocks(type, 3, multiplied, error);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) changed += blocks[i] != multiplied[i] ? 1 : 0;
    EXPECT_LE(changed, 3 * 2 * scales.count) << to_string(type);
    EXPECT_GT(changed, 0u);
    EXPECT_LT(error.relative(), 0x1p-11);
    rounding_error none;
    multiply_blocks(type, 4, multiplied, none);
    EXPECT_EQ(none.relative(), 0.0);
  }
  EXPECT_EQ(scales_of(gguf_type::f16).count, 0u);
}

TEST(converted_plan, comes_from_texts) {
  const model_file file;
  const gguf_file dense{file.path()};
  const engine::tokenizer words{dense};
  const std::vector<window> windows = windows_of(random_text(3, 900), words, tiny_model::context);
  progress silent{"", 1, progress_style::silent};
  for (const split_rule split :
       {split_rule::even, split_rule::shuffled, split_rule::clusters, split_rule::coactivation, split_rule::markers}) {
    const planning how{.experts = 8, .active = 2, .split = split, .router = router_rule::analytic};
    const moe_plan plan = make_plan(dense, windows, how, silent);
    check(plan, sizes_of(dense));
    const float eps = plan.layers[0].eps;
    EXPECT_EQ(eps, std::exp2(std::round(std::log2(eps))));
  }
  for (const index_t shared : {0, 2}) {
    planning how{.experts = 8, .active = 2, .shared = shared, .router = router_rule::distilled};
    how.fit.steps = 5;
    const moe_plan plan = make_plan(dense, windows, how, silent);
    check(plan, sizes_of(dense));
    EXPECT_EQ(plan.experts, 8 - shared);
    EXPECT_EQ(plan.shared(), shared);
  }
}

TEST(converted_plan, refuses_partitions_of_a_file_that_do_not_fit) {
  const moe_sizes sizes{.layers = 2, .width = tiny_model::width, .neurons = tiny_model::neurons};
  const partition good = even_slices{}.split(sizes.neurons, 8);
  const auto read = [&](index_t shared, std::vector<partition> given) {
    const planning how{.experts = 8, .shared = shared, .split = split_rule::file, .given_splits = std::move(given)};
    check_given_splits(how, sizes, "splits.json");
  };
  const auto refusal = [&](index_t shared, std::vector<partition> given) {
    return message_of<file_error>([&] { read(shared, std::move(given)); });
  };
  EXPECT_NO_THROW(read(0, {good, good}));
  EXPECT_NO_THROW(read(2, {good, share_experts(good, 2)})) << "of none the first ones are shared";
  expect_says(refusal(0, {good}), {"--partition splits.json: layers: expected 2, got 1"});
  expect_says(refusal(0, {good, good, good}), {"--partition splits.json: layers: expected 2, got 3"});
  expect_says(refusal(0, {good, even_slices{}.split(2 * sizes.neurons, 8)}),
              {"--partition splits.json: layer 1: neurons: expected 64, got 128"});
  expect_says(refusal(0, {even_slices{}.split(sizes.neurons, 4), good}),
              {"--partition splits.json: layer 0: experts: expected 8, got 4"});
  expect_says(refusal(1, {good, share_experts(good, 2)}),
              {"--partition splits.json: layer 1: shared experts: expected 1, got 2"});
  expect_says(refusal(0, {share_experts(good, 2), good}),
              {"--partition splits.json: layer 0: shared experts: expected 0, got 2"});
}

TEST(converted_plan, makes_plans_of_partitions_of_a_file) {
  const model_file file;
  const gguf_file dense{file.path()};
  const std::vector<window> windows = windows_of(random_text(3, 600), engine::tokenizer{dense}, tiny_model::context);
  progress silent{"", 1, progress_style::silent};
  const partition given = shuffled{.seed = 5}.split(tiny_model::neurons, 8);
  const planning how{.experts = 8,
                     .active = 2,
                     .split = split_rule::file,
                     .router = router_rule::analytic,
                     .given_splits = std::vector<partition>(to_size(sizes_of(dense).layers), given)};
  check_given_splits(how, sizes_of(dense), "splits.json");
  const moe_plan plan = make_plan(dense, windows, how, silent);
  check(plan, sizes_of(dense));
  EXPECT_EQ(plan.layers[1].split, given);
}

TEST(converted_plan, shares_the_busiest_neurons_or_the_first) {
  const model_file file;
  const gguf_file dense{file.path()};
  const std::vector<window> windows = windows_of(random_text(3, 600), engine::tokenizer{dense}, tiny_model::context);
  progress silent{"", 1, progress_style::silent};
  for (const split_rule split : {split_rule::even, split_rule::shuffled, split_rule::clusters, split_rule::markers}) {
    const planning how{.experts = 8, .active = 2, .shared = 2, .split = split, .router = router_rule::analytic};
    const moe_plan plan = make_plan(dense, windows, how, silent);
    check(plan, sizes_of(dense));
    EXPECT_EQ(plan.weights(), weighing::sigmoid);
    EXPECT_EQ(plan.layers[1].split.shared_experts(), (std::vector<index_t>{0, 1}));
  }
  layer_by_layer model{dense};
  text_states states{model, windows};
  model.open(0);
  const layer_samples heard = states.pass(model);
  const planning how{.experts = 8, .active = 2, .shared = 2, .split = split_rule::markers};
  const partition split = split_layer_by(how, model.ffn(), heard.input(), 0);
  const std::vector<std::uint64_t> counts = mark(model.ffn(), heard.input()).counts();
  std::uint64_t least = ~std::uint64_t{0}, most = 0;
  for (const index_t neuron : split.experts(0, 2)) least = std::min(least, counts[to_size(neuron)]);
  for (const index_t neuron : split.experts(2, 8)) most = std::max(most, counts[to_size(neuron)]);
  EXPECT_GE(least, most);
  expect_says(message_of<setting_error>([&] { share_experts(split, 1); }), {"--shared: expected 2", "got 1"});
}

TEST(converted_plan, leaves_to_routed_experts_what_the_shared_ones_do_not_give) {
  const model_file file;
  const gguf_file dense{file.path()};
  const std::vector<window> windows = windows_of(random_text(3, 900), engine::tokenizer{dense}, tiny_model::context);
  layer_by_layer model{dense};
  text_states states{model, windows};
  model.open(0);
  layer_samples heard = states.pass(model);
  const partition split = share_experts(shuffled{.seed = 2}.split(tiny_model::neurons, 8), 3);
  subtract_shared(model.ffn(), split, heard);
  const owned_ffn<float> routed = neurons_of(model.ffn(), split.experts(3, 8));
  std::vector<float> wanted(heard.outputs.size());
  dense_ffn(routed.view(), silu{}, heard.input(), {wanted.data(), heard.tokens(), heard.width});
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(heard.outputs[i], wanted[i], 1e-5);
}

TEST(converted_plan, brings_scores_near_zero_and_keeps_their_order) {
  random_source random{6};
  std::vector<float> rows(8 * 16), numbers(300 * 16);
  for (float& x : rows) x = static_cast<float>(random.normal());
  for (float& x : numbers) x = static_cast<float>(3 + random.normal());
  const matrix_view<const float> tokens{numbers.data(), 300, 16}, router_rows{rows.data(), 8, 16};
  const float softmax_eps = eps_for(router_rows, tokens, 1.0 / 256, weighing::softmax);
  const float eps = eps_for(router_rows, tokens, 1.0 / 256, weighing::sigmoid);
  EXPECT_LE(eps, softmax_eps);  // their mean counts, too
  std::vector<float> scores(300 * 8);
  engine::linear(tokens, router_rows, {scores.data(), 300, 8});
  double squares = 0;
  index_t changed = 0;
  for (index_t token = 0; token < 300; ++token) {
    const float* own = scores.data() + 8 * token;
    std::array<float, 8> squashed{};
    for (index_t e = 0; e < 8; ++e) {
      const float score = eps * own[e];
      squares += static_cast<double>(score) * static_cast<double>(score) / (300 * 8);
      squashed[to_size(e)] = sigmoid::of(score);
    }
    changed +=
        std::max_element(own, own + 8) - own != std::max_element(squashed.begin(), squashed.end()) - squashed.begin();
  }
  EXPECT_LE(std::sqrt(squares), 1.0 / 256);
  EXPECT_GT(std::sqrt(squares), 1.0 / 512);
  EXPECT_LE(changed, 1);
}

TEST(converted_plan, passes_states_as_the_engine_does) {
  const model_file file{gguf_type::bf16};
  const gguf_file dense{file.path()};
  const engine::model<float> weights{file.path()};
  const std::vector<window> windows{{.tokens = {1, 50, 60, 70, 9}, .bytes = {}}};
  std::vector<std::vector<float>> inputs;
  engine::session read{weights};
  engine::dense_feed_forward plain{weights};
  read(windows[0].tokens, [&](index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    inputs.emplace_back(tokens.data(), tokens.data() + tokens.rows() * tokens.columns());
    plain(layer, tokens, residual);
  });
  layer_by_layer model{dense};
  text_states states{model, windows};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    model.open(layer);
    const layer_samples heard = states.pass(model);
    ASSERT_EQ(heard.inputs.size(), inputs[to_size(layer)].size());
    for (std::size_t i = 0; i < heard.inputs.size(); ++i) EXPECT_NEAR(heard.inputs[i], inputs[to_size(layer)][i], 1e-4);
  }
}

}  // namespace
