// Eigen's dense layer: three products and the activation; one token row by row, which is Eigen's fastest way.
#include "gated.hpp"

namespace fissile::bench {
namespace {

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using rows = Eigen::Map<const row_major>;
using columns = Eigen::Map<Eigen::MatrixXf, 0, Eigen::OuterStride<>>;
using constant_columns = Eigen::Map<const Eigen::MatrixXf>;

/// out = matrix . in for every token; matrix: [outputs x inputs], in: [batch x inputs], out: [batch x outputs].
struct product {
  const float* matrix;
  std::ptrdiff_t outputs, inputs;

  void operator()(const float* in, float* out, const peer_shape& shape) const {
#pragma omp parallel for num_threads(shape.threads) if (shape.threads > 1) schedule(static)
    for (int part = 0; part < shape.threads; ++part) {
      const std::ptrdiff_t first = outputs * part / shape.threads, last = outputs * (part + 1) / shape.threads;
      if (shape.batch == 1) {
        const Eigen::Map<const Eigen::VectorXf> token(in, inputs);
        for (std::ptrdiff_t row = first; row < last; ++row) {
          out[row] = Eigen::Map<const Eigen::VectorXf>(matrix + row * inputs, inputs).dot(token);
        }
        continue;
      }
      columns(out + first, last - first, shape.batch, Eigen::OuterStride<>(outputs)).noalias() =
          rows(matrix + first * inputs, last - first, inputs) * constant_columns(in, inputs, shape.batch);
    }
  }
};

class eigen_peer final : public dense_peer {
public:
  eigen_peer(const peer_shape& shape, const std::vector<plain_layer>& layers)
      : shape_(shape), layers_(layers), sums_(shape.batch * 2 * shape.neurons), hidden_(shape.batch * shape.neurons) {}

  std::string kernel() const override {
    return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
           std::to_string(EIGEN_MINOR_VERSION) + ", " + Eigen::SimdInstructionSetsInUse();
  }
  void run(std::size_t copy, const float* tokens, float* out) override {
    const plain_layer& layer = layers_[copy % layers_.size()];
    product{layer.in, 2 * shape_.neurons, shape_.width}(tokens, sums_.data(), shape_);
    gate_batch(sums_.data(), hidden_.data(), shape_);
    product{layer.down, shape_.width, shape_.neurons}(hidden_.data(), out, shape_);
  }

private:
  peer_shape shape_;
  std::vector<plain_layer> layers_;
  Eigen::ArrayXf sums_, hidden_;
};

}  // namespace

std::unique_ptr<dense_peer> make_eigen(const peer_shape& shape, const std::vector<plain_layer>& layers) {
  if (!threads_available(shape.threads)) return nullptr;
  Eigen::setNbThreads(1);  // rows are cut by `product`
  pin_threads(shape.threads);
  return std::make_unique<eigen_peer>(shape, layers);
}

}  // namespace fissile::bench
