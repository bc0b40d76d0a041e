// The mixture as one writes it with a good matrix library: gather the tokens of an expert, two products, scatter.
#include "gated.hpp"
#include "huge_block.hpp"

#include <algorithm>
#include <cstring>

namespace fissile::bench {
namespace {

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

class grouped_eigen final : public mixture_peer {
public:
  grouped_eigen(const peer_shape& shape, const plain_layer& layer, std::size_t copies)
      : shape_(shape), sums_(static_cast<std::size_t>(shape.threads), Eigen::MatrixXf(shape.width, shape.batch)) {
    const std::ptrdiff_t small = shape.neurons / shape.experts, large = shape.neurons % shape.experts;
    for (std::ptrdiff_t e = 0; e <= shape.experts; ++e) begin_.push_back(e * small + std::min(e, large));
    for (std::size_t copy = 0; copy < copies; ++copy) {
      weights_.emplace_back(static_cast<std::size_t>(3 * shape.width * shape.neurons) * sizeof(float));
      for (std::ptrdiff_t e = 0; e < shape.experts; ++e) fill(layer, e, weights_.back().floats());
    }
  }

  std::string kernel() const override { return std::string("Eigen, ") + Eigen::SimdInstructionSetsInUse(); }

  void run(std::size_t copy, const chosen_experts& chosen, const float* tokens, float* out) override {
    const float* weights = weights_[copy % weights_.size()].floats();
#pragma omp parallel num_threads(shape_.threads) if (shape_.threads > 1)
    {
#if defined(_OPENMP)
      Eigen::MatrixXf& sum = sums_[static_cast<std::size_t>(omp_get_thread_num())];
#else
      Eigen::MatrixXf& sum = sums_[0];
#endif
      sum.setZero();
#pragma omp for schedule(dynamic, 1)
      for (std::ptrdiff_t e = 0; e < shape_.experts; ++e) {
        run_expert(weights, e, chosen.members[static_cast<std::size_t>(e)], tokens, sum);
      }
    }
    Eigen::Map<Eigen::MatrixXf> result(out, shape_.width, shape_.batch);
    result = sums_[0];
    for (std::size_t thread = 1; thread < sums_.size(); ++thread) result += sums_[thread];
  }

private:
  std::ptrdiff_t size(std::ptrdiff_t e) const {
    return begin_[std::size_t(e) + 1] - begin_[std::size_t(e)];
  }

  /// Gate, up and down of one expert side by side, row by row.
  void fill(const plain_layer& layer, std::ptrdiff_t e, float* to) const {
    const std::ptrdiff_t first = begin_[std::size_t(e)], count = size(e), width = shape_.width;
    to += 3 * width * first;
    std::memcpy(to, layer.in + first * width, std::size_t(count * width) * sizeof(float));
    std::memcpy(to + count * width, layer.in + (shape_.neurons + first) * width,
                std::size_t(count * width) * sizeof(float));
    for (std::ptrdiff_t row = 0; row < width; ++row) {
      std::memcpy(to + 2 * count * width + row * count, layer.down + row * shape_.neurons + first,
                  std::size_t(count) * sizeof(float));
    }
  }

  void run_expert(const float* weights, std::ptrdiff_t e, const std::vector<std::ptrdiff_t>& members,
                  const float* tokens, Eigen::MatrixXf& sum) const {
    const auto served = static_cast<std::ptrdiff_t>(members.size());
    if (served == 0) return;
    const std::ptrdiff_t width = shape_.width, count = size(e);
    const float* mine = weights + 3 * width * begin_[std::size_t(e)];
    Eigen::MatrixXf in(width, served), inner(2 * count, served), result(width, served);
    for (std::ptrdiff_t i = 0; i < served; ++i) {
      in.col(i) = Eigen::Map<const Eigen::VectorXf>(tokens + members[std::size_t(i)] * width, width);
    }
    inner.noalias() = Eigen::Map<const row_major>(mine, 2 * count, width) * in;
    const auto gate = inner.topRows(count).array();
    const Eigen::MatrixXf hidden = gate / (1 + (-gate).exp()) * inner.bottomRows(count).array();
    result.noalias() = Eigen::Map<const row_major>(mine + 2 * count * width, width, count) * hidden;
    for (std::ptrdiff_t i = 0; i < served; ++i) sum.col(members[std::size_t(i)]) += result.col(i);
  }

  peer_shape shape_;
  std::vector<std::ptrdiff_t> begin_;  // [experts + 1]
  std::vector<huge_block> weights_;
  std::vector<Eigen::MatrixXf> sums_;  // [threads]: [width x batch]
};

}  // namespace

std::unique_ptr<mixture_peer> make_grouped_eigen(const peer_shape& shape, const plain_layer& layer,
                                                 std::size_t copies) {
  if (!threads_available(shape.threads)) return nullptr;
  Eigen::setNbThreads(1);
  pin_threads(shape.threads);
  return std::make_unique<grouped_eigen>(shape, layer, copies);
}

}  // namespace fissile::bench
