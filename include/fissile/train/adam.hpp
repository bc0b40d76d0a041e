// Adam (Kingma and Ba 2015, algorithm 1), with the decoupled weight decay of AdamW (Loshchilov and Hutter 2019).
//
//   mean      <- mean_decay * mean + (1 - mean_decay) * gradient
//   square    <- square_decay * square + (1 - square_decay) * gradient^2
//   parameter <- (1 - rate * weight_decay) * parameter
//                - rate * (mean / (1 - mean_decay^t)) / (sqrt(square / (1 - square_decay^t)) + epsilon)     t = 1, 2
//                ...
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace fissile {

/// What Adam remembers of a list of parameters between steps: plain data, to be saved and loaded.
template <std::floating_point A>
struct adam_state {
  adam_state() = default;
  explicit adam_state(index_t parameters) : mean(to_size(parameters)), square(to_size(parameters)) {}

  std::int64_t steps = 0;       // taken
  std::vector<A> mean, square;  // [parameters]
  friend bool operator==(const adam_state&, const adam_state&) = default;
};

/// The settings of a step, which may change from one to the next; the memory is in the state.
///
///   adam_state<float> state{length(rows)};
///   adam{.rate = 1e-2}.step(vector_view<float>{rows}, vector_view<const float>{rows_gradient}, state);
struct adam {
  double rate = 1e-3;
  double mean_decay = 0.9;      // from 0, less than 1
  double square_decay = 0.999;  // from 0, less than 1
  double epsilon = 1e-8;        // above 0
  double weight_decay = 0;

  /// Throws setting_error where a setting is none.
  void check() const {
    const auto refuse = [](const char* name, const char* expected, double got) {
      fail<setting_error>({.argument = std::string("adam: ") + name, .expected = expected, .got = std::to_string(got)});
    };
    if (!(rate >= 0 && std::isfinite(rate))) refuse("rate", "a number, not negative", rate);
    const auto decays = [](double x) { return x >= 0 && static_cast<float>(x) < 1; };  // steps may be of floats
    if (!decays(mean_decay)) refuse("mean_decay", "at least 0 and less than 1", mean_decay);
    if (!decays(square_decay)) refuse("square_decay", "at least 0 and less than 1", square_decay);
    if (!(static_cast<float>(epsilon) > 0 && std::isfinite(epsilon))) refuse("epsilon", "a number above 0", epsilon);
    if (!(weight_decay >= 0 && std::isfinite(weight_decay))) {
      refuse("weight_decay", "a number, not negative", weight_decay);
    }
  }

  /// One step, in place. Each parameter is changed by itself: the bits do not depend on how a list is cut.
  /// parameters, gradients: as many as the state is for.
  template <std::floating_point A>
  void step(vector_view<A> parameters, vector_view<const A> gradients, adam_state<A>& state) const noexcept {
    Expects(parameters.length() == gradients.length() && parameters.length() == length(state.mean));
    Expects(state.mean.size() == state.square.size());
    ++state.steps;
    const auto t = static_cast<double>(state.steps);
    const A mean_scale = static_cast<A>(1 / (1 - std::pow(mean_decay, t)));
    const A square_scale = static_cast<A>(1 / (1 - std::pow(square_decay, t)));
    const A kept = static_cast<A>(1 - rate * weight_decay);
    const auto beta1 = static_cast<A>(mean_decay), beta2 = static_cast<A>(square_decay);
    const auto pace = static_cast<A>(rate), least = static_cast<A>(epsilon);
    A* mean = state.mean.data();
    A* square = state.square.data();
    for (index_t i = 0; i < parameters.length(); ++i) {
      const A gradient = gradients[i];
      mean[i] = beta1 * mean[i] + (1 - beta1) * gradient;
      square[i] = beta2 * square[i] + (1 - beta2) * gradient * gradient;
      const A direction = mean[i] * mean_scale / (std::sqrt(square[i] * square_scale) + least);
      parameters[i] = kept * parameters[i] - pace * direction;
    }
  }
};

}  // namespace fissile
