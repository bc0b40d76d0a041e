// The analysis: its lines, that every statistic has heard the same, and its files.
#include "samples.hpp"

#include <unravel/analyse_files.hpp>
#include <unravel/analyse_guide.hpp>
#include <unravel/score.hpp>

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

using line_list = std::vector<std::string_view>;

/// Five lines each, of 12 to 30 letters: some do not fit into the tiny model's context of 24.
corpus five_lines() {
  corpus made{.name = "made up", .texts = {}};
  for (const char* language : {"aa", "bb", "cc"}) {
    text& one = made.texts.emplace_back(text{language, std::string{language} + ".txt", {}});
    for (std::uint64_t line = 0; line < 5; ++line) {
      one.content +=
          random_text(100 * line + static_cast<std::uint64_t>(language[0]), 12 + static_cast<index_t>(line * 4)) +
          "z\n";
    }
  }
  return made;
}

analysis_result analyse_tiny(const corpus& texts, analyse_settings settings) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  return analysis{weights, texts, settings}.run(progress_style::silent);
}

TEST(analyse_lines, are_those_of_the_file) {
  EXPECT_EQ(lines_of("a\nbc\r\n\n d"), (line_list{"a", "bc", "", " d"}));
  EXPECT_EQ(lines_of("a\n"), (line_list{"a"}));
  EXPECT_EQ(lines_of(""), line_list{});
  EXPECT_TRUE(is_blank(" \t\xe3\x80\x80"));
  EXPECT_TRUE(is_blank(""));
  EXPECT_FALSE(is_blank(" x"));
  EXPECT_FALSE(is_blank("\xff"));
  EXPECT_EQ(spread(10, 4), (std::vector<index_t>{0, 2, 5, 7}));
  EXPECT_EQ(spread(3, 4), (std::vector<index_t>{0, 1, 2}));
  EXPECT_EQ(spread(5, 5), (std::vector<index_t>{0, 1, 2, 3, 4}));
}

TEST(analyse_lines, of_parallel_texts_are_chosen_together) {
  const corpus texts{.name = "two", .texts = {{"aa", "a.txt", "1\n\n3\n4\n5\n"}, {"bb", "b.txt", "A\nB\nC\n \nE"}}};
  const std::vector<text_lines> together = choose_lines(texts, line_order::parallel, 10);
  EXPECT_EQ(together[0].lines, (line_list{"1", "3", "5"}));
  EXPECT_EQ(together[1].lines, (line_list{"A", "C", "E"}));
  EXPECT_EQ(together[0].there, 3);
  const std::vector<text_lines> apart = choose_lines(texts, line_order::unrelated, 2);
  EXPECT_EQ(apart[0].lines, (line_list{"1", "4"}));
  EXPECT_EQ(apart[1].lines, (line_list{"A", "C"}));
  EXPECT_EQ(apart[1].there, 4);
}

TEST(analyse_lines, that_do_not_serve_are_refused) {
  const corpus uneven{.name = "two", .texts = {{"aa", "a.txt", "1\n2\n"}, {"bb", "b.txt", "A\nB\nC\n"}}};
  expect_says(message_of<setting_error>([&] { choose_lines(uneven, line_order::parallel, 10); }),
              {"--parallel", "bb (b.txt)", "aa (a.txt)", "2", "3", "leave out --parallel"});
  EXPECT_EQ(choose_lines(uneven, line_order::unrelated, 10).size(), 2u);
  const corpus never{.name = "two", .texts = {{"aa", "a.txt", "1\n\n"}, {"bb", "b.txt", "\nB\n"}}};
  expect_says(message_of<setting_error>([&] { choose_lines(never, line_order::parallel, 10); }),
              {"aa (a.txt)", "not blank in any of the texts"});
  expect_says(message_of<setting_error>([&] { analyse_tiny(five_lines(), {.windows = 0}); }), {"--windows"});
}

TEST(analyse_lines, that_are_too_long_are_read_from_their_end) {
  const model_file file;
  const engine::tokenizer words{engine::model<float>{file.path()}.file()};
  const line_window whole = window_of_line("abc", words, 24), cut = window_of_line("abcdefghij", words, 4);
  EXPECT_FALSE(whole.cut);
  EXPECT_TRUE(cut.cut);
  EXPECT_EQ(length(cut.read.tokens), 4);  // a begin token and three of the text
  EXPECT_EQ(cut.read.text_begin, 1);
  EXPECT_EQ(words.decode(vector_view<const engine::token_id>{cut.read.tokens}), "hij");
  EXPECT_EQ(cut.tokens, length(words.encode("abcdefghij")));
}

