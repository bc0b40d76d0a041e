// A layer as another library runs it. The files of this folder are compiled for the processor they run on and know
// nothing of our library: peers are timed at their best, and no code of theirs can end up in ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fissile::bench {

struct peer_shape {
  std::ptrdiff_t width = 0;
  std::ptrdiff_t neurons = 0;
  std::ptrdiff_t experts = 1;
  std::ptrdiff_t batch = 1;
  int threads = 1;
};

/// One copy of the gated layer, borrowed: two matrices, so that gate and up are one product.
struct plain_layer {
  const float* in;    // [2 * neurons x width]: gate, then up
  const float* down;  // [width x neurons]
};

/// The experts of every token of a batch, from both sides.
struct chosen_experts {
  std::ptrdiff_t each = 0;                           // experts of one token
  std::vector<std::int32_t> of_token;                // [batch x each], ascending
  std::vector<std::vector<std::ptrdiff_t>> members;  // [experts]: tokens, ascending
};

/// The dense layer.
class dense_peer {
public:
  virtual ~dense_peer() = default;
  /// What runs: library, version, kernel.
  virtual std::string kernel() const = 0;
  /// tokens, out: [batch x width].
  virtual void run(std::size_t copy, const float* tokens, float* out) = 0;
};

/// The layer cut into experts of consecutive neurons.
class mixture_peer {
public:
  virtual ~mixture_peer() = default;
  virtual std::string kernel() const = 0;
  virtual void run(std::size_t copy, const chosen_experts& chosen, const float* tokens, float* out) = 0;
};

/// The numbers a peer keeps its weights in.
enum class peer_type { f32, bf16, f16, q8_0 };

// Each makes a peer, or nothing where it was not built in or cannot do what is asked. Layers that are only borrowed
// must outlive the peer.
std::unique_ptr<dense_peer> make_eigen(const peer_shape& shape, const std::vector<plain_layer>& layers);
std::unique_ptr<dense_peer> make_openblas(const peer_shape& shape, const std::vector<plain_layer>& layers);
std::unique_ptr<dense_peer> make_onednn(const peer_shape& shape, const std::vector<plain_layer>& layers,
                                        peer_type type);
std::unique_ptr<dense_peer> make_ggml_dense(const peer_shape& shape, const plain_layer& layer, std::size_t copies,
                                            peer_type type);
/// Products of Eigen, expert by expert, over gathered tokens.
std::unique_ptr<mixture_peer> make_grouped_eigen(const peer_shape& shape, const plain_layer& layer, std::size_t copies);
/// ggml's mul_mat_id.
std::unique_ptr<mixture_peer> make_ggml(const peer_shape& shape, const plain_layer& layer, std::size_t copies,
                                        peer_type type);

}  // namespace fissile::bench
