// Which neurons were among the strongest of each token, one bit each: what marker_clusters splits a layer by.
//
//   a_tj = 1 if |h_tj| is among the K largest of token t, else 0        rate_j = mean over t of a_tj
//
// CMoE (Pei et al. 2025, "Analytical FFN-to-MoE Restructuring", arXiv 2502.04416) with K = 10, on one batch of 8 * 2048
// tokens, and h from rows and tokens of length one (unit_rows.hpp).
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>
#include <fissile/partition/partition.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

struct marker_settings {
  index_t neurons = 1;
  index_t strongest = 10;   // K; where a layer has fewer neurons, all are marked
  std::string corpus = {};  // where the tokens come from; said in every report
};

/// Plain data: merge it, compare it. Memory: neurons * tokens / 8 bytes.
class activation_markers {
public:
  /// Throws setting_error for less than one neuron or mark.
  explicit activation_markers(marker_settings settings) : neurons_(settings.neurons), strongest_(settings.strongest) {
    const auto refuse = [](const char* name, index_t got) {
      fail<setting_error>({.argument = std::string("activation_markers: ") + name,
                           .expected = "at least 1",
                           .got = std::to_string(got)});
    };
    if (neurons() < 1) refuse("neurons", neurons());
    if (strongest() < 1) refuse("strongest", strongest());
    if (!settings.corpus.empty()) corpora_.push_back(std::move(settings.corpus));
    order_ = ascending(neurons());
  }

  index_t neurons() const noexcept { return neurons_; }
  index_t strongest() const noexcept { return strongest_; }
  /// The names of all corpora, as they came, joined by " + ".
  std::string corpus() const {
    std::string all;
    for (const std::string& name : corpora_) all += (all.empty() ? "" : " + ") + name;
    return all;
  }
  index_t tokens() const noexcept { return tokens_; }
  /// Activations that were NaN: never marked.
  std::uint64_t undefined() const noexcept { return undefined_; }

  /// Marks the strongest of each token; ties go to the lower neuron. How tokens are cut into calls changes nothing.
  /// hidden: [tokens x neurons]. Allocates.
  void add(matrix_view<const float> hidden) {
    Expects(hidden.columns() == neurons());
    for (index_t token = 0; token < hidden.rows(); ++token) {
      const float* row = hidden.row(token).data();
      const auto defined = std::partition(order_.begin(), order_.end(), [&](index_t j) { return row[j] == row[j]; });
      undefined_ += static_cast<std::uint64_t>(order_.end() - defined);
      const auto last = order_.begin() + std::min(strongest(), static_cast<index_t>(defined - order_.begin()));
      if (last != defined) {
        std::nth_element(order_.begin(), last, defined, [&](index_t a, index_t b) {
          const float strength_a = std::abs(row[a]), strength_b = std::abs(row[b]);
          return strength_a > strength_b || (strength_a == strength_b && a < b);
        });
      }
      std::uint64_t* block = next_token();
      for (auto j = order_.begin(); j != last; ++j) block[*j] |= bit(tokens_ - 1);
    }
  }

  bool marked(index_t token, index_t neuron) const noexcept {
    Expects(token >= 0 && token < tokens() && neuron >= 0 && neuron < neurons());
    return (word(token / 64, neuron) & bit(token)) != 0;
  }
  /// Tokens that marked each neuron. [neurons]
  std::vector<std::uint64_t> counts() const {
    std::vector<std::uint64_t> found(to_size(neurons()), 0);
    for (index_t b = 0; b < blocks(); ++b) {
      for (index_t j = 0; j < neurons(); ++j) found[to_size(j)] += static_cast<unsigned>(std::popcount(word(b, j)));
    }
    return found;
  }

  /// Tokens stand in blocks of 64: bit t of word(b, j) is the mark of token 64 * b + t.
  index_t blocks() const noexcept { return length(bits_) / neurons(); }
  std::uint64_t word(index_t block, index_t neuron) const noexcept {
    return bits_[to_size(block * neurons() + neuron)];
  }

  /// Appends the tokens of other markers. Throws shape_error for other neurons, setting_error for another K.
  void merge(const activation_markers& other) {
    if (other.neurons() != neurons()) {
      fail<shape_error>({.argument = "activation_markers::merge",
                         .expected = std::to_string(neurons()) + " neurons",
                         .got = std::to_string(other.neurons())});
    }
    if (other.strongest() != strongest()) {
      fail<setting_error>({.argument = "activation_markers::merge: strongest",
                           .expected = std::to_string(strongest()),
                           .got = std::to_string(other.strongest())});
    }
    const index_t more = other.tokens();  // `other` may be this
    for (index_t token = 0; token < more; ++token) {
      std::uint64_t* block = next_token();
      for (index_t j = 0; j < neurons(); ++j) {
        if (other.marked(token, j)) block[j] |= bit(tokens_ - 1);
      }
    }
    undefined_ += other.undefined_;
    if (&other == this) return;
    for (const std::string& name : other.corpora_) {
      if (std::find(corpora_.begin(), corpora_.end(), name) == corpora_.end()) corpora_.push_back(name);
    }
  }

  friend bool operator==(const activation_markers& a, const activation_markers& b) {
    return a.neurons_ == b.neurons_ && a.strongest_ == b.strongest_ && a.corpora_ == b.corpora_ &&
           a.tokens_ == b.tokens_ && a.undefined_ == b.undefined_ && a.bits_ == b.bits_;
  }

private:
  static constexpr std::uint64_t bit(index_t token) noexcept { return std::uint64_t{1} << (token % 64); }
  /// The block of one token more.
  std::uint64_t* next_token() {
    if (tokens_++ % 64 == 0) bits_.resize(bits_.size() + to_size(neurons()), 0);
    return bits_.data() + (blocks() - 1) * neurons();
  }

  index_t neurons_, strongest_;
  std::vector<std::string> corpora_;
  index_t tokens_ = 0;
  std::uint64_t undefined_ = 0;
  std::vector<std::uint64_t> bits_;  // [blocks x neurons]
  std::vector<index_t> order_;       // [neurons]: scratch
};

}  // namespace fissile
