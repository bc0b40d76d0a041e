// Feed-forward layers with experts drawn by lot: speed can be measured where no router was trained.
#pragma once

#include "machine_limits.hpp"

#include <engine/packed_model.hpp>

#include <fissile/base/random.hpp>

#include <cstdint>
#include <utility>

namespace fissile::unravel {

/// Equally likely sets of `chosen` experts of as many as the workspace has, for each token; at weight 1.
inline void draw_routes(workspace& work, index_t chosen, random_source& random) noexcept {
  for (route& one : work.routes()) {
    index_t wanted = chosen;
    for (index_t expert = 0; wanted > 0; ++expert) {  // Knuth's selection sampling: ascending, without memory
      if (random.below(work.experts() - expert) >= wanted) continue;
      one.append({expert, 1.0f});
      --wanted;
    }
  }
}

/// For a session. Measures the seconds spent in the layers, lots not counted.
template <packed_element T>
class drawn_feed_forward {
public:
  /// Borrows the model; `chosen` of its experts work for each token of each layer.
  drawn_feed_forward(const engine::packed_model<T>& weights, index_t chosen, workspace& work, std::uint64_t seed)
      : model_(&weights), chosen_(chosen), work_(&work), random_(seed) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    work_->start(tokens.rows());
    draw_routes(*work_, chosen_, random_);
    seconds_ += seconds_of([&] { model_->ffn(layer).accumulate(tokens, *work_, residual); });
  }
  /// Since the last call of this.
  double take_seconds() noexcept { return std::exchange(seconds_, 0.0); }

private:
  const engine::packed_model<T>* model_;
  index_t chosen_;
  workspace* work_;
  random_source random_;
  double seconds_ = 0;
};

}  // namespace fissile::unravel
