// The oracle: scores by what the experts really do, at the cost of computing every neuron.
//
// It is the yardstick for routers, and what experts are counted with where no router exists. The paper that counts
// experts by language (Liu et al. 2024, "Unraveling Babel") does not publish its gate score, so both choices are named
// here and are ours: score_e = reduce over the neurons j of expert e of phi(h_j). The sum of positive activations is
// MoEfication's (Zhang et al. 2022).
//
//   oracle_scorer{borrow(ffn, split), silu{}}                                    sum of |h|
//   oracle_scorer{borrow(ffn, split), silu{}, phi::squared{}, reduce::mean{}}
#pragma once

#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/route/scorer.hpp>
#include <fissile/weights/hidden_products.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile {

/// What one neuron's activation counts for.
namespace phi {
struct absolute {  // |h|
  float operator()(index_t, float hidden) const noexcept { return std::abs(hidden); }
};
struct squared {  // h^2
  float operator()(index_t, float hidden) const noexcept { return hidden * hidden; }
};
struct positive {  // max(h, 0)
  float operator()(index_t, float hidden) const noexcept { return hidden < 0 ? 0.0f : hidden; }
};
/// |h_j| * ||down_j||: how far the neuron moves the output.
struct contribution {
  std::vector<float> norms;  // [neurons]: of the columns of down

  /// Throws shape_error for a layer that does not fit together.
  template <element T>
  static contribution of(const ffn_weights<T>& ffn) {
    check_shapes(ffn, "oracle_scorer: phi::contribution");
    contribution made;
    for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) {
      double sum = 0;
      for (index_t i = 0; i < ffn.width(); ++i) {
        const double weight = widen<double>(ffn.down(i, neuron));
        sum += weight * weight;
      }
      made.norms.push_back(static_cast<float>(std::sqrt(sum)));
    }
    return made;
  }
  void check(index_t neurons) const {
    if (length(norms) == neurons) return;
    fail<shape_error>({.argument = "oracle_scorer: phi::contribution: norms",
                       .expected = std::to_string(neurons) + " numbers, one a neuron",
                       .got = std::to_string(norms.size()),
                       .cure = "make it of this layer: phi::contribution::of(ffn)"});
  }
  float operator()(index_t neuron, float hidden) const noexcept { return std::abs(hidden) * norms[to_size(neuron)]; }
};
}  // namespace phi

/// How the neurons of an expert are brought together. Terms come in ascending order of neurons.
namespace reduce {
struct sum {
  static float add(float so_far, float term) noexcept { return so_far + term; }
  static float finish(float so_far, index_t) noexcept { return so_far; }
};
struct mean {
  static float add(float so_far, float term) noexcept { return so_far + term; }
  static float finish(float so_far, index_t neurons) noexcept { return so_far / static_cast<float>(neurons); }
};
/// Largest value; phi is never negative, so 0 is a fair start. A NaN stays.
struct largest {
  static float add(float so_far, float term) noexcept { return term > so_far || term != term ? term : so_far; }
  static float finish(float so_far, index_t) noexcept { return so_far; }
};
}  // namespace reduce

template <class Storage, class Activation, class Phi = phi::absolute, class Reduce = reduce::sum>
class oracle_scorer {
  static_assert(expert_storage<Storage>,
                "fissile::oracle_scorer, the experts: as `borrow(ffn, partition)` makes them "
                "(docs/concepts/expert_storage.md)");
  static_assert(activation<Activation>,
                "fissile::oracle_scorer, activation: `float operator()(float) const noexcept` "
                "(docs/concepts/activation.md)");
  static_assert(noexcept(std::declval<const Phi&>()(index_t{}, 0.0f)),
                "fissile::oracle_scorer, phi: `float operator()(index_t neuron, float hidden) const noexcept`");

public:
  /// Throws shape_error where phi was made for another layer.
  explicit oracle_scorer(Storage storage, Activation activate, Phi of_neuron = {}, Reduce = {})
      : storage_(std::move(storage)), activate_(std::move(activate)), phi_(std::move(of_neuron)) {
    if constexpr (requires { phi_.check(index_t{}); }) phi_.check(split().neurons());
  }

  index_t experts() const noexcept { return split().experts(); }
  index_t width() const noexcept { return storage_.width(); }
  index_t scratch() const noexcept { return width() * lanes; }
  const partition& split() const noexcept { return storage_.experts(); }

  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float> scratch) const noexcept {
    const token_tile tile = make_tile(
        width(), tokens.rows(), [&](index_t lane) noexcept { return tokens.row(lane).data(); }, scratch.data());
    for (index_t e = 0; e < experts(); ++e) {
      const auto expert = storage_.expert(e);
      const vector_view<const index_t> neurons = split().expert(e);  // of the layer, where the expert may count its own
      std::array<float, to_size(lanes)> score{};
      compute_hidden(expert.ffn, activate_, expert.neurons, tile, [&](index_t j, index_t lane, float hidden) noexcept {
        score[to_size(lane)] = Reduce::add(score[to_size(lane)], phi_(neurons[j], hidden));
      });
      for (index_t token = 0; token < tokens.rows(); ++token) {
        scores(token, e) = Reduce::finish(score[to_size(token)], neurons.length());
      }
    }
  }

private:
  Storage storage_;
  [[no_unique_address]] Activation activate_;
  [[no_unique_address]] Phi phi_;
};

}  // namespace fissile
