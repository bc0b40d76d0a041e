// How strongly each input of a linear layer is driven by a text: what Wanda weighs weights with.
//
// After Sun et al. 2023 ("A Simple and Effective Pruning Approach for Large Language Models", arXiv 2306.11695), for
// the inputs X^(s) [positions x width] of the samples s:
//
//   S_j = mean over samples of || X^(s)[:, j] ||_2^2        a mean over samples, not over positions
//
// `feature_magnitudes` tells the same of hidden states, with peaks and medians; this is for the inputs of any matrix.
//
//   input_moments found{{.width = 512, .corpus = "guide"}};
//   for each sample: found.add(inputs), once or in pieces; then found.sample_end();
#pragma once

#include <fissile/detect/calibration_tally.hpp>

#include <cmath>
#include <vector>

namespace fissile {

class input_moments {
public:
  /// Throws setting_error for less than one input.
  explicit input_moments(calibration_settings settings)
      : read_(std::move(settings), "input_moments"),
        open_(to_size(read_.width()), 0.0),
        sums_(to_size(read_.width()), 0.0) {}
  /// What somebody else measured, as one sample: `sums`, [width], of squared inputs over so many positions.
  /// Throws shape_error for another number of sums.
  input_moments(calibration_settings settings, std::vector<double> sums, std::uint64_t positions)
      : input_moments(std::move(settings)) {
    if (length(sums) != width()) {
      fail<shape_error>({.argument = "input_moments: sums",
                         .expected = std::to_string(width()) + ", one an input",
                         .got = std::to_string(sums.size())});
    }
    sums_ = std::move(sums);
    read_.add_sample(positions);
  }

  index_t width() const noexcept { return read_.width(); }
  const calibration_tally& read() const noexcept { return read_; }

  /// The next positions of the current sample, [positions x width]. padding: [positions], not 0 where a position only
  /// fills the sample up; empty where none does. How a sample is cut into calls changes no bit. Allocates nothing.
  void add(matrix_view<const float> inputs, vector_view<const char> padding = {}) noexcept {
    Expects(inputs.columns() == width() && (padding.empty() || padding.length() == inputs.rows()));
    for (index_t position = 0; position < inputs.rows(); ++position) {
      if (!read_.counts(padding, position)) continue;
      const float* x = inputs.row(position).data();
      for (index_t j = 0; j < width(); ++j) {
        if (std::isfinite(x[j])) {
          open_[to_size(j)] += static_cast<double>(x[j]) * static_cast<double>(x[j]);
        } else {
          read_.add_undefined();
        }
      }
    }
  }
  /// The current sample is over: only now it counts in the mean. Allocates nothing.
  void sample_end() noexcept {
    read_.sample_end();
    for (std::size_t j = 0; j < sums_.size(); ++j) {
      sums_[j] += open_[j];
      open_[j] = 0;
    }
  }

  /// S_j; 0 before any sample ended.
  double mean_square(index_t input) const noexcept {
    Expects(input >= 0 && input < width());
    return read_.samples() == 0 ? 0.0 : sums_[to_size(input)] / static_cast<double>(read_.samples());
  }
  std::vector<double> mean_squares() const {
    std::vector<double> all;
    for (index_t j = 0; j < width(); ++j) all.push_back(mean_square(j));
    return all;
  }

  /// Adds what was found in other samples: counts exactly, sums to 1e-12, in any order.
  /// Throws shape_error for another width, setting_error for another rule of padding or a sample that has not ended.
  void merge(const input_moments& other) {
    read_.merge(other.read_);
    for (std::size_t j = 0; j < sums_.size(); ++j) sums_[j] += other.sums_[j];
  }

  friend bool operator==(const input_moments&, const input_moments&) = default;

private:
  calibration_tally read_;
  std::vector<double> open_;  // [width]: of the sample that has not ended
  std::vector<double> sums_;  // [width]
};

}  // namespace fissile
