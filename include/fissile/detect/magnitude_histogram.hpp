// How activations are spread: a histogram of any number of them in one pass, and from it the threshold that a given
// share of them does not exceed. So TEAL (Liu et al. 2025, arXiv 2408.14690) finds its thresholds, of inputs with their
// signs, and CATS (Lee et al. 2024, arXiv 2404.08763), of |activation(gate . x)|.
//
//   magnitude_histogram found{{.range = central_range(sample)}};
//   found.add(x);  ...
//   const activation_thresholds teal{.up_input = found.threshold(0.5)};
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>
#include <fissile/count/corpus_names.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// What the bins of a histogram are even in: from `low` to `high`.
struct histogram_range {
  float low = -1;
  float high = 1;
  friend bool operator==(const histogram_range&, const histogram_range&) = default;
};

/// The range beyond which the share `tail` of a sample lies at each end; 1 per cent as in TEAL's code. Numbers that are
/// NaN or infinite are left out. Throws setting_error where that is no range: too few numbers, or all alike.
inline histogram_range central_range(std::vector<float> sample, double tail = 0.01) {
  sample.erase(std::remove_if(sample.begin(), sample.end(), [](float x) { return !std::isfinite(x); }), sample.end());
  std::sort(sample.begin(), sample.end());
  const bool is_tail = tail >= 0 && tail < 0.5;
  const auto cut = is_tail ? static_cast<index_t>(tail * static_cast<double>(sample.size())) : 0;
  const index_t last = length(sample) - 1 - cut;
  if (!is_tail || cut > last || !(sample[to_size(cut)] < sample[to_size(last)])) {
    fail<setting_error>({.argument = "central_range: sample",
                         .expected = "different numbers between its tails",
                         .got = std::to_string(sample.size()) + " numbers and a tail of " + std::to_string(tail),
                         .cure = "give it some thousands of activations and 0.01"});
  }
  return {sample[to_size(cut)], sample[to_size(last)]};
}

/// What is put into the bins of each number x: itself, or |x|.
enum class histogram_of { values, magnitudes };

struct histogram_settings {
  histogram_range range;
  index_t bins = 10000;  // at least 3; the first and the last hold what lies beyond the range
  histogram_of of = histogram_of::values;
  std::string corpus = {};  // where the numbers come from; said in every report
};

/// Counts, so that merging is exact. Numbers that are NaN or infinite are counted apart.
class magnitude_histogram {
public:
  /// Throws setting_error for an empty range or less than 3 bins.
  explicit magnitude_histogram(histogram_settings settings);

  /// Allocates nothing.
  void add(vector_view<const float> numbers) noexcept;
  /// Adds what was counted elsewhere. Throws shape_error for other bins.
  void merge(const magnitude_histogram& other);

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t undefined() const noexcept { return undefined_; }
  std::string corpus() const { return corpora_.joined(); }
  index_t bins() const noexcept { return length(bins_); }
  std::uint64_t in_bin(index_t bin) const noexcept {
    Expects(bin >= 0 && bin < bins());
    return bins_[to_size(bin)];
  }

  /// The number below which the share q of all lies, from 0 to 1: exact to the width of a bin, within which numbers are
  /// taken to be spread evenly (TEAL's code draws its line from one bin's centre to the next). 0 where none was seen.
  double quantile(double q) const noexcept;

  /// t such that the share `sparsity` of the numbers has |x| <= t; 0 for a sparsity of 0. Of magnitudes (CATS) the
  /// quantile, of values (TEAL) F^-1(0.5 + sparsity / 2), which takes them to be symmetric around 0.
  float threshold(double sparsity) const noexcept {
    if (!(sparsity > 0)) return 0;
    return static_cast<float>(std::max(0.0, quantile(of_ == histogram_of::magnitudes ? sparsity : 0.5 + sparsity / 2)));
  }

  friend bool operator==(const magnitude_histogram&, const magnitude_histogram&) = default;

private:
  double low() const noexcept { return static_cast<double>(range_.low); }
  double high() const noexcept { return static_cast<double>(range_.high); }
  /// Of the bins between the first and the last.
  double bin_width() const noexcept { return (high() - low()) / static_cast<double>(bins() - 2); }
  /// Where a bin begins; bin bins() ends at the largest number.
  double edge(index_t bin) const noexcept {
    if (bin == 0) return smallest_;
    if (bin == bins()) return largest_;
    return low() + static_cast<double>(bin - 1) * bin_width();
  }

  histogram_range range_;
  histogram_of of_;
  corpus_names corpora_;
  std::vector<std::uint64_t> bins_;
  std::uint64_t count_ = 0;
  std::uint64_t undefined_ = 0;
  double smallest_ = std::numeric_limits<double>::infinity();
  double largest_ = -std::numeric_limits<double>::infinity();
};

inline magnitude_histogram::magnitude_histogram(histogram_settings settings)
    : range_(settings.range), of_(settings.of), corpora_(std::move(settings.corpus)) {
  if (settings.bins < 3) {
    fail<setting_error>({.argument = "magnitude_histogram: bins",
                         .expected = "at least 3, two of them for what lies beyond the range",
                         .got = std::to_string(settings.bins)});
  }
  if (!(range_.low < range_.high && std::isfinite(range_.low) && std::isfinite(range_.high))) {
    fail<setting_error>({.argument = "magnitude_histogram: range",
                         .expected = "a low end below a high one",
                         .got = std::to_string(range_.low) + " to " + std::to_string(range_.high)});
  }
  bins_.resize(to_size(settings.bins), 0);
}

inline void magnitude_histogram::add(vector_view<const float> numbers) noexcept {
  const double bins_per_unit = 1 / bin_width();
  for (const float number : numbers) {
    const auto x = static_cast<double>(of_ == histogram_of::magnitudes ? std::abs(number) : number);
    if (!std::isfinite(x)) {
      ++undefined_;
      continue;
    }
    index_t bin = x < low() ? 0 : bins() - 1;
    if (x >= low() && x < high()) {
      bin = std::min(bins() - 2, 1 + static_cast<index_t>((x - low()) * bins_per_unit));
    }
    ++bins_[to_size(bin)];
    ++count_;
    smallest_ = std::min(smallest_, x);
    largest_ = std::max(largest_, x);
  }
}

inline void magnitude_histogram::merge(const magnitude_histogram& other) {
  if (range_ != other.range_ || of_ != other.of_ || bins() != other.bins()) {
    fail<shape_error>({.argument = "magnitude_histogram::merge",
                       .expected = std::to_string(bins()) + " bins of the same range and kind",
                       .got = std::to_string(other.bins()) + " bins",
                       .cure = "make all histograms of one place with the same settings"});
  }
  corpora_.merge(other.corpora_);
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) bins_[bin] += other.bins_[bin];
  count_ += other.count_;
  undefined_ += other.undefined_;
  smallest_ = std::min(smallest_, other.smallest_);
  largest_ = std::max(largest_, other.largest_);
}

inline double magnitude_histogram::quantile(double q) const noexcept {
  if (count_ == 0) return 0;
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  std::uint64_t before = 0;
  for (index_t bin = 0; bin < bins(); ++bin) {
    const std::uint64_t here = in_bin(bin);
    if (here == 0 || static_cast<double>(before + here) < wanted) {
      before += here;
      continue;
    }
    const double share = (wanted - static_cast<double>(before)) / static_cast<double>(here);
    return std::clamp(edge(bin) + share * (edge(bin + 1) - edge(bin)), smallest_, largest_);
  }
  return largest_;
}

}  // namespace fissile
