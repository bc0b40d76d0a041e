// Pruning by texts: what is overheard is what the dense model computes, masks and cuts are those of plain code, and a
// file scores as the model in memory.
#include "samples.hpp"

#include <unravel/calibrate.hpp>
#include <unravel/prune_written.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

calibration_corpus random_samples(std::uint64_t seed, index_t count = 6) {
  random_source random{seed};
  calibration_corpus made{.name = "made up " + std::to_string(seed)};
  for (index_t s = 0; s < count; ++s) {
    calibration_sample& sample = made.samples.emplace_back();
    for (index_t t = 0; t < 5 + s; ++t) {
      sample.tokens.push_back(static_cast<engine::token_id>(3 + random.below(256)));
    }
  }
  return made;
}

template <class Model>
double bits_of(const Model& weights, const engine::model<float>& base) {
  const engine::tokenizer words{base.file()};
  engine::session<Model> read{weights};
  whole_feed_forward<Model> ffn{weights};
  return score_windows(read, windows_of(random_text(5, 120), words, window_tokens(base.sizes())), ffn).bits_per_byte();
}

std::vector<float> numbers_of(matrix_view<const float> from) {
  return {from.data(), from.data() + from.rows() * from.columns()};
}

/// Hears the inputs of one layer's feed-forward while a session reads the whole dense model.
struct plain_listener {
  const engine::model<float>* weights;
  index_t wanted;
  std::vector<double> squares = {};
  whole_feed_forward<engine::model<float>> rest{*weights};

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    if (layer == wanted) {
      squares.resize(to_size(tokens.columns()), 0.0);
      for (index_t t = 0; t < tokens.rows(); ++t) {
        for (index_t j = 0; j < tokens.columns(); ++j) {
          squares[to_size(j)] += static_cast<double>(tokens(t, j)) * static_cast<double>(tokens(t, j));
        }
      }
    }
    rest(layer, tokens, residual);
  }
};

TEST(calibrate, overhears_what_the_dense_model_computes) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const calibration_corpus texts = random_samples(1);
  calibration_stream read{weights, texts};
  for (index_t layer = 0; layer < 2; ++layer) {
    block_inputs heard = listeners_for(weights, {.score = score_rule::sparsegpt}, read);
    read.pass(weights.block(layer), weights.ffn(layer), &heard);
    read.advance();

    engine::session<engine::model<float>> plain{weights};
    plain_listener listen{.weights = &weights, .wanted = layer};
    for (const calibration_sample& sample : texts.samples) {
      plain.rewind(0);
      plain(sample.tokens, listen);
    }
    for (index_t j = 0; j < weights.sizes().width; ++j) {
      const double expected = listen.squares[to_size(j)] / 6;
      EXPECT_NEAR(heard.tokens.moments().mean_square(j), expected, 1e-5 * expected);
      EXPECT_NEAR(heard.tokens.hessian()(j, j), 2 * expected, 2e-5 * expected);
    }
    EXPECT_EQ(heard.tokens.moments().read().samples(), 6u);
    EXPECT_EQ(heard.tokens.moments().read().positions(), 45u);
    EXPECT_EQ(heard.attended.kept().columns(), weights.sizes().query_width());
    EXPECT_EQ(heard.hidden.kept().columns(), weights.sizes().neurons);
  }
}

TEST(calibrate, padding_is_heard_in_reference_mode_only) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  calibration_corpus bare = random_samples(2, 3), filled = bare;
  for (calibration_sample& sample : filled.samples) {
    sample.padding = 4;
    sample.tokens.insert(sample.tokens.end(), 4, 0);
  }
  const auto masks = [&](const calibration_corpus& texts, padding_rule rule) {
    return prune_model(weights, {.samples = texts}, {.padding = rule}).report;
  };
  const pruned_model_report without = masks(bare, padding_rule::masked), with = masks(filled, padding_rule::masked);
  for (std::size_t m = 0; m < 7; ++m) {
    EXPECT_EQ(without.layers[1].matrices[m].mask, with.layers[1].matrices[m].mask);
    EXPECT_NEAR(without.layers[1].matrices[m].error, with.layers[1].matrices[m].error, 1e-6);
  }
  EXPECT_EQ(with.read.positions(), 18u);
  EXPECT_EQ(masks(filled, padding_rule::reference).read.positions(), 30u);
}

