// How the inputs of a linear layer go together: the Hessian of its squared output error, which SparseGPT prunes by.
//
// After Frantar and Alistarh 2023 ("SparseGPT", arXiv 2301.00774) and the authors' code, with x one position's inputs:
//
//   H = (2 / samples) * sum over all positions of x x^T        [width x width], so H_jj = 2 S_j of input_moments
#pragma once

#include <fissile/detect/calibration_tally.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <vector>

namespace fissile {

/// Memory: half of width x width numbers of `Accumulator`, the lower triangle; see `bytes`. In double, how a sample is
/// cut into calls changes no bit, and the order of samples changes H_ij by at most 1e-12 of sqrt(H_ii H_jj); float
/// takes half the room and keeps four digits or more over some ten thousand positions.
template <std::floating_point Accumulator = double>
class input_hessian {
public:
  using accumulator = Accumulator;

  /// Throws setting_error for less than one input.
  explicit input_hessian(calibration_settings settings)
      : read_(std::move(settings), "input_hessian"),
        sums_(to_size(read_.width() * (read_.width() + 1) / 2), Accumulator(0)),
        block_(to_size(at_once * read_.width()), Accumulator(0)) {}

  index_t width() const noexcept { return read_.width(); }
  const calibration_tally& read() const noexcept { return read_; }
  /// What the sums take: width (width + 1) / 2 numbers.
  std::size_t bytes() const noexcept { return sums_.size() * sizeof(Accumulator); }

  /// The next positions of the current sample, [positions x width]. padding: [positions], not 0 where a position only
  /// fills the sample up; empty where none does. Costs positions * width^2 / 2 products. Allocates nothing.
  void add(matrix_view<const float> inputs, vector_view<const char> padding = {}) noexcept {
    Expects(inputs.columns() == width() && (padding.empty() || padding.length() == inputs.rows()));
    index_t filled = 0;
    for (index_t position = 0; position < inputs.rows(); ++position) {
      if (!read_.counts(padding, position)) continue;
      fill(filled++, inputs.row(position).data());
      if (filled == at_once) {
        add_block();
        filled = 0;
      }
    }
    if (filled == 0) return;
    std::fill(block_.begin() + filled * width(), block_.end(), Accumulator(0));  // adding 0 changes no bit
    add_block();
  }
  void sample_end() noexcept { read_.sample_end(); }

  /// H_ij; 0 before any sample ended. Read it when the last sample has ended.
  double operator()(index_t i, index_t j) const noexcept {
    Expects(i >= 0 && i < width() && j >= 0 && j < width() && !read_.open());
    if (read_.samples() == 0) return 0.0;
    const Accumulator sum = i >= j ? row(i)[j] : row(j)[i];
    return 2.0 * static_cast<double>(sum) / static_cast<double>(read_.samples());
  }

  /// Adds what was found in other samples, in any order; errors as `input_moments::merge`.
  void merge(const input_hessian& other) {
    read_.merge(other.read_);
    for (std::size_t k = 0; k < sums_.size(); ++k) sums_[k] += other.sums_[k];
  }

private:
  static constexpr index_t at_once = 4;  // positions: fewer passes over the sums

  const Accumulator* row(index_t i) const noexcept { return sums_.data() + i * (i + 1) / 2; }

  void fill(index_t place, const float* x) noexcept {
    Accumulator* into = block_.data() + place * width();
    for (index_t j = 0; j < width(); ++j) {
      const bool number = std::isfinite(x[j]);
      if (!number) read_.add_undefined();
      into[j] = number ? static_cast<Accumulator>(x[j]) : Accumulator(0);
    }
  }

  void add_block() noexcept {
    const std::array<const Accumulator*, to_size(at_once)> x{block_.data(), block_.data() + width(),
                                                             block_.data() + 2 * width(), block_.data() + 3 * width()};
    for (index_t i = 0; i < width(); ++i) {
      Accumulator* sums = sums_.data() + i * (i + 1) / 2;
      const Accumulator a = x[0][i], b = x[1][i], c = x[2][i], d = x[3][i];
      for (index_t j = 0; j <= i; ++j) sums[j] = sums[j] + a * x[0][j] + b * x[1][j] + c * x[2][j] + d * x[3][j];
    }
  }

  calibration_tally read_;
  std::vector<Accumulator> sums_;   // the lower triangle, row after row: sum of x_i x_j
  std::vector<Accumulator> block_;  // [at_once x width]: scratch
};

}  // namespace fissile
