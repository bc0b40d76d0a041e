// `unravel distil` in parts, on a tiny model: what is learned, stopped and taken up, written and read, and scored.
#include "samples.hpp"

#include <unravel/distil_report.hpp>
#include <unravel/distil_training.hpp>

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// A tiny model, two texts, and a plan that is done in a second.
class distil_parts : public ::testing::Test {
protected:
  model_file file;
  engine::model<float> weights{file.path()};
  engine::packed_model<float> fast{weights};
  split_model split{weights, 6};
  engine::tokenizer words{weights.file()};
  std::vector<std::vector<window>> lessons{windows_of(random_text(1, 200), words, 24),
                                           windows_of(random_text(2, 150), words, 24)};
  distil_plan plan{.experts = 6,
                   .shares = {0.5, 0.25},
                   .pupils = {taught::routers, taught::experts_too},
                   .save_every = 3,
                   .threads = 1,
                   .fit = {.batch = 16, .steps = 10}};

  std::vector<layer_samples> samples(index_t threads = 1) const {
    progress told{"", 2, progress_style::silent};
    return overhear(fast, lessons, threads, told);
  }
  distil_results nothing_yet() const {
    return {.run = "this one", .sizes = {2, 32, 64, 6}, .shares = plan.shares, .fits = {}};
  }
  distil_results learned(const distil_plan& chosen, const std::string& state = {}) const {
    const std::vector<layer_samples> heard = samples();
    distil_results made = nothing_yet();
    distil_training{split, heard, chosen, state}.run(made, progress_style::silent);
    return made;
  }
};

TEST_F(distil_parts, overhear_what_the_layers_were_given_and_answered) {
  const std::vector<layer_samples> heard = samples();
  ASSERT_EQ(heard.size(), 2u);
  index_t tokens = 0;
  for (const auto& text : lessons) {
    for (const window& one : text) tokens += length(one.tokens);
  }
  for (index_t layer = 0; layer < 2; ++layer) {
    const layer_samples& one = heard[to_size(layer)];
    ASSERT_EQ(one.tokens(), tokens);
    std::vector<float> wanted(one.outputs.size());
    dense_ffn(weights.ffn(layer), silu{}, one.input(), {wanted.data(), tokens, 32});
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(one.outputs[i], wanted[i], 1e-4);
  }
  const std::vector<layer_samples> by_two = samples(2);
  EXPECT_EQ(by_two[1].inputs, heard[1].inputs);
  EXPECT_EQ(by_two[1].outputs, heard[1].outputs);
}

TEST_F(distil_parts, learn_the_same_bits_with_any_number_of_threads) {
  distil_plan two = plan;
  two.threads = 2;
  const distil_results one = learned(plan);
  EXPECT_EQ(one.fits.size(), 8u);  // two pupils, two shares, two layers
  EXPECT_EQ(learned(two), one);
  EXPECT_NE(one.find({taught::routers, 0, 0})->router, one.find({taught::routers, 1, 0})->router);
  EXPECT_TRUE(one.find({taught::routers, 0, 0})->layer.empty());
  EXPECT_NE(one.find({taught::experts_too, 0, 0})->layer, flatten<float>(weights.ffn(0)));
  EXPECT_TRUE(one.find({taught::experts_too, 0, 0})->of_layer.mean.empty()) << "no memories of what is done";
}

TEST_F(distil_parts, go_on_from_a_file_as_if_never_stopped) {
  const distil_results whole = learned(plan);
  const std::vector<layer_samples> heard = samples();
  const std::string path = file.directory() / "run.state";
  for (const taught who : {taught::routers, taught::experts_too}) {
    for (const index_t stop : {1, 6}) {  // in the middle of the first share's second layer; the others not begun
      distil_results begun = nothing_yet();
      for (index_t layer = 0; layer < 2; ++layer) {
        const distil_fit fit{who, 0, layer};
        distiller pupil{weights.ffn(layer), split.partitions()[to_size(layer)], silu{}, settings_of(plan, fit)};
        drawn_batch batch{heard[to_size(layer)], 16};
        while (!pupil.done() && (layer == 0 || pupil.state().steps < stop)) {
          batch.draw(settings_of(plan, fit).seed, pupil.state().steps);
          pupil.step(batch.inputs(), batch.outputs());
        }
        begun.put(fit, layer == 0 ? *whole.find(fit) : pupil.state());
      }
      write_distilled(path, begun);
      distil_results taken_up = read_distilled(path);
      EXPECT_EQ(taken_up, begun);
      distil_training{split, heard, plan, path}.run(taken_up, progress_style::silent);
      EXPECT_EQ(taken_up, whole);
      EXPECT_EQ(read_distilled(path), whole) << "the state was kept up to date";
    }
  }
}