TEST(calibrate, one_shot_and_sequential_part_at_the_second_block) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  for (const score_rule score : {score_rule::wanda, score_rule::sparsegpt}) {
    prune_plan plan{.score = score, .rate = 0.6};
    const pruned_model once = prune_model(weights, {.samples = random_samples(3)}, plan);
    plan.pass = pruning_pass::sequential;
    const pruned_model again = prune_model(weights, {.samples = random_samples(3)}, plan);
    ASSERT_EQ(once.report.layers[0].matrices.size(), 7u);
    bool differs = false;
    for (std::size_t m = 0; m < 7; ++m) {
      EXPECT_EQ(once.report.layers[0].matrices[m].mask, again.report.layers[0].matrices[m].mask);
      differs = differs || once.report.layers[1].matrices[m].mask != again.report.layers[1].matrices[m].mask;
    }
    EXPECT_EQ(once.model.changed(0).ffn.down, again.model.changed(0).ffn.down);
    EXPECT_TRUE(differs);
  }
}

TEST(calibrate, masks_are_exact_and_of_the_dense_weights) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  for (const score_rule score : {score_rule::magnitude, score_rule::wanda, score_rule::random}) {
    const pruned_model done = prune_model(weights, {.samples = random_samples(4)}, {.score = score, .rate = 0.3});
    for (index_t layer = 0; layer < 2; ++layer) {
      const auto& matrices = done.report.layers[to_size(layer)].matrices;
      const weight_mask& down = matrices.back().mask;
      for (index_t row = 0; row < down.outputs; ++row) EXPECT_EQ(down.removed(row), 19);  // floor(64 * 0.3)
      std::vector<float> expected = numbers_of(weights.ffn(layer).down);
      for (std::size_t i = 0; i < expected.size(); ++i) expected[i] *= down.kept[i] != 0 ? 1.0f : 0.0f;
      EXPECT_EQ(done.model.changed(layer).ffn.down, expected);
      for (const masked_matrix& one : matrices) {
        EXPECT_GT(one.error, 0) << one.name;
        EXPECT_LT(one.error, 1) << one.name;
      }
    }
    EXPECT_EQ(done.report.masks.matrices, 14u);
  }
  const pruned_model part =
      prune_model(weights, {.samples = random_samples(4)}, {.groups = n_of_m{}, .reach = pruned_reach::feed_forward});
  EXPECT_EQ(part.report.masks.matrices, 6u);
  EXPECT_EQ(2 * part.report.masks.removed, part.report.masks.weights);
  EXPECT_EQ(part.model.changed(1).query, numbers_of(weights.block(1).query));
}

TEST(calibrate, sparsegpt_and_wanda_beat_lots) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const auto error = [&](score_rule score) {
    const pruned_model done = prune_model(weights, {.samples = random_samples(5, 12)}, {.score = score});
    return done.report.layers[0].matrices[5].error;
  };
  EXPECT_LT(error(score_rule::sparsegpt), error(score_rule::wanda));
  EXPECT_LT(error(score_rule::wanda), error(score_rule::random));
}

TEST(calibrate, the_ratio_needs_its_second_text) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const prune_plan ratio{.score = score_rule::wanda_ratio, .pass = pruning_pass::sequential};
  const pruned_model done = prune_model(weights, {.samples = random_samples(6), .against = random_samples(7)}, ratio);
  EXPECT_EQ(done.report.layers[1].matrices[0].mask.score, "wanda_ratio(made up 6 over made up 7)");
  const pruned_model other = prune_model(weights, {.samples = random_samples(6)}, {});
  EXPECT_NE(done.report.layers[0].matrices[0].mask.kept, other.report.layers[0].matrices[0].mask.kept);
  expect_says(message_of<setting_error>([&] { prune_model(weights, {.samples = random_samples(6)}, ratio); }),
              {"samples", "at least one"});
}

/// The dense weights with zeros where neurons went.
changed_model masked_twin(const engine::model<float>& weights, const pruned_model_report& report) {
  changed_model twin{weights};
  for (index_t layer = 0; layer < twin.layers(); ++layer) {
    const std::vector<index_t>& kept = report.layers[to_size(layer)].kept_neurons;
    owned_ffn<float>& ffn = twin.change(layer).ffn;
    for (index_t neuron = 0; neuron < ffn.neurons; ++neuron) {
      if (std::binary_search(kept.begin(), kept.end(), neuron)) continue;
      for (index_t i = 0; i < ffn.width; ++i) ffn.down[to_size(i * ffn.neurons + neuron)] = 0;
    }
  }
  return twin;
}