TEST(analyse_lines, of_the_guide_are_those_of_pages_alike_in_all_languages) {
  const std::vector<examples::guide::page> pages{
      {"de", "a", {"eins", "zwei\ndrei"}, true}, {"de", "b", {"nur", "hier"}, true}, {"de", "c", {"gelernt"}, false},
      {"en", "a", {"one", "two\nthree"}, true},  {"en", "b", {"only"}, true},        {"en", "c", {"learned"}, false}};
  const corpus made = parallel_corpus(pages, "guide");
  ASSERT_EQ(made.texts.size(), 2u);
  EXPECT_EQ(made.texts[0].content, "eins\nzwei drei\n");
  EXPECT_EQ(made.texts[1].content, "one\ntwo three\n");
  EXPECT_THROW(parallel_corpus({pages[1], pages[4]}, "guide"), file_error);
  expect_says(message_of<setting_error>([] { parallel_guide("no/such/folder"); }), {"--guide", "no/such/folder"});
}

TEST(analysis, every_statistic_hears_every_line) {
  const corpus texts = five_lines();
  const analysis_result done = analyse_tiny(texts, {.order = line_order::parallel, .silenced = 0, .threads = 1});
  EXPECT_EQ(done.names(), (std::vector<std::string>{"aa", "bb", "cc"}));
  for (const analysed_language& one : done.languages) {
    EXPECT_EQ(one.lines, 5);
    EXPECT_GT(one.cut, 0);
    EXPECT_LT(one.cut, 5);
    EXPECT_EQ(one.last_piece, "z");
    EXPECT_EQ(one.last_share(), 1.0);
    const auto predicted = static_cast<std::uint64_t>(one.tokens);
    EXPECT_EQ(done.found.firing.tokens(one.language), predicted);  // all but the begin token
    EXPECT_EQ(done.measure.of(one.language).characters, 12u + 16 + 20 + 24 + 28 + 5);
    for (index_t layer = 0; layer < done.sizes.layers; ++layer) {
      for (const component_shape& each : done.found.importance.components()) {
        EXPECT_EQ(done.found.importance.of({layer, each.name}).tokens(one.language), predicted);
        EXPECT_EQ(done.found.importance.of({layer, each.name}).undefined(one.language), 0u);
        EXPECT_GT(done.found.importance.of_component(one.language, {layer, each.name}), 0);
      }
    }
    for (index_t layer = 0; layer <= done.sizes.layers; ++layer) {
      EXPECT_EQ(done.found.centroids.sentences(one.language, layer), 5u);
    }
  }
  for (const neuron_magnitudes& one : done.found.magnitudes) EXPECT_EQ(one.of(0).tokens(), one.of(1).tokens());
  EXPECT_EQ(done.found.magnitudes[2].of(1).tokens(), done.found.firing.tokens("cc"));
}

/// The loss and the last states as a session has them, which shares neither products nor attention with gradients.
TEST(analysis, reads_as_a_session_does) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const engine::tokenizer words{weights.file()};
  const corpus texts = five_lines();
  const analysis_result done = analysis{weights, texts, {.silenced = 0, .threads = 1}}.run(progress_style::silent);
  engine::session read{weights};
  engine::dense_feed_forward ffn{weights};
  for (std::size_t language = 0; language < texts.texts.size(); ++language) {
    std::vector<window> windows;
    std::vector<double> last(to_size(weights.sizes().width), 0.0);
    for (const std::string_view line : lines_of(texts.texts[language].content)) {
      windows.push_back(window_of_line(line, words, weights.sizes().context).read);
      read.rewind(0);
      read(windows.back().tokens, ffn, [&](index_t layer, matrix_view<const float> states) {
        for (index_t i = 0; layer == 1 && i < states.columns(); ++i) {
          last[to_size(i)] += static_cast<double>(states(states.rows() - 1, i)) / 5;
        }
      });
    }
    const score scored = score_windows(read, windows, ffn);
    EXPECT_EQ(done.languages[language].bytes, scored.bytes);
    EXPECT_NEAR(done.languages[language].bits_per_byte(), scored.bits_per_byte(), 1e-4);
    const std::vector<double> centroid = done.found.centroids.centroid(language, 1);
    for (std::size_t i = 0; i < last.size(); ++i) EXPECT_NEAR(centroid[i], last[i], 1e-4);
  }
}

