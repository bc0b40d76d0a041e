// A model with every feed-forward layer split into experts: read-only, shared by all threads of a study.
#pragma once

#include <engine/model.hpp>

#include <fissile/partition/even_slices.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/oracle_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

using split_layer = sparse_ffn<borrowed_experts<float>, silu>;

/// Looks at what the experts really do: score = sum of |h| over an expert's neurons, K best.
using oracle_router = router<oracle_scorer<borrowed_experts<float>, silu>, no_squash, among<top_k>>;

class split_model {
public:
  /// Borrows the model. Throws setting_error unless 2 <= experts <= neurons.
  split_model(const engine::model<float>& weights, index_t experts) : model_(&weights) {
    if (experts < 2) {
      fail<setting_error>(
          {.argument = "--experts",
           .expected = "from 2 to " + std::to_string(weights.sizes().neurons) + ", the neurons of a layer",
           .got = std::to_string(experts)});
    }
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
      partitions_.push_back(even_slices{}.split(weights.ffn(layer), experts));
      layers_.emplace_back(borrow(weights.ffn(layer), partitions_.back()), silu{});
    }
  }

  const engine::model<float>& weights() const noexcept { return *model_; }
  index_t layers() const noexcept { return length(layers_); }
  index_t experts() const noexcept { return partitions_.front().experts(); }
  const std::vector<partition>& partitions() const noexcept { return partitions_; }
  const split_layer& layer(index_t l) const noexcept { return layers_[to_size(l)]; }

  /// Chooses `active` of these experts for each token, or all of them where they are fewer.
  oracle_router oracle(index_t l, index_t active, const std::vector<index_t>& candidates) const {
    std::vector<char> allowed(to_size(experts()), 0);
    for (const index_t expert : candidates) allowed[to_size(expert)] = 1;
    return {oracle_scorer{borrow(model_->ffn(l), partitions_[to_size(l)]), silu{}}, no_squash{},
            among<top_k>{top_k{.k = active}, std::move(allowed)}};
  }
  std::vector<index_t> all_experts() const { return ascending(experts()); }

private:
  const engine::model<float>* model_;
  std::vector<partition> partitions_;
  std::vector<split_layer> layers_;
};

}  // namespace fissile::unravel
