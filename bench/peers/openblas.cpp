// OpenBLAS's dense layer: cblas_sgemm, and cblas_sgemv for one token.
#include "gated.hpp"

#include <cblas.h>

namespace fissile::bench {
namespace {

class openblas_peer final : public dense_peer {
public:
  openblas_peer(const peer_shape& shape, const std::vector<plain_layer>& layers)
      : shape_(shape), layers_(layers), sums_(shape.batch * 2 * shape.neurons), hidden_(shape.batch * shape.neurons) {}

  std::string kernel() const override {
    return std::string(openblas_get_config()) + ", kernels " + openblas_get_corename();
  }
  void run(std::size_t copy, const float* tokens, float* out) override {
    const plain_layer& layer = layers_[copy % layers_.size()];
    multiply(layer.in, 2 * shape_.neurons, shape_.width, tokens, sums_.data());
    gate_batch(sums_.data(), hidden_.data(), shape_);
    multiply(layer.down, shape_.width, shape_.neurons, hidden_.data(), out);
  }

private:
  /// matrix: [outputs x inputs]
  void multiply(const float* matrix, std::ptrdiff_t outputs, std::ptrdiff_t inputs, const float* in, float* out) const {
    const auto m = static_cast<blasint>(shape_.batch), n = static_cast<blasint>(outputs),
               k = static_cast<blasint>(inputs);
    if (m == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1.0f, matrix, k, in, 1, 0.0f, out, 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0f, in, k, matrix, k, 0.0f, out, n);
    }
  }

  peer_shape shape_;
  std::vector<plain_layer> layers_;
  Eigen::ArrayXf sums_, hidden_;
};

}  // namespace

std::unique_ptr<dense_peer> make_openblas(const peer_shape& shape, const std::vector<plain_layer>& layers) {
  openblas_set_num_threads(shape.threads);  // its own threads, which it does not let others pin
  return std::make_unique<openblas_peer>(shape, layers);
}

}  // namespace fissile::bench