TEST_F(distil_parts, refuse_files_that_are_none_of_ours) {
  expect_says(message_of<file_error>([&] { read_distilled(file.path()); }), {"a file of unravel distil", "llama"});
  distil_results wrong = nothing_yet();
  wrong.sizes.layers = 0;
  write_distilled(file.directory() / "none.gguf", wrong);
  expect_says(message_of<file_error>([&] { read_distilled(file.directory() / "none.gguf"); }), {"sizes", "got 0"});
  wrong = learned(plan);
  const std::string path = file.directory() / "wrong.gguf";
  write_distilled(path, wrong);
  const std::string bytes = content_of(path);
  put(path, bytes.substr(0, bytes.size() / 2));
  expect_says(message_of<file_error>([&] { read_distilled(path); }), {"wrong.gguf"});
}

TEST_F(distil_parts, score_every_contender_with_the_share_that_was_measured) {
  const std::vector<layer_samples> heard = samples();
  progress told{"", 100, progress_style::silent};
  const std::vector<layer_rivals> rivals = make_rivals(split, heard, {.threads = 1}, 1, told);
  const std::vector<contender> contenders = distil_contenders{split, rivals, learned(plan), plan}.all();
  std::vector<scored_text> texts;
  for (const char* language : {"aa", "bb"}) {
    texts.push_back({language, windows_of(random_text_of(language, 120).content, words, 24)});
  }
  const std::vector<distil_row> rows = score_contenders(fast, contenders, texts, 1, told);
  ASSERT_EQ(rows.size(), contenders.size() * 2);
  engine::session read{weights, session_for(24)};
  engine::dense_feed_forward dense{weights};
  const score plain = score_windows(read, texts[1].windows, dense);
  EXPECT_EQ(rows[1].router, "dense");
  EXPECT_EQ(rows[1].scored.bytes, plain.bytes);
  EXPECT_NEAR(rows[1].scored.bits_per_byte(), plain.bits_per_byte(), 1e-4);
  EXPECT_EQ(rows[1].share(), 1);
  for (const distil_row& row : rows) {
    EXPECT_TRUE(std::isfinite(row.scored.bits_per_byte())) << row.router;
    if (row.router.find("top-k") != std::string::npos || row.router.find("own split") != std::string::npos) {
      EXPECT_NEAR(row.share(), row.asked == 0.5 ? 3.0 / 6 : 2.0 / 6, 1e-12) << row.router;
    }
    EXPECT_GT(row.share(), 0) << "the strongest works alone where none is above";
  }
  const std::vector<distil_row> by_two = score_contenders(fast, contenders, texts, 2, told);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].scored.bits, by_two[i].scored.bits) << rows[i].router;

  const std::vector<distil_summary> summary = summarise(rows);
  ASSERT_EQ(summary.size(), contenders.size());
  EXPECT_NEAR(summary[0].bits_per_byte, (rows[0].scored.bits_per_byte() + rows[1].scored.bits_per_byte()) / 2, 1e-12);
  EXPECT_EQ(distil_json(rows).size(), rows.size());
  EXPECT_EQ(distil_table(summary).rows.size(), summary.size());
  const line_chart chart = distil_chart(summary, "tiny.gguf", "note");
  EXPECT_EQ(chart.series.size(), (contenders.size() - 1) / 2) << "a line for each router, with both shares";
  for (const chart_series& series : chart.series) EXPECT_EQ(series.points.size(), 3u) << series.name;
}

TEST_F(distil_parts, rows_that_are_dense_score_as_the_dense_model) {
  distil_plan all = plan;
  all.shares = {1};
  all.pupils = {taught::routers};
  const std::vector<layer_samples> heard = samples();
  progress told{"", 100, progress_style::silent};
  const std::vector<layer_rivals> rivals = make_rivals(split, heard, {.threads = 1}, 1, told);
  const std::vector<contender> contenders = distil_contenders{split, rivals, learned(all), all}.all();
  const std::vector<scored_text> texts{{"aa", windows_of(random_text(5, 100), words, 24)}};
  const std::vector<distil_row> rows = score_contenders(fast, contenders, texts, 1, told);
  for (const distil_row& row : rows) {
    if (row.router.rfind("distilled", 0) == 0) continue;  // its weights are its values, below 1
    EXPECT_NEAR(row.scored.bits_per_byte(), rows.front().scored.bits_per_byte(), 1e-4) << row.router;
  }
}

}  // namespace
