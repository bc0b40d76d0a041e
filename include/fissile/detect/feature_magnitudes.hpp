// How large each feature of the hidden states is: one pass over any number of texts, in sums that merge.
//
// A feature is one dimension of a hidden state. After Kim et al. 2024 ("Pruning Multilingual Large Language Models for
// Multilingual Inference", arXiv 2409.16911), for layer l and input n with states H [positions x width]:
//
//   m_lf^(n) = || H_l^(n)[:, f] ||_2        over the positions of the input
//   m_lf     = mean over inputs of m_lf^(n)
//
//   feature_magnitudes found{{.layers = 4, .width = 64, .corpus = "guide"}};
//   for each input: found.add(layer, states), once or in pieces, for every layer; then found.input_end();
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
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

struct feature_settings {
  index_t layers = 1;       // hidden states that are looked at, embedding and last one included as one likes
  index_t width = 1;        // features of each
  float loud = 6;           // |x| from which on a position counts as loud; 6 is LLM.int8's
  std::string corpus = {};  // where the inputs come from; said in every report
};

/// The largest |x| of a feature, and the median |x| over all features of the position where it was met.
struct feature_peak {
  float magnitude = 0;
  float median = 0;  // exact; of an even number of features the lower middle one
  friend bool operator==(const feature_peak&, const feature_peak&) = default;
};

/// What is kept of each (layer, feature): the sum over inputs of the norm and of its square, how many positions were
/// loud, and the peak. Medians are exact, but kept only where a feature peaks: a smaller value at a position with a
/// much smaller median is not seen. Padding is the caller's to leave out. A number that is NaN or infinite is counted
/// and otherwise left out. How an input is cut into calls of `add` changes no bit.
class feature_magnitudes {
public:
  /// Throws setting_error for less than one layer or feature, or a threshold that is not positive.
  explicit feature_magnitudes(feature_settings settings);

  index_t layers() const noexcept { return settings_.layers; }
  index_t width() const noexcept { return settings_.width; }
  float loud_from() const noexcept { return settings_.loud; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }

  /// The next positions of the current input. states: [positions x width]. Allocates nothing.
  void add(index_t layer, matrix_view<const float> states) noexcept;
  /// The current input is over, in all layers: only now it counts in sums. Allocates nothing.
  void input_end() noexcept;

  /// Inputs that ended and had a position in this layer.
  std::uint64_t inputs(index_t layer) const { return totals_[checked(layer)].inputs; }
  std::uint64_t positions(index_t layer) const { return totals_[checked(layer)].positions; }
  /// Numbers that were NaN or infinite.
  std::uint64_t undefined(index_t layer) const { return totals_[checked(layer)].undefined; }

  /// m_lf: the norm over an input's positions, averaged over inputs; 0 before any input ended.
  double magnitude(index_t layer, index_t feature) const { return mean(layer, at(layer, feature).norms); }
  std::vector<double> magnitudes(index_t layer) const;
  /// The squared norm over an input's positions, averaged over inputs: what Wanda weighs weights with.
  double squared_norm(index_t layer, index_t feature) const { return mean(layer, at(layer, feature).squares); }
  /// Positions with |x| >= loud_from().
  std::uint64_t loud(index_t layer, index_t feature) const { return at(layer, feature).loud; }
  feature_peak peak(index_t layer, index_t feature) const { return at(layer, feature).peak; }

  /// Adds what was found in other inputs: counts exactly, sums of magnitudes to 1e-12, in any order.
  /// Throws shape_error for other layers or width, setting_error for another threshold or an input that has not ended.
  void merge(const feature_magnitudes& other);

  friend bool operator==(const feature_magnitudes& a, const feature_magnitudes& b) {
    return a.layers() == b.layers() && a.width() == b.width() && a.loud_from() == b.loud_from() &&
           a.corpora_ == b.corpora_ && a.sums_ == b.sums_ && a.totals_ == b.totals_;
  }

private:
  struct sums {
    double open = 0;     // squared norm of the input that has not ended
    double norms = 0;    // over inputs
    double squares = 0;  // over inputs
    std::uint64_t loud = 0;
    feature_peak peak;
    friend bool operator==(const sums&, const sums&) = default;
  };
  struct totals {
    std::uint64_t inputs = 0;
    std::uint64_t positions = 0;
    std::uint64_t undefined = 0;
    std::uint64_t open = 0;  // positions of the input that has not ended
    friend bool operator==(const totals&, const totals&) = default;
  };

  std::size_t checked(index_t layer) const {
    Expects(layer >= 0 && layer < layers());
    return to_size(layer);
  }
  const sums& at(index_t layer, index_t feature) const {
    Expects(feature >= 0 && feature < width());
    return sums_[checked(layer) * to_size(width()) + to_size(feature)];
  }
  double mean(index_t layer, double sum) const {
    const std::uint64_t inputs = totals_[checked(layer)].inputs;
    return inputs == 0 ? 0.0 : sum / static_cast<double>(inputs);
  }
  float median_of(const float* state) noexcept;
  bool open() const noexcept {
    return std::any_of(totals_.begin(), totals_.end(), [](const totals& layer) { return layer.open > 0; });
  }
  static void raise(feature_peak& peak, feature_peak other) noexcept {
    const bool same = other.magnitude == peak.magnitude;
    if (other.magnitude > peak.magnitude || (same && other.median < peak.median)) peak = other;
  }

