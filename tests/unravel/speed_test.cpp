// What a speed measurement says and how; never how fast anything is.
#include "samples.hpp"

#include <unravel/speed_report.hpp>
#include <unravel/synthetic_model.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

const speed_settings quick{.experts = 4, .threads = 1, .seconds = 0, .prompt = 20, .before = 3, .seed = 5};

TEST(speed, has_a_row_for_each_share_and_phase) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  for (const engine::packing element : {engine::packing::float32, engine::packing::bf16_dot}) {
    speed_settings chosen = quick;
    chosen.element = element;
    chosen.threads = element == engine::packing::float32 ? 1 : 2;
    const std::vector<speed_row> rows = measure_speed(weights, chosen, progress_style::silent);
    ASSERT_EQ(rows.size(), 8u);
    const std::vector<double> active{1, 1, 0.5, 0.25};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const speed_row& row = rows[i];
      EXPECT_EQ(row.name, i < 2 ? "dense" : "split");
      EXPECT_EQ(row.phase, i % 2 == 0 ? speed_phase::decode : speed_phase::prompt);
      EXPECT_EQ(row.active, active[i / 2]);
      EXPECT_GE(row.samples, 3);
      for (const double number : {row.tokens_per_second, row.share_of_limit, row.ffn_share_of_limit, row.limit}) {
        EXPECT_TRUE(std::isfinite(number) && number > 0) << i;
      }
      EXPECT_GT(row.ffn_share_of_time, 0);
      EXPECT_LT(row.ffn_share_of_time, 1);
    }
  }
}

TEST(speed, refuses_what_cannot_be_split_or_read) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  speed_settings chosen = quick;
  chosen.experts = 65;
  expect_says(message_of<setting_error>([&] { measure_speed(weights, chosen, progress_style::silent); }),
              {"--experts", "from 2 to 64", "65"});
  chosen = quick;
  chosen.prompt = 0;
  expect_says(message_of<setting_error>([&] { measure_speed(weights, chosen, progress_style::silent); }),
              {"--prompt", "at least 1"});
}

TEST(speed, the_report_tells_everything_that_numbers_depend_on) {
  const speed_subject of{.model = "some.gguf", .sizes = {}, .settings = quick};
  const std::vector<speed_row> rows{{.name = "dense", .tokens_per_second = 123.44, .limit = 5e9},
                                    {.name = "split",
                                     .phase = speed_phase::prompt,
                                     .active = 0.25,
                                     .ffn_share_of_time = 0.75,
                                     .share_of_limit = 0.5,
                                     .ffn_share_of_limit = 0.625,
                                     .limit = 2.5e11,
                                     .samples = 4}};
  const std::string text = speed_text(of, rows);
  for (const char* part :
       {"some.gguf", "packed as float", "4 experts", "1 threads", "one token at a time after 3", "20 tokens at once",
        "drawn by lot", "seed 5", "123.4", "5.0 GB/s", "25.0 %", "75.0 %", "50.0 %", "62.5 %", "250.0 GFLOP/s"}) {
    EXPECT_NE(text.find(part), text.npos) << part << "\n" << text;
  }
  const json_value list = speed_json(of, rows);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["name"], "dense");
  EXPECT_EQ(list[0]["phase"], "decode");
  EXPECT_EQ(list[1]["phase"], "prompt");
  EXPECT_EQ(list[1]["active"], 0.25);
  EXPECT_EQ(list[1]["element"], "float");
  EXPECT_EQ(list[1]["threads"], 1);
  EXPECT_EQ(list[0]["tokens_per_second"], 123.44);
  EXPECT_EQ(list[1]["ffn_share_of_time"], 0.75);
  EXPECT_EQ(list[1]["share_of_limit"], 0.5);
}

