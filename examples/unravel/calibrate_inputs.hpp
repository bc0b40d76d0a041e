// What is overheard of the inputs of a matrix while a model reads samples.
#pragma once

#include <fissile/detect/input_hessian.hpp>
#include <fissile/detect/input_moments.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// Hessians take 4 inputs^2 bytes and most of the time: only for those who prune by them.
enum class overhearing { moments, moments_and_hessian };

class overheard_inputs {
public:
  /// One position of `every` is kept as it is.
  overheard_inputs(const calibration_settings& settings, overhearing what, index_t every)
      : moments_(settings), every_(every) {
    if (what == overhearing::moments_and_hessian) hessian_.emplace(settings);
  }

  /// What somebody else measured; nothing is kept as it is.
  explicit overheard_inputs(input_moments measured) : moments_(std::move(measured)), every_(1) {}

  /// padding: [positions of the sample], not 0 where one only pads; borrowed until sample_end.
  void sample_begin(vector_view<const char> padding) noexcept {
    padding_ = padding;
    position_ = 0;
  }
  /// The next positions of the sample. inputs: [positions x width]
  void add(matrix_view<const float> inputs) {
    const vector_view<const char> padding = padding_.part(position_, inputs.rows());
    moments_.add(inputs, padding);
    if (hessian_) hessian_->add(inputs, padding);
    for (index_t position = 0; position < inputs.rows(); ++position) {
      if (padding[position] != 0 || seen_++ % every_ != 0) continue;
      kept_.insert(kept_.end(), inputs.row(position).begin(), inputs.row(position).end());
    }
    position_ += inputs.rows();
  }
  void sample_end() noexcept {
    moments_.sample_end();
    if (hessian_) hessian_->sample_end();
  }

  const input_moments& moments() const noexcept { return moments_; }
  const input_hessian<double>& hessian() const noexcept {
    Expects(hessian_.has_value());
    return *hessian_;
  }
  /// [positions x width]
  matrix_view<const float> kept() const noexcept {
    return {kept_.data(), length(kept_) / moments_.width(), moments_.width()};
  }

private:
  input_moments moments_;
  std::optional<input_hessian<double>> hessian_;
  index_t every_;
  vector_view<const char> padding_;
  index_t position_ = 0;  // in the sample
  index_t seen_ = 0;      // positions of all samples that are not padding
  std::vector<float> kept_;
};

/// The four places where a block's matrices read, some of them together.
struct block_inputs {
  overheard_inputs attention;  // query, key, value
  overheard_inputs attended;   // the attention's output
  overheard_inputs tokens;     // gate, up
  overheard_inputs hidden;     // down

  template <class Each>
  void each(const Each& what) {
    what(attention);
    what(attended);
    what(tokens);
    what(hidden);
  }
};

}  // namespace fissile::unravel