  feature_settings settings_;
  corpus_names corpora_;
  std::vector<sums> sums_;      // [layers x width]
  std::vector<totals> totals_;  // [layers]
  std::vector<float> sorted_;   // [width]: scratch of the median
};

inline feature_magnitudes::feature_magnitudes(feature_settings settings)
    : settings_(settings), corpora_(std::move(settings.corpus)) {
  const auto refuse = [](const char* name, std::string expected, std::string got) {
    fail<setting_error>({.argument = std::string("feature_magnitudes: ") + name,
                         .expected = std::move(expected),
                         .got = std::move(got)});
  };
  if (layers() < 1) refuse("layers", "at least 1", std::to_string(layers()));
  if (width() < 1) refuse("width", "at least 1", std::to_string(width()));
  if (!(loud_from() > 0)) refuse("loud", "a magnitude above 0", std::to_string(loud_from()));
  sums_.resize(to_size(layers() * width()));
  totals_.resize(to_size(layers()));
  sorted_.resize(to_size(width()));
}

inline float feature_magnitudes::median_of(const float* state) noexcept {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (index_t feature = 0; feature < width(); ++feature) {
    const float magnitude = std::abs(state[feature]);
    sorted_[to_size(feature)] = magnitude < infinity ? magnitude : infinity;
  }
  const auto middle = sorted_.begin() + (width() - 1) / 2;
  std::nth_element(sorted_.begin(), middle, sorted_.end());
  return *middle;
}

inline void feature_magnitudes::add(index_t layer, matrix_view<const float> states) noexcept {
  Expects(layer >= 0 && layer < layers() && states.columns() == width());
  sums* features = sums_.data() + layer * width();
  totals& total = totals_[to_size(layer)];
  for (index_t position = 0; position < states.rows(); ++position) {
    const float* state = states.row(position).data();
    const float median = median_of(state);
    for (index_t feature = 0; feature < width(); ++feature) {
      const float magnitude = std::abs(state[feature]);
      if (!std::isfinite(magnitude)) {
        ++total.undefined;
        continue;
      }
      sums& found = features[feature];
      found.open += static_cast<double>(magnitude) * static_cast<double>(magnitude);
      found.loud += magnitude >= settings_.loud ? 1 : 0;
      raise(found.peak, {magnitude, median});
    }
  }
  total.positions += static_cast<std::uint64_t>(states.rows());
  total.open += static_cast<std::uint64_t>(states.rows());
}

inline void feature_magnitudes::input_end() noexcept {
  for (index_t layer = 0; layer < layers(); ++layer) {
    totals& total = totals_[to_size(layer)];
    if (total.open == 0) continue;
    total.open = 0;
    ++total.inputs;
    for (index_t feature = 0; feature < width(); ++feature) {
      sums& found = sums_[to_size(layer * width() + feature)];
      found.norms += std::sqrt(found.open);
      found.squares += found.open;
      found.open = 0;
    }
  }
}

inline std::vector<double> feature_magnitudes::magnitudes(index_t layer) const {
  std::vector<double> all;
  for (index_t feature = 0; feature < width(); ++feature) all.push_back(magnitude(layer, feature));
  return all;
}

inline void feature_magnitudes::merge(const feature_magnitudes& other) {
  if (layers() != other.layers() || width() != other.width()) {
    const auto shape = [](const feature_magnitudes& m) {
      return std::to_string(m.layers()) + " layers of width " + std::to_string(m.width());
    };
    fail<shape_error>({.argument = "feature_magnitudes::merge", .expected = shape(*this), .got = shape(other)});
  }
  if (loud_from() != other.loud_from()) {
    fail<setting_error>({.argument = "feature_magnitudes::merge: loud",
                         .expected = std::to_string(loud_from()),
                         .got = std::to_string(other.loud_from())});
  }
  if (open() || other.open()) {
    fail<setting_error>({.argument = "feature_magnitudes::merge",
                         .expected = "inputs that have ended",
                         .got = "one that has not",
                         .cure = "call input_end() after each input"});
  }
  corpora_.merge(other.corpora_);
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    sums_[i].norms += other.sums_[i].norms;
    sums_[i].squares += other.sums_[i].squares;
    sums_[i].loud += other.sums_[i].loud;
    raise(sums_[i].peak, other.sums_[i].peak);
  }
  for (std::size_t layer = 0; layer < totals_.size(); ++layer) {
    totals_[layer].inputs += other.totals_[layer].inputs;
    totals_[layer].positions += other.totals_[layer].positions;
    totals_[layer].undefined += other.totals_[layer].undefined;
  }
}

}  // namespace fissile