TEST(calibrate, what_is_cut_out_scores_like_what_is_masked) {
  for (const gguf_type type : {gguf_type::f32, gguf_type::bf16, gguf_type::q8_0}) {
    const model_file file{type};
    const engine::model<float> weights{file.path()};
    const std::string target = file.directory() / "small.gguf";
    // 64 neurons in 6 experts of 11 and 10: layers may be left unequally wide
    for (const prune_plan& plan : {prune_plan{.rate = 0.25, .unit = removed_unit::neurons},
                                   prune_plan{.rate = 0.5, .unit = removed_unit::experts, .experts = 6}}) {
      const pruned_model done = prune_model(weights, {.samples = random_samples(8)}, plan);
      const double masked = bits_of(masked_twin(weights, done.report), weights);
      EXPECT_NEAR(bits_of(done.model, weights), masked, 1e-5);
      const prune_outcome files = write_pruned(done, target);
      const engine::model<float> written{target};
      EXPECT_NEAR(bits_of(written, written), masked, 1e-5);
      EXPECT_EQ(written.file().get<std::string>("fissile.pruned"), done.report.plan);
      EXPECT_LT(files.parameters_after, files.parameters_before);
      if (type != gguf_type::q8_0) {
        EXPECT_LT(files.bytes_after, files.bytes_before);
        EXPECT_EQ(written.file().tensor(ffn_tensor(0, "up")).type, type);
      }
      if (plan.unit == removed_unit::neurons) {
        EXPECT_EQ(written.sizes().neurons, 48);
        EXPECT_EQ(files.padded_layers, 0);
      }
    }
  }
}

TEST(calibrate, masks_save_no_byte_and_are_written_as_they_are) {
  for (const gguf_type type : {gguf_type::f32, gguf_type::f16}) {
    const model_file file{type};
    const engine::model<float> weights{file.path()};
    const std::string target = file.directory() / "masked.gguf";
    const pruned_model done = prune_model(weights, {.samples = random_samples(9)}, {.rate = 0.5});
    const prune_outcome files = write_pruned(done, target);
    EXPECT_EQ(files.parameters_before, files.parameters_after);
    EXPECT_LT(files.bytes_after, files.bytes_before + 128);  // the key that says how it was pruned
    const engine::model<float> written{target};
    for (index_t layer = 0; layer < 2; ++layer) {
      EXPECT_EQ(numbers_of(written.ffn(layer).gate), done.model.changed(layer).ffn.gate);
      EXPECT_EQ(numbers_of(written.block(layer).key), done.model.changed(layer).key);
      EXPECT_EQ(numbers_of(written.block(layer).query), done.model.changed(layer).query);
    }
    EXPECT_EQ(written.file().tensor(ffn_tensor(1, "down")).type, type);
  }
}

TEST(calibrate, a_refit_of_down_never_harms) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const prune_plan plan{.unit = removed_unit::neurons, .refit = refitting::down};
  const pruned_model done = prune_model(weights, {.samples = random_samples(10, 14)}, plan);
  for (const pruned_layer_report& layer : done.report.layers) {
    ASSERT_TRUE(layer.refitted.has_value());
    EXPECT_LT(layer.refitted->error_after, layer.refitted->error_before);
    // All positions are kept here, so both ways to measure agree.
    EXPECT_NEAR(layer.ffn_error, layer.refitted->error_after, 1e-3);
  }
}

TEST(calibrate, refuses_what_does_not_go_together) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const auto says = [&](const prune_plan& plan, const calibration_corpus& texts,
                        std::initializer_list<std::string_view> words) {
    expect_says(message_of<setting_error>([&] { prune_model(weights, {.samples = texts}, plan); }), words);
  };
  const calibration_corpus texts = random_samples(11, 2);
  says({.groups = n_of_m{}, .unit = removed_unit::neurons}, texts, {"--nm"});
  says({.score = score_rule::sparsegpt, .unit = removed_unit::neurons}, texts, {"--score", "--refit"});
  says({.refit = refitting::down}, texts, {"--refit", "--neurons"});
  says({.rate = 1.5}, texts, {"rate"});
  says({}, {.name = "none"}, {"samples", "--text"});
  says({}, {.name = "long", .samples = {{.tokens = std::vector<engine::token_id>(25, 5)}}}, {"from 1 to 24 tokens"});
  says({}, {.name = "odd", .samples = {{.tokens = {4, 999}}}}, {"words from 0 to 258", "999"});
  says({}, {.name = "pads", .samples = {{.tokens = {4, 5}, .padding = 2}}}, {"to pad"});
}

}  // namespace