TEST(speed, shares_that_come_to_the_same_number_count_once) {
  EXPECT_EQ(active_numbers(16), (std::vector<index_t>{8, 4, 2}));
  EXPECT_EQ(active_numbers(88), (std::vector<index_t>{44, 22, 11}));
  EXPECT_EQ(active_numbers(5), (std::vector<index_t>{3, 1}));
  EXPECT_EQ(active_numbers(2), (std::vector<index_t>{1}));
}

TEST(speed, the_work_of_a_prompt_is_counted_by_hand) {
  engine::architecture sizes;
  sizes.width = 10;
  sizes.layers = 2;
  sizes.neurons = 30;
  sizes.heads = 5;
  sizes.key_heads = 1;
  sizes.head_size = 2;
  const prompt_work work = work_of_prompt(sizes, 100, 3);
  EXPECT_EQ(work.ffn, 2.0 * 2 * 3 * (3 * 10 * 30));  // 2 FLOPs, layers, tokens, weights
  const double projections = 2.0 * 2 * 3 * (10 * 10 + 10 * 2 + 10 * 2 + 10 * 10);
  const double seen = 1 + 2 + 3;
  EXPECT_EQ(work.rest, projections + 2.0 * 2 * 2 * 10 * seen + 2.0 * 100 * 10);
}

TEST(draw_routes, every_set_of_experts_is_as_likely) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const engine::packed_model<float> packed{weights, {.experts = 8}};
  workspace work{packed.ffn(0), {.batch = 1000}};
  random_source random{4};
  work.start(1000);
  draw_routes(work, 3, random);
  std::vector<int> uses(8, 0);
  for (const route& one : work.routes()) {
    ASSERT_EQ(one.length(), 3);
    for (index_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(i == 0 || one[i - 1].expert < one[i].expert);
      EXPECT_EQ(one[i].weight, 1.0f);
      ++uses[to_size(one[i].expert)];
    }
  }
  for (const int one : uses) EXPECT_NEAR(one, 375, 75);  // five deviations of 15
  work.start(2);
  draw_routes(work, 8, random);
  EXPECT_EQ(work.routes()[1].length(), 8);
}

TEST(synthetic_model, is_the_same_for_a_seed_and_can_be_read) {
  engine::architecture sizes;
  sizes.context = 16;
  sizes.width = 32;
  sizes.layers = 3;
  sizes.neurons = 40;
  sizes.heads = 4;
  sizes.key_heads = 2;
  sizes.head_size = sizes.rotated = 8;
  const std::vector<engine::token_id> tokens{1, 5, 9};
  const auto logits = [&](std::uint64_t seed) {
    const engine::packed_model<bf16> packed{synthetic_model{sizes, 50, seed}, {.experts = 4}};
    engine::packed_feed_forward ffn{packed, 3};
    engine::session read{packed, {.batch = 3}};
    read(tokens, ffn);
    const vector_view<const float> last = read.last_logits();
    return std::vector<float>(last.begin(), last.end());
  };
  const std::vector<float> first = logits(1);
  EXPECT_EQ(first, logits(1));
  EXPECT_NE(first, logits(2));
  for (const float one : first) EXPECT_LT(std::abs(one), 10.0f);
}

TEST(synthetic_model, knows_the_shape_it_is_named_after) {
  const synthetic_model source = synthetic_model_named("tinyllama", 1);
  EXPECT_EQ(source.sizes().width, 2048);
  EXPECT_EQ(source.sizes().query_width(), 2048);
  EXPECT_EQ(source.sizes().key_width(), 256);
  expect_says(message_of<setting_error>([] { synthetic_model_named("llama", 1); }),
              {"--synthetic", "tinyllama", "got llama"});
}

TEST(machine_limits, are_measured_on_any_number_of_threads) {
  thread_pool pool{2};
  stream_read stream{1 << 16, pool};
  EXPECT_GT(stream.seconds(100000), 0);  // more than there is: over again
  EXPECT_GT(stream.seconds(1), 0);
  EXPECT_GT(measured_peak(peak_of::floats), 1e6);
  EXPECT_GT(measured_peak(peak_of::bf16_pairs, pool), 1e6);
}

}  // namespace
