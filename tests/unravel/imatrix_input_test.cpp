// A model pruned by an importance matrix loses what it loses by the texts that were measured.
#include "unravel/samples.hpp"

#include <unravel/calibrate.hpp>
#include <unravel/convert_plan.hpp>
#include <unravel/imatrix_input.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fissile::unravel {
namespace {

struct measured_model {
  testing::model_file file;
  engine::model<float> weights{file.path()};
  calibration_corpus texts;

  measured_model() {
    random_source random{4};
    texts.name = "made up";
    for (const index_t length : {9, 16, 12}) {
      calibration_sample& sample = texts.samples.emplace_back();
      for (index_t i = 0; i < length; ++i) {
        sample.tokens.push_back(static_cast<engine::token_id>(random.below(weights.vocabulary())));
      }
    }
  }
  imatrix written_and_read() const {
    const std::string path = file.directory() / "seen.gguf";
    write_imatrix(path, measure_imatrix(weights, texts));
    return read_imatrix(path);
  }
};

TEST(imatrix_input, all_matrices_of_all_blocks_are_measured) {
  const measured_model model;
  const imatrix seen = model.written_and_read();
  EXPECT_EQ(length(seen.entries), 7 * model.weights.sizes().layers);
  EXPECT_EQ(seen.chunks, 3u);
  EXPECT_EQ(seen.chunk_tokens, 16u);
  for (const auto& [name, entry] : seen.entries) EXPECT_EQ(entry.counts, std::vector<double>{37}) << name;
}

TEST(imatrix_input, the_same_weights_and_neurons_go) {
  const measured_model model;
  const imatrix seen = model.written_and_read();
  const prune_plan weights_go{.rate = 0.5}, neurons_go{.rate = 0.25, .unit = removed_unit::neurons};
  for (const prune_plan& plan : {weights_go, neurons_go}) {
    const pruned_model by_texts = prune_model(model.weights, calibration_texts{.samples = model.texts}, plan);
    const pruned_model by_sums = prune_model(model.weights, seen, plan);
    EXPECT_EQ(by_sums.report.plan, by_texts.report.plan);
    EXPECT_EQ(by_sums.report.read.positions(), 37u);
    for (std::size_t layer = 0; layer < by_texts.report.layers.size(); ++layer) {
      const pruned_layer_report &expected = by_texts.report.layers[layer], &got = by_sums.report.layers[layer];
      ASSERT_EQ(got.matrices.size(), expected.matrices.size());
      for (std::size_t i = 0; i < got.matrices.size(); ++i) {
        EXPECT_EQ(got.matrices[i].mask.kept, expected.matrices[i].mask.kept) << got.matrices[i].name;
      }
      EXPECT_EQ(got.kept_neurons, expected.kept_neurons);
      EXPECT_TRUE(std::isnan(got.ffn_error)) << "measured on nothing";
    }
  }
}

TEST(imatrix_input, the_busiest_neurons_come_first) {
  const measured_model model;
  const imatrix seen = model.written_and_read();
  planning how{.experts = 4, .active = 4, .split = split_rule::importance};
  how.measured = seen;
  for (index_t layer = 0; layer < model.weights.sizes().layers; ++layer) {
    const partition split = split_layer_by(how, model.weights.ffn(layer), {}, layer);
    const std::vector<double> worked = seen.at(block_weight(layer, "ffn_down")).squares;
    double least = std::numeric_limits<double>::infinity();  // of the experts before
    for (index_t e = 0; e < split.experts(); ++e) {
      double here = least;
      for (const index_t neuron : split.expert(e)) {
        EXPECT_LE(worked[to_size(neuron)], least);
        here = std::min(here, worked[to_size(neuron)]);
      }
      least = here;
    }
  }
}

TEST(imatrix_input, what_sums_of_squares_cannot_tell_is_refused) {
  const measured_model model;
  const imatrix seen = model.written_and_read();
  for (const prune_plan& plan :
       {prune_plan{.score = score_rule::sparsegpt}, prune_plan{.pass = pruning_pass::sequential},
        prune_plan{.unit = removed_unit::neurons, .refit = refitting::down},
        prune_plan{.budget = {.rule = budget_rule::owl}}}) {
    EXPECT_THROW(prune_model(model.weights, seen, plan), setting_error);
  }
}

TEST(imatrix_input, layers_that_were_not_measured_are_listed_and_other_models_refused) {
  const measured_model model;
  imatrix seen = model.written_and_read();
  imatrix other = seen;
  seen.entries.erase("blk.1.attn_output.weight");
  seen.entries.erase("blk.1.ffn_down.weight");
  try {
    prune_model(model.weights, seen, {});
    FAIL() << "not refused";
  } catch (const file_error& refusal) {
    EXPECT_NE(std::string{refusal.what()}.find("blk.1.attn_output.weight, blk.1.ffn_down.weight"), std::string::npos);
  }
  other.entries["blk.0.ffn_down.weight"] = {.inputs = 2, .squares = {1, 1}, .counts = {1}};
  EXPECT_THROW(prune_model(model.weights, other, {}), shape_error);
}

}  // namespace
}  // namespace fissile::unravel
