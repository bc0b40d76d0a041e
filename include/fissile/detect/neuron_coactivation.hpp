// How much each two neurons work for the same tokens: what coactivation_graph splits a layer by.
//
//   C_ab = min(sum over the tokens t of a batch of phi(h_ta) phi(h_tb), clamp)      A_ab = sum over batches of C_ab
//
// MoEfication (Zhang et al. 2022, arXiv 2110.01786) has phi = relu, batches of 8 tokens and clamp = 1, on about 200000
// tokens; LLaMA-MoE (Zhu et al. 2024) has phi(h) = |h|, since its activations may be negative.
//
//   neuron_coactivation found{{.neurons = 512}};
//   run(tokens, work, out, found);                           a layer that runs as one expert, or found.add(hidden)
//   coactivation_graph{.weights = found.weights()}.split(ffn, 16);
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/count/corpus_names.hpp>
#include <fissile/route/route.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

enum class activation_part { positive, magnitude };  // phi: max(h, 0), or |h|

struct neuron_coactivation_settings {
  index_t neurons = 1;
  index_t batch = 8;  // tokens
  double clamp = 1;
  activation_part part = activation_part::positive;
  std::string corpus = {};  // where the tokens come from; said in every report
};

/// Tokens count once their batch is full; how they are cut into calls changes no bit. Memory: 8 * neurons^2 bytes.
/// It is itself an observer of a layer that runs as one expert, and allocates nothing after it is made.
class neuron_coactivation {
public:
  /// Throws setting_error for less than one neuron or token a batch, or a clamp that is not positive.
  explicit neuron_coactivation(neuron_coactivation_settings settings)
      : settings_(settings), corpora_(std::move(settings.corpus)) {
    const auto refuse = [](const char* name, std::string expected, std::string got) {
      fail<setting_error>({.argument = std::string("neuron_coactivation: ") + name,
                           .expected = std::move(expected),
                           .got = std::move(got)});
    };
    if (neurons() < 1) refuse("neurons", "at least 1", std::to_string(neurons()));
    if (settings_.batch < 1) refuse("batch", "at least 1", std::to_string(settings_.batch));
    if (!(settings_.clamp > 0)) refuse("clamp", "above 0", std::to_string(settings_.clamp));
    weights_.assign(to_size(neurons() * neurons()), 0.0);
    pending_.resize(to_size(settings_.batch * neurons()));
    sums_.resize(to_size(neurons()));
  }

  index_t neurons() const noexcept { return settings_.neurons; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }
  /// Tokens of full batches; they alone are in the weights.
  std::uint64_t tokens() const noexcept { return batches_ * static_cast<std::uint64_t>(settings_.batch); }
  /// Activations that were NaN or infinite: they are taken for 0.
  std::uint64_t undefined() const noexcept { return undefined_; }
  /// A of the formula, symmetric. [neurons x neurons]
  matrix_view<const double> weights() const noexcept { return {weights_.data(), neurons(), neurons()}; }

  /// hidden: [tokens x neurons].
  void add(matrix_view<const float> hidden) noexcept {
    for (index_t token = 0; token < hidden.rows(); ++token) add_token(hidden.row(token));
  }
  void expert(index_t, choice, vector_view<const float> hidden) noexcept { add_token(hidden); }

  /// Adds the full batches of other tokens; sums are good to 1e-12, in any order.
  /// Throws shape_error for other neurons, setting_error for another batch, clamp or part.
  void merge(const neuron_coactivation& other) {
    if (other.neurons() != neurons()) {
      fail<shape_error>({.argument = "neuron_coactivation::merge",
                         .expected = std::to_string(neurons()) + " neurons",
                         .got = std::to_string(other.neurons())});
    }
    if (other.settings_.batch != settings_.batch || other.settings_.clamp != settings_.clamp ||
        other.settings_.part != settings_.part) {
      fail<setting_error>({.argument = "neuron_coactivation::merge",
                           .expected = "the same batch, clamp and part",
                           .got = "others",
                           .cure = "sums of different things cannot be added"});
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] += other.weights_[i];
    batches_ += other.batches_;
    undefined_ += other.undefined_;
    corpora_.merge(other.corpora_);
  }

private:
  void add_token(vector_view<const float> hidden) noexcept {
    Expects(hidden.length() == neurons());
    double* row = pending_.data() + waiting_ * neurons();
    for (index_t j = 0; j < neurons(); ++j) {
      const bool finite = std::isfinite(hidden[j]);
      undefined_ += finite ? 0 : 1;
      const float part = settings_.part == activation_part::magnitude ? std::abs(hidden[j]) : std::max(hidden[j], 0.0f);
      row[j] = finite ? static_cast<double>(part) : 0.0;
    }
    if (++waiting_ < settings_.batch) return;
    waiting_ = 0;
    add_batch();
  }

  /// Products of floats are exact in double and both halves add them in one order: the weights are symmetric to the
  /// bit.
  void add_batch() noexcept {
    ++batches_;
    for (index_t a = 0; a < neurons(); ++a) {
      std::fill(sums_.begin(), sums_.end(), 0.0);
      for (index_t token = 0; token < settings_.batch; ++token) {
        const double* row = pending_.data() + token * neurons();
        if (row[a] == 0) continue;
        for (index_t b = 0; b < neurons(); ++b) sums_[to_size(b)] += row[a] * row[b];
      }
      double* into = weights_.data() + a * neurons();
      for (index_t b = 0; b < neurons(); ++b) into[b] += std::min(sums_[to_size(b)], settings_.clamp);
    }
  }

  neuron_coactivation_settings settings_;
  corpus_names corpora_;
  std::vector<double> weights_;  // [neurons x neurons]
  std::vector<double> pending_;  // [batch x neurons]: phi(h) of tokens whose batch is not full
  std::vector<double> sums_;     // [neurons]: scratch
  index_t waiting_ = 0;          // tokens in `pending_`
  std::uint64_t batches_ = 0;
  std::uint64_t undefined_ = 0;
};

}  // namespace fissile
