// What a conversion is made from: numbers of experts that fit, blocks that are multiplied, plans from texts.
#include "samples.hpp"

#include <unravel/convert_plan.hpp>
#include <unravel/convert_recipe.hpp>

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

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
  EXPECT_EQ(most_active(5, 53), 74);  // as tried in llama.cpp
  EXPECT_EQ(most_active(12, 123), 14);
  EXPECT_EQ(most_active(22, 223), 18);
  EXPECT_EQ(most_active(32, 323), 18);
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
  planning how{.experts = 8, .active = 2, .router = router_rule::distilled};
  how.fit.steps = 5;
  check(make_plan(dense, windows, how, silent), sizes_of(dense));
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