TEST(analysis, silencing_tells_what_gradients_estimate) {
  const analysis_result done =
      analyse_tiny(five_lines(), {.silenced = 12, .silenced_windows = 5, .seed = 4, .threads = 1});
  for (const analysed_language& one : done.languages) {
    ASSERT_EQ(one.silenced.size(), 12u);
    for (const silencing& each : one.silenced) {
      EXPECT_GT(each.exact, 0);
      EXPECT_LE(each.first_order, each.by_token);
      const std::vector<double> scores = done.found.importance.of_neurons(one.language, {each.neuron.layer, "hidden"});
      EXPECT_NEAR(each.by_token, scores[to_size(each.neuron.neuron)], 1e-9);
    }
    EXPECT_GT(agreement_of(one.silenced).first_order.spearman, 0.8);
  }
  const std::vector<silencing> all = draw_neurons(done.sizes, 1000, 1);
  EXPECT_EQ(length(all), done.sizes.layers * done.sizes.neurons);
  const std::vector<silencing> same = draw_neurons(done.sizes, 12, 4);
  for (std::size_t i = 0; i < same.size(); ++i) {
    EXPECT_EQ(done.languages[2].silenced[i].neuron.layer, same[i].neuron.layer);
    EXPECT_EQ(done.languages[2].silenced[i].neuron.neuron, same[i].neuron.neuron);
  }
}

TEST(analysis, is_the_same_for_any_number_of_threads) {
  const auto run = [](index_t threads) {
    return analyse_tiny(five_lines(), {.silenced = 3, .silenced_windows = 2, .threads = threads});
  };
  const analysis_result one = run(1), three = run(3);
  EXPECT_EQ(one.found.importance, three.found.importance);
  EXPECT_EQ(one.found.centroids, three.found.centroids);
  EXPECT_EQ(one.found.firing, three.found.firing);
  EXPECT_EQ(one.found.magnitudes, three.found.magnitudes);
  EXPECT_EQ(one.measure, three.measure);
  EXPECT_EQ(analysis_json(one, {}), analysis_json(three, {}));
}

