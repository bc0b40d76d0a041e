// Experts that do not run are replaced by what they do on average, not by nothing: for layers whose neurons never
// quite rest, those with gelu or silu (G-MoEfication, EMNLP 2024, after its code).
//
//   y = sparse layer(x) + sum over experts e that were not chosen, ascending, of mean_e
//   mean_e = mean over calibration tokens of expert e's output = down_e . mean of its neurons' activations
//
// The two modes of that code, a mean for each neuron or for each expert's output, are one by that last equality.
//
//   hidden_means found{split};  work.choose_all(...);  run(tokens, work, out, found);      calibration, all experts on
//   const mean_replacement replace{borrow(ffn, split), found};
//   choose(tokens, work);  run(tokens, work, out);  replace(work, out);
#pragma once

#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/route/workspace.hpp>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace fissile {

/// An observer: sums of the hidden activations, with their signs, over the tokens that ran the expert. It merges.
class hidden_means {
public:
  explicit hidden_means(partition split)
      : split_(std::move(split)), times_(to_size(split_.experts()), 0), sums_(to_size(split_.neurons()), 0.0) {}

  const partition& split() const noexcept { return split_; }
  /// Tokens that ran the expert.
  std::uint64_t times(index_t expert) const noexcept { return times_[to_size(expert)]; }
  /// Activations that were NaN or infinite: they count as 0.
  std::uint64_t undefined() const noexcept { return undefined_; }
  /// Of neuron j of the expert, in the order of the partition; 0 where the expert never ran.
  double mean(index_t expert, index_t j) const noexcept {
    Expects(j >= 0 && j < split_.size(expert));
    const std::uint64_t times = times_[to_size(expert)];
    return times == 0 ? 0.0 : sums_[to_size(split_.offset(expert) + j)] / static_cast<double>(times);
  }

  void expert(index_t, choice chosen, vector_view<const float> hidden) noexcept {
    Expects(chosen.expert >= 0 && chosen.expert < split_.experts() && hidden.length() == split_.size(chosen.expert));
    ++times_[to_size(chosen.expert)];
    double* sums = sums_.data() + split_.offset(chosen.expert);
    for (index_t j = 0; j < hidden.length(); ++j) {
      const bool finite = std::isfinite(hidden[j]);
      sums[j] += finite ? static_cast<double>(hidden[j]) : 0.0;
      undefined_ += finite ? 0 : 1;
    }
  }

  /// Adds what was seen of other tokens; needs the same split. Counts are exact, sums good to 1e-12, in any order.
  void merge(const hidden_means& other) noexcept {
    Expects(split_ == other.split_);
    undefined_ += other.undefined_;
    for (std::size_t e = 0; e < times_.size(); ++e) times_[e] += other.times_[e];
    for (std::size_t j = 0; j < sums_.size(); ++j) sums_[j] += other.sums_[j];
  }

  friend bool operator==(const hidden_means&, const hidden_means&) = default;

private:
  partition split_;
  std::vector<std::uint64_t> times_;  // [experts]
  std::vector<double> sums_;          // [neurons], one expert after the other
  std::uint64_t undefined_ = 0;
};

/// Adds the means of the experts that a batch did not choose to its outputs. With all experts chosen nothing is added:
/// the layer stays the dense one, bit for bit.
class mean_replacement {
public:
  /// Computes each expert's mean output from its weights, borrowed only for that. Throws shape_error where the means
  /// are of another split.
  template <expert_storage Storage>
  mean_replacement(const Storage& experts, const hidden_means& found)
      : experts_(experts.experts().experts()), width_(experts.width()) {
    if (experts.experts() != found.split()) {
      fail<shape_error>({.argument = "mean_replacement: found",
                         .expected = "means of these experts",
                         .got = "those of another partition",
                         .cure = "collect them with the partition that runs"});
    }
    outputs_.resize(to_size(experts_ * width_));
    for (index_t e = 0; e < experts_; ++e) {
      const auto expert = experts.expert(e);
      for (index_t i = 0; i < width_; ++i) {
        double sum = 0;
        for (index_t j = 0; j < expert.neurons.length(); ++j) {
          sum += found.mean(e, j) * widen<double>(expert.ffn.down(i, expert.neurons[j]));
        }
        outputs_[to_size(e * width_ + i)] = static_cast<float>(sum);
      }
    }
  }

  index_t experts() const noexcept { return experts_; }
  index_t width() const noexcept { return width_; }
  /// What stands in for expert e. [width]
  vector_view<const float> output(index_t e) const noexcept { return {outputs_.data() + e * width_, width_}; }

  /// After the layer has run with the routes in `work`. out: [tokens x width].
  void operator()(workspace& work, matrix_view<float> out) const noexcept {
    Expects(out.rows() == work.routes().length() && out.columns() == width_);
    const index_t tasks = std::min(out.rows(), work.tasks());
    work.run()(tasks, [&](index_t task) noexcept {
      for (index_t token = task; token < out.rows(); token += tasks) add(work.routes()[token], out.row(token));
    });
  }

private:
  void add(const route& chosen, vector_view<float> out) const noexcept {
    const choice* next = chosen.begin();
    for (index_t e = 0; e < experts_; ++e) {
      if (next != chosen.end() && next->expert == e) {
        ++next;
        continue;
      }
      const float* mean = outputs_.data() + e * width_;
      for (index_t i = 0; i < width_; ++i) out[i] += mean[i];
    }
  }

  index_t experts_, width_;
  std::vector<float> outputs_;  // [experts x width]
};

}  // namespace fissile
