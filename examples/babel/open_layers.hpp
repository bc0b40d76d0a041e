// Feed-forward layers that lie open: every hidden activation is shown, and may be silenced, before it goes on.
//
// With the neurons of an expert at zero the layer gives what it gives without the expert, up to rounding: so one fast
// pass serves for counting, for pruning and for routing with experts of any size. What it computes is the dense layer;
// speed is measured elsewhere.
#pragma once

#include <engine/arithmetic.hpp>
#include <engine/model.hpp>

#include <fissile/pack/packed_matrix.hpp>
#include <fissile/weights/activations.hpp>

#include <vector>

namespace fissile::babel_study {

/// Of one layer.
struct open_layer {
  packed_matrix<float> gate, up;  // [neurons x width]
  packed_matrix<float> down;      // [width x neurons]
};

inline std::vector<open_layer> open_layers_of(const engine::model<float>& weights) {
  std::vector<open_layer> layers;
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    const ffn_weights<float>& ffn = weights.ffn(layer);
    layers.push_back({packed_matrix<float>{ffn.gate}, packed_matrix<float>{ffn.up}, packed_matrix<float>{ffn.down}});
  }
  return layers;
}

/// For a session: `look(layer, hidden)` sees the activations of each token, [neurons], and may set some to zero.
template <class Look>
class open_feed_forward {
public:
  /// Borrows the layers and `look`.
  open_feed_forward(const std::vector<open_layer>& layers, index_t batch, Look& look)
      : layers_(&layers),
        look_(&look),
        gate_(batch, layers.front().gate.outputs()),
        hidden_(batch, layers.front().gate.outputs()) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    const open_layer& weights = (*layers_)[to_size(layer)];
    const matrix_view<float> gate = gate_.rows(tokens.rows()), hidden = hidden_.rows(tokens.rows());
    weights.gate(tokens, gate);
    weights.up(tokens, hidden);
    for (index_t token = 0; token < tokens.rows(); ++token) {
      const vector_view<float> h = hidden.row(token);
      for (index_t j = 0; j < h.length(); ++j) h[j] *= silu{}(gate(token, j));
      (*look_)(layer, h);
    }
    weights.down.accumulate(hidden, residual);
  }

private:
  const std::vector<open_layer>* layers_;
  Look* look_;
  engine::grid gate_, hidden_;  // [batch x neurons]
};

}  // namespace fissile::babel_study
