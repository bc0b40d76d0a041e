// Weight scores that look at inputs: Wanda's, and its ratio of two texts.
#pragma once

#include <fissile/detect/input_moments.hpp>
#include <fissile/prune/short_number.hpp>
#include <fissile/prune/weight_score.hpp>

#include <algorithm>
#include <cmath>

namespace fissile {

/// score_ij = |W_ij| * scale_j: what all scores that look at inputs come to; a weight_score itself.
class scaled_magnitude {
public:
  /// name: also names the score in refusals. scales: [inputs].
  scaled_magnitude(std::string name, std::vector<double> scales, evidence seen)
      : name_(std::move(name)), scales_(std::move(scales)), seen_(std::move(seen)) {}

  std::string name() const { return name_; }
  evidence seen() const { return seen_; }
  /// Throws shape_error where the row has other inputs.
  void score(index_t, vector_view<const double> weights, vector_view<double> scores) const {
    if (weights.length() != length(scales_)) {
      fail<shape_error>({.argument = name_ + ": inputs",
                         .expected = std::to_string(scales_.size()) + ", as were measured",
                         .got = std::to_string(weights.length()),
                         .cure = "weights are [outputs x inputs]; measure the inputs of this very matrix"});
    }
    for (index_t j = 0; j < weights.length(); ++j) scores[j] = std::abs(weights[j]) * scales_[to_size(j)];
  }

private:
  std::string name_;
  std::vector<double> scales_;
  evidence seen_;
};

/// score_ij = |W_ij| * sqrt(S_j), with S_j the mean square of input j (Sun et al. 2023, arXiv 2306.11695).
class wanda : public scaled_magnitude {
public:
  /// Keeps a copy of the means. Throws setting_error where no sample was measured.
  explicit wanda(const input_moments& inputs);
};

/// What is divided by what in `wanda_ratio`.
struct two_corpora {
  const input_moments& numerator;    // the text that the layer is pruned for
  const input_moments& denominator;  // the text whose inputs are held against it
  /// Keeps the denominator above 0, as a share of its mean over inputs. Ours: the paper's code divides by what it has.
  double eps = 1e-6;
};

/// score_ij = |W_ij| * sqrt(S'_j) with S'_j = N_j * N_j / (D_j + eps * mean D), where N and D are the mean squares of
/// the numerator and of the denominator: inputs weigh more that are larger for one text than for the other (Kim et al.,
/// arXiv 2409.16911, for BLOOM with translations over program code). In their code the hashing of names decides which
/// is which; here both are named.
class wanda_ratio : public scaled_magnitude {
public:
  /// Keeps copies. What it has seen is both corpora, and of the tokens those of the text that has fewer.
  /// Throws shape_error where the two have other inputs, setting_error where one has no sample, where the
  /// denominator's inputs are all 0, or for an eps that is not above 0.
  explicit wanda_ratio(two_corpora of);
};

namespace detail {

inline const input_moments& measured(const input_moments& inputs, const char* who) {
  if (inputs.read().samples() == 0) {
    fail<setting_error>({.argument = who,
                         .expected = "measured samples",
                         .got = "none",
                         .cure = "call sample_end() after each sample"});
  }
  return inputs;
}

inline std::vector<double> roots(std::vector<double> squares) {
  for (double& value : squares) value = std::sqrt(value);
  return squares;
}

inline std::vector<double> ratios(const two_corpora& of) {
  const index_t width = measured(of.numerator, "wanda_ratio: numerator").width();
  if (measured(of.denominator, "wanda_ratio: denominator").width() != width) {
    fail<shape_error>({.argument = "wanda_ratio: denominator",
                       .expected = std::to_string(width) + " inputs, as the numerator",
                       .got = std::to_string(of.denominator.width())});
  }
  if (!(of.eps > 0 && std::isfinite(of.eps))) {
    fail<setting_error>({.argument = "wanda_ratio: eps", .expected = "a number above 0", .got = short_number(of.eps)});
  }
  double mean = 0;
  for (double square : of.denominator.mean_squares()) mean += square / static_cast<double>(width);
  if (!(mean > 0)) {
    fail<setting_error>({.argument = "wanda_ratio: denominator", .expected = "inputs that are not all 0", .got = "0"});
  }
  std::vector<double> made;
  for (index_t j = 0; j < width; ++j) {
    const double top = of.numerator.mean_square(j);
    made.push_back(top / std::sqrt(of.denominator.mean_square(j) + of.eps * mean));
  }
  return made;
}

inline evidence evidence_of(const two_corpora& of) {
  corpus_names both{of.numerator.read().corpus()};
  both.merge(corpus_names{of.denominator.read().corpus()});
  return {both.joined(), std::min(of.numerator.read().positions(), of.denominator.read().positions())};
}

}  // namespace detail

inline wanda::wanda(const input_moments& inputs)
    : scaled_magnitude("wanda(" + inputs.read().corpus() + ")",
                       detail::roots(detail::measured(inputs, "wanda: inputs").mean_squares()),
                       {inputs.read().corpus(), inputs.read().positions()}) {}

inline wanda_ratio::wanda_ratio(two_corpora of)
    : scaled_magnitude("wanda_ratio(" + of.numerator.read().corpus() + " over " + of.denominator.read().corpus() + ")",
                       detail::ratios(of), detail::evidence_of(of)) {}

}  // namespace fissile
