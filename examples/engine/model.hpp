// A dense LLaMA model: its file, and every weight of it as a view.
//
// Feed-forward weights are of the type the user names: model<float> takes any file, model<f16> and model<bf16> borrow
// files stored so and refuse others.
#pragma once

#include <engine/model_frame.hpp>

#include <fissile/weights/ffn_weights.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::engine {

/// Const once loaded; threads may share it. Move-only; views into it stay good when it moves.
template <gguf_element T = float>
class model : public model_frame {
public:
  explicit model(std::string path) : model_frame(std::move(path)) {
    if (sizes().experts != 0) {
      refuse(file(), std::string{name_of(sizes().family)} + ".expert_count", "a dense model",
             "a mixture of " + std::to_string(sizes().experts) + " experts");
    }
    const index_t width = sizes().width, neurons = sizes().neurons;
    for (index_t layer = 0; layer < sizes().layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      ffns_.push_back({.gate = matrix<T>(block + "ffn_gate.weight", neurons, width),
                       .up = matrix<T>(block + "ffn_up.weight", neurons, width),
                       .down = matrix<T>(block + "ffn_down.weight", width, neurons)});
    }
    refuse_other_tensors();
  }

  /// Where fissile comes in: the feed-forward weights of a layer, to be split, run, counted and pruned.
  const ffn_weights<T>& ffn(index_t layer) const noexcept { return ffns_[to_size(layer)]; }

private:
  std::vector<ffn_weights<T>> ffns_;
};

}  // namespace fissile::engine