TEST(analysis, writes_a_report_with_definitions_and_every_figure) {
  const analysis_result done = analyse_tiny(
      five_lines(), {.order = line_order::parallel, .windows = 3, .silenced = 4, .silenced_windows = 1, .threads = 1});
  const temporary_directory folder;
  save_analysis(done, {.command = "unravel analyse tiny.gguf", .path = "tiny.gguf"}, folder / "");
  const std::string report = read_text_file(folder / "report.md");
  expect_says(report, {"unravel analyse tiny.gguf", "Line i of each text translates line i", "tokens/character",
                       "tokens against aa", "'z' 100 %", "nats a line", "first order", "middle layer, after block 0",
                       "own neurons", "arXiv 2408.06273"});
  const json_value figures = read_json(folder / "analysis.json");
  EXPECT_EQ(figures["texts"].size(), 3u);
  EXPECT_EQ(figures["texts"][1]["lines"], 3);
  EXPECT_EQ(figures["components"].size(), 3u * 2 * 8);
  EXPECT_EQ(figures["silenced"][0]["neurons"].size(), 4u);
  EXPECT_EQ(figures["similarity"].size(), 3u);
  EXPECT_EQ(figures["similarity"][0]["cosines"][1][2], figures["similarity"][0]["cosines"][2][1]);
  const std::string rows = read_text_file(folder / "neurons.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1 + 3 * 2 * 64);
  EXPECT_EQ(figures["similarity"][0]["name"], "embedding");
  EXPECT_EQ(figures["similarity"][2]["name"], "after block 1");
  for (const char* picture : {"importance.svg", "shares.svg", "similarity.svg", "similarity_by_layer.svg"}) {
    EXPECT_TRUE(read_text_file(folder / picture).starts_with("<")) << picture;
  }
  const analysis_result alone =
      analyse_tiny({.name = "one", .texts = {five_lines().texts[0]}}, {.windows = 2, .silenced = 0, .threads = 1});
  const std::string summary = analysis_report{alone, {}}.summary();
  EXPECT_EQ(summary.find("silenced"), std::string::npos);
  EXPECT_EQ(summary.find("tokens against"), std::string::npos);
  EXPECT_NE(to_svg(similarity_map(alone)).find("aa"), std::string::npos);
}

/// Both files say the mean over tokens: that of a layer's rows in the one is the number of the layer in the other.
TEST(analysis, says_the_same_magnitude_in_both_files) {
  const analysis_result done = analyse_tiny(five_lines(), {.windows = 3, .silenced = 0, .threads = 1});
  const json_value layers = analysis_json(done, {})["layers"];
  const std::string csv = neurons_csv(done);
  std::vector<double> sums(layers.size(), 0.0);
  const line_list rows = lines_of(csv);
  for (std::size_t row = 1; row < rows.size(); ++row) {
    std::string_view cell = rows[row];
    for (int skipped = 0; skipped < 5; ++skipped) cell.remove_prefix(cell.find(',') + 1);
    const double magnitude = std::stod(std::string{cell});
    const double peak = std::stod(std::string{cell.substr(cell.find(',') + 1)});
    EXPECT_LE(magnitude, peak) << "a mean is at most the largest";
    sums[(row - 1) / to_size(done.sizes.neurons)] += magnitude;
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double of_layer = layers[i]["hidden_magnitude"];
    EXPECT_NEAR(sums[i] / static_cast<double>(done.sizes.neurons), of_layer, 1e-6 * of_layer);
  }
  const layer_neurons& found = done.found.magnitudes[1].of(0);
  EXPECT_EQ(mean_magnitude(found, 3), found[3].sum / static_cast<double>(done.found.firing.tokens("bb")));
}

TEST(analysis, tables_end_with_the_mean_and_the_deviation_between_languages) {
  const analysis_result done =
      analyse_tiny(five_lines(), {.windows = 3, .silenced = 6, .silenced_windows = 2, .threads = 1});
  const auto expect_spread = [](const table& made, std::size_t column, const std::vector<double>& of, int decimals) {
    ASSERT_EQ(made.rows.size(), 5u);
    EXPECT_EQ(made.rows[3][0], "mean");
    EXPECT_EQ(made.rows[4][0], "deviation between languages");
    const double mean = (of[0] + of[1] + of[2]) / 3;
    const double squares = std::pow(of[0] - mean, 2) + std::pow(of[1] - mean, 2) + std::pow(of[2] - mean, 2);
    EXPECT_EQ(made.rows[2][column], shown(of[2], decimals));
    EXPECT_EQ(made.rows[3][column], shown(mean, decimals));
    EXPECT_EQ(made.rows[4][column], shown(std::sqrt(squares / 2), decimals));
    EXPECT_EQ(made.rows[3].size(), made.columns.size());
    EXPECT_EQ(made.rows[4].back(), "");
  };
  const component_importance& found = done.found.importance;
  std::vector<double> mlp, importance, first_order, error, by_token;
  for (index_t language = 0; language < 3; ++language) {
    double part = 0;
    for (const char* name : {"gate", "up", "hidden", "down"}) part += found.of_component(language, {1, name});
    mlp.push_back(100 * part / found.of_layer(language, 1));
    importance.push_back(found.of_layer(language, 1, importance_per_token));
    const estimates each = agreement_of(done.languages[to_size(language)].silenced);
    first_order.push_back(each.first_order.spearman);
    error.push_back(each.first_order.relative_error);
    by_token.push_back(each.by_token.spearman);
  }
  expect_spread(mlp_share_table(done), 2, mlp, 1);
  const table layers = layers_table(
      done, 2, [&](index_t language, index_t layer) { return found.of_layer(language, layer, importance_per_token); });
  expect_spread(layers, 2, importance, 2);
  const table silenced = silencing_table(done);
  expect_spread(silenced, 2, first_order, 3);
  expect_spread(silenced, 3, error, 3);
  expect_spread(silenced, 4, by_token, 3);
  EXPECT_EQ(silenced.rows[3][1], "");
  expect_says(analysis_report{done, {}}.markdown(),
              {"| deviation between languages", to_markdown(layers), to_markdown(mlp_share_table(done))});
  const analysis_result alone =
      analyse_tiny({.name = "one", .texts = {five_lines().texts[0]}}, {.windows = 2, .silenced = 3, .threads = 1});
  EXPECT_EQ(silencing_table(alone).rows.size(), 1u);
  EXPECT_EQ(mlp_share_table(alone).rows.size(), 1u);
}

/// The library's pictures, with rows and notes of this analysis.
TEST(analysis, draws_what_the_library_draws) {
  const analysis_result done = analyse_tiny(five_lines(), {.windows = 3, .silenced = 0, .threads = 1});
  const heat_map alike = similarity_map(done), important = importance_map(done);
  EXPECT_EQ(alike.title, "How alike languages are after block 0");
  EXPECT_EQ(in_states(0), "in the embedding");
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(alike.groups[0].rows[row].values, done.found.centroids.cosines(1)[row]);
    EXPECT_TRUE(alike.groups[0].rows[row].name.starts_with(done.names()[row] + " ("));
    EXPECT_TRUE(important.groups[0].rows[row].name.ends_with(" tokens/char.)"));
    const double last = done.found.importance.of_layer(done.names()[row], 1, importance_per_token);
    EXPECT_EQ(important.groups[0].rows[row].values.at(1), last);
  }
  EXPECT_EQ(alike.notes.size(), 2u);
  const line_chart chart = similarity_chart(done);
  EXPECT_EQ(chart.series[0].points.front().x, -1);
  EXPECT_EQ(chart.series[0].points.back().x, 1);
}

TEST(analysis, shows_tokens_that_are_no_characters_by_their_bytes) {
  EXPECT_EQ(shown_piece("."), "'.'");
  EXPECT_EQ(shown_piece("\xe3\x80\x82"), "'\xe3\x80\x82'");
  EXPECT_EQ(shown_piece("\x82"), "<82>");
  EXPECT_EQ(shown_piece("\n"), "<0A>");
}

}  // namespace
