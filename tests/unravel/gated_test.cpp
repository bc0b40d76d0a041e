// Models with gates: what a file keeps of them, and that they do what the layers would do without.
#include "samples.hpp"

#include <unravel/gated_report.hpp>

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// The tiny model, with gates.
class gated_file {
public:
  explicit gated_file(const examples::saved_gates& gates) {
    tiny_model model{gguf_type::f32, 7};
    examples::set_gates(model.out, gates);
    model.out.save(path());
  }
  std::string path() const { return directory_ / "gated.gguf"; }

private:
  temporary_directory directory_;
};

/// Rows of normal numbers for every layer of the tiny model.
examples::saved_gates drawn_gates(double scale) {
  const model_file file;
  const engine::architecture sizes = engine::model<float>{file.path()}.sizes();
  examples::saved_gates gates{.chosen = {.experts = 4}, .rows = {}};
  random_source random{11};
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    std::vector<float>& rows = gates.rows.emplace_back(to_size(4 * sizes.width));
    for (float& number : rows) number = static_cast<float>(scale * random.normal());
  }
  return gates;
}

std::vector<window> windows_for(const engine::model<float>& weights) {
  return windows_of(std::string_view{random_text(5, 300)}, engine::tokenizer{weights.file()},
                    window_tokens(weights.sizes()));
}

TEST(gates_file, comes_back_as_it_was_saved) {
  examples::saved_gates gates = drawn_gates(1);
  gates.chosen.threshold = 0.25f;
  gates.chosen.rescale = rescaling::none;
  const gated_file file{gates};
  const engine::model<float> weights{file.path()};
  const auto read = examples::read_gates(weights.file(), weights.sizes().layers, weights.sizes().width);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->rows, gates.rows);
  EXPECT_EQ(read->chosen.experts, 4);
  EXPECT_EQ(read->chosen.threshold, 0.25f);
  EXPECT_EQ(read->chosen.rescale, rescaling::none);
  const model_file plain;
  EXPECT_FALSE(examples::read_gates(engine::model<float>{plain.path()}.file(), 2, 32).has_value());
}

TEST(gates_file, refuses_gates_that_do_not_fit_the_model) {
  examples::saved_gates gates = drawn_gates(1);
  gates.rows.back().pop_back();
  const gated_file file{gates};
  const engine::model<float> weights{file.path()};
  expect_says(message_of<file_error>(
                  [&] { examples::read_gates(weights.file(), weights.sizes().layers, weights.sizes().width); }),
              {"fissile.dsmoe.gates.", "experts x width", std::to_string(gates.rows.back().size())});
}

/// With rows of zeros every gate is 1/2: above the threshold, so that all experts work and n / active is 1.
TEST(gated_feed_forward, equal_gates_give_the_gate_times_the_dense_layer) {
  const gated_file file{drawn_gates(0)};
  const engine::model<float> weights{file.path()};
  auto gates = *examples::read_gates(weights.file(), weights.sizes().layers, weights.sizes().width);
  gates.chosen.threshold = 0.4f;
  const engine::packed_model<float> split{weights, {.experts = 4}};
  workspace work{split.ffn(0), {.batch = 5}};
  gated_feed_forward ffn{split, gates, work};
  engine::dense_feed_forward dense{weights};
  const index_t width = weights.sizes().width;
  random_source random{3};
  std::vector<float> tokens(to_size(5 * width));
  for (float& number : tokens) number = static_cast<float>(random.normal());
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    std::vector<float> gated(tokens.size(), 0.0f), whole(tokens.size(), 0.0f);
    const matrix_view<const float> in{tokens.data(), 5, width};
    ffn(layer, in, {gated.data(), 5, width});
    dense(layer, in, {whole.data(), 5, width});
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_NEAR(gated[i], 0.5f * whole[i], 1e-5f * (1 + std::abs(whole[i])));
    }
  }
  for (const opened& layer : ffn.take_opened()) EXPECT_EQ(layer.share(), 1.0);
}

TEST(gated_score, a_higher_threshold_opens_fewer_experts) {
  const gated_file file{drawn_gates(1)};
  const engine::model<float> weights{file.path()};
  auto gates = *examples::read_gates(weights.file(), weights.sizes().layers, weights.sizes().width);
  const engine::packed_model<float> split{weights, {.experts = 4}};
  const std::vector<gated_text> texts{{"aa", windows_for(weights)}};
  double before = 2;
  for (const float threshold : {-1.0f, 0.3f, 0.5f, 0.7f, 1.0f}) {
    gates.chosen.threshold = threshold;
    const std::vector<gated_row> rows = score_gated(split, gates, texts, {});
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(length(rows[0].layers), weights.sizes().layers);
    EXPECT_LT(rows[0].active(), before);
    EXPECT_TRUE(std::isfinite(rows[0].read.bits_per_byte()));
    before = rows[0].active();
  }
  EXPECT_EQ(before, 0);  // strict: no sigmoid is above 1
}

TEST(gated_speed, has_dense_and_gated_rows_at_the_share_that_opened) {
  const gated_file file{drawn_gates(1)};
  const engine::model<float> weights{file.path()};
  const auto gates = *examples::read_gates(weights.file(), weights.sizes().layers, weights.sizes().width);
  const engine::packed_model<float> split{weights, {.experts = 4}}, dense{weights, {.experts = 1}};
  const std::vector<gated_text> texts{{"aa", windows_for(weights)}};
  const speed_settings quick{.experts = 4, .threads = 1, .seconds = 0, .prompt = 20, .before = 3, .seed = 5};
  const std::vector<speed_row> rows = measure_gated_speed(dense, split, gates, texts[0], quick);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].name, "dense");
  EXPECT_EQ(rows[2].name, "gated");
  EXPECT_GT(rows[2].active, 0.1);
  EXPECT_LT(rows[2].active, 0.9);
  const std::vector<gated_row> read = score_gated(split, gates, texts, {});
  const gated_subject of{.model = "tiny", .experts = 4, .speed = quick};
  EXPECT_NE(sweep_text(read).find("0.50"), std::string::npos);
  EXPECT_NE(languages_text(read).find("layer 0"), std::string::npos);
  EXPECT_EQ(gated_json(of, read, rows)["speed"].size(), 4u);
  EXPECT_NE(to_svg(gated_map(of, read)).find("Experts that open"), std::string::npos);
}

}  // namespace
