// Samples on their way through a model, block by block: what each block is handed may be overheard, and the states
// that leave it are kept for the next one.
#pragma once

#include "calibrate_block.hpp"
#include "score.hpp"

#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// A text that the model reads from its beginning.
struct calibration_sample {
  std::vector<engine::token_id> tokens;
  index_t padding = 0;  // so many of them, at the end, only fill up
};

struct calibration_corpus {
  std::string name = {};  // said in every report
  std::vector<calibration_sample> samples = {};
};

/// The states of all samples before a block, and those after it; 8 width bytes a position.
class calibration_stream {
public:
  /// Throws setting_error where there is no sample, or one that is empty, has words that the model does not know, or
  /// does not fit into its context.
  calibration_stream(const engine::model<float>& weights, const calibration_corpus& corpus)
      : sizes_(weights.sizes()), corpus_(corpus.name) {
    if (corpus.samples.empty()) {
      fail<setting_error>({.argument = "calibration: samples",
                           .expected = "at least one",
                           .got = "none",
                           .cure = "give a longer text with --text en=FILE"});
    }
    for (const calibration_sample& sample : corpus.samples) {
      check(sample, weights.vocabulary());
      std::vector<float>& states = states_.emplace_back();
      for (const engine::token_id token : sample.tokens) {
        const vector_view<const float> row = weights.embedding().row(token);
        states.insert(states.end(), row.begin(), row.end());
      }
      std::vector<char>& padding = padding_.emplace_back(sample.tokens.size(), char{0});
      std::fill(padding.end() - sample.padding, padding.end(), char{1});
      positions_ += length(sample.tokens);
      longest_ = std::max(longest_, length(sample.tokens));
    }
    after_.resize(states_.size());
  }

  index_t positions() const noexcept { return positions_; }
  const std::string& corpus() const noexcept { return corpus_; }

  /// Reads all samples with a block; `to` hears the inputs of its matrices, or nobody does. What was read of a
  /// sample does not depend on other samples.
  void pass(const engine::block_weights& block, const ffn_weights<float>& ffn, block_inputs* to = nullptr) {
    block_model alone{sizes_, block, to};
    engine::session<block_model> read{alone,
                                      {.context = longest_, .batch = std::min(longest_, tokens_at_once), .scored = 1}};
    std::vector<engine::token_id> numbers(to_size(longest_));
    std::iota(numbers.begin(), numbers.end(), engine::token_id{0});
    const auto add_feed_forward = [&](index_t, matrix_view<const float> tokens, matrix_view<float> residual) {
      const matrix_view<const float> hidden = hidden_of_(ffn, tokens);
      if (to != nullptr) {
        to->tokens.add(tokens);
        to->hidden.add(hidden);
      }
      engine::add_linear(hidden, ffn.down, residual);
    };
    for (std::size_t sample = 0; sample < states_.size(); ++sample) {
      const index_t count = length(states_[sample]) / sizes_.width;
      if (to != nullptr) to->each([&](overheard_inputs& one) { one.sample_begin(padding_[sample]); });
      alone.begin({states_[sample].data(), count, sizes_.width});
      std::vector<float>& after = after_[sample];
      after.clear();
      read.rewind(0);
      for (index_t first = 0; first < count; first += read.batch()) {
        const index_t now = std::min(read.batch(), count - first);
        read(vector_view<const engine::token_id>{numbers}.part(first, now), add_feed_forward,
             [&](index_t blocks, matrix_view<const float> states) {
               if (blocks == 1) after.insert(after.end(), states.data(), states.data() + now * sizes_.width);
             });
      }
      if (to != nullptr) to->each([](overheard_inputs& one) { one.sample_end(); });
    }
  }
  /// What the last pass left is what the next block is handed.
  void advance() noexcept { states_.swap(after_); }

private:
  void check(const calibration_sample& sample, index_t vocabulary) const {
    const index_t tokens = length(sample.tokens);
    const auto refuse = [&](std::string expected, std::string got) {
      fail<setting_error>({.argument = "calibration: sample " + std::to_string(states_.size()) + " of " + corpus_,
                           .expected = std::move(expected),
                           .got = std::move(got)});
    };
    if (tokens < 1 || tokens > sizes_.context) {
      refuse("from 1 to " + std::to_string(sizes_.context) + " tokens, the model's context", std::to_string(tokens));
    }
    if (sample.padding < 0 || sample.padding >= tokens) {
      refuse("fewer of its " + std::to_string(tokens) + " tokens to pad", std::to_string(sample.padding));
    }
    for (const engine::token_id token : sample.tokens) {
      if (token < 0 || token >= vocabulary) {
        refuse("words from 0 to " + std::to_string(vocabulary - 1), std::to_string(token));
      }
    }
  }

  engine::architecture sizes_;
  std::string corpus_;
  std::vector<std::vector<float>> states_, after_;  // [samples][positions x width]
  std::vector<std::vector<char>> padding_;          // [samples][positions]
  index_t positions_ = 0, longest_ = 0;
  hidden_activations hidden_of_;
};

}  // namespace fissile::unravel
