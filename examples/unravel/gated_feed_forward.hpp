// Feed-forward layers behind gates that were trained with the model: only the experts that open for a token are run.
#pragma once

#include "machine_limits.hpp"

#include <dsmoe/gates_file.hpp>
#include <engine/packed_model.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// How many experts opened, of how many that might have. Add them up, never the shares.
struct opened {
  std::uint64_t experts = 0, of = 0;
  double share() const noexcept { return of == 0 ? 0.0 : static_cast<double>(experts) / static_cast<double>(of); }
};

inline double share_of(const std::vector<opened>& layers) noexcept {
  opened all;
  for (const opened& one : layers) {
    all.experts += one.experts;
    all.of += one.of;
  }
  return all.share();
}

/// For a session. Measures the seconds spent in the layers, gates included.
template <packed_element T>
class gated_feed_forward {
public:
  /// Borrows all. The model is split as the gates are; the threshold is that of `gates`.
  gated_feed_forward(const engine::packed_model<T>& weights, const examples::saved_gates& gates, workspace& work)
      : model_(&weights), work_(&work), opened_(gates.rows.size()) {
    for (index_t layer = 0; layer < length(gates.rows); ++layer) {
      choose_.push_back(dsmoe::router_of(gates.layer(layer), gates.chosen));
    }
  }

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    seconds_ += seconds_of([&] {
      choose_[to_size(layer)](tokens, *work_);
      model_->ffn(layer).accumulate(tokens, *work_, residual);
    });
    opened& seen = opened_[to_size(layer)];
    for (const route& chosen : std::as_const(*work_).routes()) {
      seen.experts += static_cast<std::uint64_t>(chosen.length());
      seen.of += static_cast<std::uint64_t>(work_->experts());
    }
  }

  /// Since the last call of this.
  double take_seconds() noexcept { return std::exchange(seconds_, 0.0); }
  /// Of each layer, since the last call of this. [layers]
  std::vector<opened> take_opened() { return std::exchange(opened_, std::vector<opened>(opened_.size())); }

private:
  using gate_router = decltype(dsmoe::router_of(std::declval<matrix_view<const float>>(), dsmoe::choices{}));

  const engine::packed_model<T>* model_;
  workspace* work_;
  std::vector<gate_router> choose_;  // [layers]
  std::vector<opened> opened_;       // [layers]
  double seconds_ = 0;
};

}  // namespace fissile::unravel
