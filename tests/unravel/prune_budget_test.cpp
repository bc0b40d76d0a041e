// Budgets by layer: totals are those of the same rate everywhere, rates stay within their bounds, and levels are what
// plain loops make of scores and activations.
#include "samples.hpp"

#include <unravel/calibrate.hpp>
#include <unravel/prune_report.hpp>
#include <unravel/prune_words.hpp>
#include <unravel/prune_written.hpp>

#include <gtest/gtest.h>

#include <numeric>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

prune_plan budget_plan(budget_rule rule, double rate, double lambda) {
  return {.rate = rate, .budget = {.rule = rule, .lambda = lambda}};
}

calibration_corpus budget_samples(std::uint64_t seed) {
  random_source random{seed};
  calibration_corpus made{.name = "made up"};
  for (index_t s = 0; s < 6; ++s) {
    std::vector<engine::token_id>& tokens = made.samples.emplace_back().tokens;
    for (index_t t = 0; t < 8 + s; ++t) tokens.push_back(static_cast<engine::token_id>(3 + random.below(256)));
  }
  return made;
}

TEST(prune_budget, totals_are_exact_and_rates_within_their_bounds) {
  random_source random{91};
  for (index_t round = 0; round < 300; ++round) {
    prune_plan plan = budget_plan(round % 2 == 0 ? budget_rule::owl : budget_rule::level, 0.2 + 0.5 * random.uniform(),
                                  0.15 * random.uniform());
    if (round % 3 == 0) plan.unit = removed_unit::neurons;
    const std::vector<index_t> inputs{20 + random.below(200)};
    std::vector<std::vector<double>> levels;
    for (index_t layer = 1 + random.below(12); layer > 0; --layer) levels.push_back({random.uniform()});
    const auto rates = rates_of(levels, inputs, plan);

    const auto whole = static_cast<double>(inputs[0]);
    const bool masks = plan.unit == removed_unit::weights;
    const auto removed_at = [&](double rate) {
      return masks ? unstructured{.rate = rate}.removed_of(inputs[0]) : rounded_share(rate, inputs[0]);
    };
    index_t total = 0;
    for (const auto& of_layer : rates) {
      total += removed_at(of_layer[0]);
      const double apart = static_cast<double>(removed_at(of_layer[0]) - removed_at(plan.rate)) / whole;
      ASSERT_LE(std::abs(apart), plan.budget.lambda + 1.5 / whole) << "within rate +- lambda, but for whole weights";
    }
    ASSERT_EQ(total, length(levels) * removed_at(plan.rate)) << "as much as with the same rate everywhere";
    for (std::size_t a = 0; a < levels.size(); ++a) {
      for (std::size_t b = 0; b < levels.size(); ++b) {
        if (levels[a][0] > levels[b][0]) {
          ASSERT_LE(rates[a][0], rates[b][0]) << "the more goes on, the less goes";
        }
      }
    }
  }
}

TEST(prune_budget, one_layer_is_as_far_from_the_rate_as_lambda_says) {
  const auto rates = rates_of({{0}, {1}, {11}}, {1000}, budget_plan(budget_rule::owl, 0.5, 0.1));  // mean 4
  EXPECT_EQ(unstructured{.rate = rates[2][0]}.removed_of(1000), 400);
  EXPECT_EQ(unstructured{.rate = rates[0][0]}.removed_of(1000), 557) << "0.5 + 0.1 * 4 / 7";
  EXPECT_EQ(unstructured{.rate = rates[1][0]}.removed_of(1000), 543) << "0.5 + 0.1 * 3 / 7";
}

TEST(prune_budget, equal_levels_are_uniform) {
  for (const budget_rule rule : {budget_rule::owl, budget_rule::level}) {
    for (const double rate : {0.1, 0.29, 0.3, 0.5, 0.77}) {
      prune_plan plan = budget_plan(rule, rate, 0.08);
      const std::vector<index_t> inputs{100, 64, 7};
      for (const auto& of_layer : rates_of({{3}, {3}, {3}, {3}}, inputs, plan)) {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          EXPECT_EQ(unstructured{.rate = of_layer[i]}.removed_of(inputs[i]),
                    unstructured{.rate = rate}.removed_of(inputs[i]));
        }
      }
      plan.unit = removed_unit::neurons;
      for (const auto& of_layer : rates_of({{3}, {3}, {3}, {3}}, {33}, plan)) {
        EXPECT_EQ(rounded_share(of_layer[0], 33), rounded_share(rate, 33));
      }
    }
  }
}

TEST(prune_budget, levels_are_those_of_plain_loops) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const calibration_corpus texts = budget_samples(92);
  prune_plan plan = budget_plan(budget_rule::owl, 0.5, 0.1);
  plan.budget.multiple = 2;  // the tiny model has no score above five means
  const layer_rates by_block = rates_of(weights, texts, plan);
  plan.budget.unit = budget_unit::matrix;
  const layer_rates by_matrix = rates_of(weights, texts, plan);
  const layer_rates by_size = rates_of(weights, texts, budget_plan(budget_rule::level, 0.5, 0.1));

  calibration_stream read{weights, texts};
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    block_inputs heard = listeners_for(weights, {.error_positions = 1 << 20}, read);  // keeps every position
    read.pass(weights.block(layer), weights.ffn(layer), &heard);
    read.advance();
    const auto& block = weights.block(layer);
    const auto& ffn = weights.ffn(layer);
    std::vector<double> all;
    std::size_t matrix = 0;
    const auto check = [&](matrix_view<const float> w, const overheard_inputs& x) {
      const std::vector<double> scores = scores_of(w, wanda{x.moments()});
      EXPECT_NEAR(by_matrix.levels[to_size(layer)][matrix++], outlier_level(scores, 2), 1e-12);
      all.insert(all.end(), scores.begin(), scores.end());
    };
    check(block.query, heard.attention);
    check(block.key, heard.attention);
    check(block.value, heard.attention);
    check(block.output, heard.attended);
    check(ffn.gate, heard.tokens);
    check(ffn.up, heard.tokens);
    check(ffn.down, heard.hidden);
    ASSERT_EQ(by_matrix.levels[to_size(layer)].size(), matrix);
    EXPECT_GT(outlier_level(all, 2), 0);
    EXPECT_NEAR(by_block.levels[to_size(layer)].front(), outlier_level(all, 2), 1e-12);

    const matrix_view<const float> hidden = heard.hidden.kept();
    double squares = 0;
    for (index_t t = 0; t < hidden.rows(); ++t) {
      for (index_t j = 0; j < hidden.columns(); ++j) squares += static_cast<double>(hidden(t, j) * hidden(t, j));
    }
    const double expected = std::sqrt(squares / static_cast<double>(hidden.rows() * hidden.columns()));
    EXPECT_NEAR(by_size.levels[to_size(layer)].front(), expected, 1e-5 * expected);
  }
}

