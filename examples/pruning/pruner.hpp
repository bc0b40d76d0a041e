// An experiment carried out: the samples are drawn and read, and the model is pruned block after block, each judged by
// inputs that the pruned blocks before it give.
#pragma once

#include "plan.hpp"
#include "reader.hpp"

#include <unravel/calibrate.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::pruning_study {

inline unravel::prune_plan plan_of(const experiment& how) {
  unravel::prune_plan plan{.rate = how.rate,
                           .pass = unravel::pruning_pass::sequential,
                           .padding = padding_rule::masked,
                           .seed = how.seed,
                           .error_positions = 16};  // errors are measured in every language instead
  if (how.how == method::sparsegpt) plan.score = unravel::score_rule::sparsegpt;
  if (how.how == method::magnitude || how.how == method::neurons_magnitude) {
    plan.score = unravel::score_rule::magnitude;
  }
  if (how.how == method::random || how.how == method::neurons_random) plan.score = unravel::score_rule::random;
  if (takes_neurons(how.how)) plan.unit = unravel::removed_unit::neurons;
  if (how.how == method::neurons_refit) plan.refit = unravel::refitting::down;
  return plan;
}

/// What methods read that look at no text: the passes want something.
inline const std::string nothing_to_read = "nothing";

/// Borrows the model.
inline unravel::pruned_model prune(const engine::model<float>& model, const engine::tokenizer& words,
                                   const experiment& how, const std::vector<parallel_page>& pages) {
  const sample_draw draw{.bytes = model.sizes().context - 1, .seed = how.seed};  // a byte is a token at most
  const std::vector<std::string> texts =
      reads_text(how.how) ? draw_samples(how.on, pages, draw) : std::vector{nothing_to_read};
  unravel::calibration_corpus corpus{.name = how.on.name()};
  for (const std::string& text : texts) corpus.samples.push_back({.tokens = opened(words, text)});
  return unravel::prune_model(model, {.samples = corpus}, plan_of(how));
}

/// What stayed: of every weight of every block, or of every neuron, 1 where it did.
inline std::vector<char> kept_of(const unravel::pruned_model& done) {
  std::vector<char> kept;
  for (index_t layer = 0; layer < length(done.report.layers); ++layer) {
    const unravel::pruned_layer_report& one = done.report.layers[to_size(layer)];
    for (const unravel::masked_matrix& matrix : one.matrices) {
      kept.insert(kept.end(), matrix.mask.kept.begin(), matrix.mask.kept.end());
    }
    if (!one.matrices.empty()) continue;
    const std::size_t first = kept.size();
    kept.resize(first + to_size(done.model.base().sizes().neurons), 0);
    for (const index_t neuron : one.kept_neurons) kept[first + to_size(neuron)] = 1;
  }
  return kept;
}

/// Of what stayed: intersection / union.
inline double overlap_of(const std::vector<char>& a, const std::vector<char>& b) {
  Expects(a.size() == b.size());
  std::uint64_t both = 0, either = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += a[i] != 0 && b[i] != 0 ? 1 : 0;
    either += a[i] != 0 || b[i] != 0 ? 1 : 0;
  }
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace fissile::pruning_study
