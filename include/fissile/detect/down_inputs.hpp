// An observer that puts together what down multiplies: the hidden activations of all neurons, token by token.
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/route/route.hpp>

#include <algorithm>
#include <vector>

namespace fissile {

/// Hands each token's inputs of down, weight * h with 0 for neurons that did not run, to `into`: an `input_moments` or
/// an `input_hessian` as wide as the layer has neurons. Both are borrowed.
///
///   down_inputs watch{split, moments};
///   run(tokens, work, out, watch);           once or in pieces
///   watch.sample_end();                      ends the sample of `moments`, too
template <class Into>
class down_inputs {
public:
  /// Throws shape_error where `into` is of another width.
  down_inputs(const partition& split, Into& into)
      : split_(&split), into_(&into), hidden_(to_size(split.neurons()), 0.0f) {
    if (into.width() == split.neurons()) return;
    fail<shape_error>({.argument = "down_inputs: into",
                       .expected = std::to_string(split.neurons()) + " wide, a number a neuron",
                       .got = std::to_string(into.width())});
  }
  down_inputs(const partition&&, Into&) = delete;

  void token(const route&) noexcept {
    hand_over();
    pending_ = true;
  }
  void expert(index_t, choice chosen, vector_view<const float> hidden) noexcept {
    Expects(chosen.expert >= 0 && chosen.expert < split_->experts() && hidden.length() == split_->size(chosen.expert));
    const vector_view<const index_t> neurons = split_->expert(chosen.expert);
    for (index_t j = 0; j < hidden.length(); ++j) hidden_[to_size(neurons[j])] = chosen.weight * hidden[j];
  }
  /// The current sample is over. A token is handed over when the next one comes, or here.
  void sample_end() noexcept {
    hand_over();
    into_->sample_end();
  }

private:
  void hand_over() noexcept {
    if (!pending_) return;
    into_->add(vector_view<const float>{hidden_});
    std::fill(hidden_.begin(), hidden_.end(), 0.0f);
    pending_ = false;
  }

  const partition* split_;
  Into* into_;
  std::vector<float> hidden_;  // [neurons]: of the current token
  bool pending_ = false;
};

}  // namespace fissile