TEST(prune_budget, a_model_loses_as_much_as_with_the_same_rate_everywhere) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const calibration_corpus texts = budget_samples(93);
  const auto removed_by = [&](const prune_plan& plan) { return prune_model(weights, {.samples = texts}, plan).report; };
  for (const score_rule score : {score_rule::wanda, score_rule::magnitude, score_rule::random}) {
    const std::uint64_t all = removed_by({.score = score, .rate = 0.4}).masks.removed;
    for (const budget_unit unit : {budget_unit::block, budget_unit::matrix}) {
      const prune_plan plan{.score = score,
                            .rate = 0.4,
                            .budget = {.rule = budget_rule::owl, .unit = unit, .lambda = 0.2, .multiple = 2}};
      const pruned_model_report done = removed_by(plan);
      EXPECT_EQ(done.masks.removed, all);
      bool differs = false;
      for (std::size_t m = 0; m < 7; ++m) {
        const weight_mask &first = done.layers[0].matrices[m].mask, &second = done.layers[1].matrices[m].mask;
        for (const weight_mask* mask : {&first, &second}) {
          for (index_t row = 0; row < mask->outputs; ++row) ASSERT_EQ(mask->removed(row), mask->removed(0));
        }
        const std::size_t level = unit == budget_unit::block ? 0 : m;
        differs = differs || first.removed(0) != second.removed(0);
        if (done.layers[0].levels[level] > done.layers[1].levels[level]) {
          EXPECT_LE(first.removed(0), second.removed(0));
        }
      }
      EXPECT_TRUE(differs) << "levels differ";
    }
  }
}

TEST(prune_budget, unequal_layers_are_written_padded_and_score_alike) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const std::string target = file.directory() / "uneven.gguf";
  prune_plan plan = budget_plan(budget_rule::level, 0.5, 0.2);
  plan.unit = removed_unit::neurons;
  const pruned_model done = prune_model(weights, {.samples = budget_samples(94)}, plan);
  EXPECT_EQ(done.model.ffn(0).neurons() + done.model.ffn(1).neurons(), weights.sizes().neurons);
  EXPECT_NE(done.model.ffn(0).neurons(), done.model.ffn(1).neurons());
  const prune_outcome files = write_pruned(done, target);
  EXPECT_EQ(files.padded_layers, 1);
  EXPECT_LT(files.bytes_after, files.bytes_before);
  const engine::model<float> written{target};
  const engine::tokenizer words{weights.file()};
  const auto bits = [&](const auto& model) {
    using model_type = std::decay_t<decltype(model)>;
    engine::session<model_type> read{model};
    whole_feed_forward<model_type> ffn{model};
    return score_windows(read, windows_of(random_text(6, 120), words, window_tokens(weights.sizes())), ffn)
        .bits_per_byte();
  };
  EXPECT_NEAR(bits(written), bits(done.model), 1e-6);
  EXPECT_NE(done.report.plan.find("level by block, lambda 0.2"), std::string::npos);
  EXPECT_EQ(layer_table(done.report).columns.back().name, "level");
  EXPECT_EQ(prune_json(done.report, files)["layers"][1]["levels"].size(), 1u);
}

TEST(prune_budget, words_and_what_does_not_go_together) {
  prune_words asked;
  asked.score = "wanda";
  asked.rate = 0.5;
  asked.budget = "owl";
  asked.per = "matrix";
  const prune_plan plan = plan_of(asked);
  EXPECT_EQ(to_string(plan.budget), "owl by matrix, lambda 0.08, above 5 means");
  EXPECT_EQ(to_string(layer_budget{}), "uniform");
  const auto says = [](prune_words words, std::initializer_list<std::string_view> expected) {
    expect_says(message_of<setting_error>([&] { plan_of(words); }), expected);
  };
  prune_words wrong = asked;
  wrong.budget = "best";
  says(wrong, {"--budget", "uniform, owl or level", "best"});
  wrong.budget = "level";
  says(wrong, {"--per", "--budget owl"});
  wrong.per = "row";
  says(wrong, {"--per", "block or matrix", "row"});
  wrong = asked;
  wrong.plan.unit = removed_unit::neurons;
  says(wrong, {"--per", "single weights"});
  wrong = asked;
  wrong.rate = {};
  wrong.groups = "2:4";
  says(wrong, {"--budget", "--nm"});
  wrong = asked;
  wrong.plan.budget.lambda = 0.6;
  says(wrong, {"--lambda", "from 0 to 0.5"});
  wrong = asked;
  wrong.plan.budget.multiple = 0;
  says(wrong, {"--above"});
}

}  // namespace
