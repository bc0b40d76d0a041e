// The gate of babel::gate, over hidden activations that are there already: the scores of oracle_scorer, top-k of them.
#pragma once

#include <fissile/recipes/babel.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::babel_study {

/// What a neuron counts for, and how the neurons of an expert are brought together (oracle_scorer.hpp). The mean is not
/// among them: where experts are equally large it chooses as the sum does.
enum class phi_kind { absolute, squared, positive, contribution };
enum class reduce_kind { sum, largest };
inline constexpr std::array<phi_kind, 4> phi_kinds{phi_kind::absolute, phi_kind::squared, phi_kind::positive,
                                                   phi_kind::contribution};

struct score_kind {
  phi_kind phi = phi_kind::absolute;
  reduce_kind reduce = reduce_kind::sum;
  friend bool operator==(const score_kind&, const score_kind&) = default;
};

inline std::string name_of(score_kind kind) {
  constexpr std::array<std::string_view, 4> names{"|h|", "h^2", "max(h, 0)", "|h| ||down||"};
  return (kind.reduce == reduce_kind::sum ? "sum of " : "largest ") +
         std::string{names[static_cast<std::size_t>(kind.phi)]};
}

/// Of one layer.
class hidden_gate {
public:
  /// Borrows the partition. `candidates`: the experts that may be chosen.
  hidden_gate(const ffn_weights<float>& ffn, const partition& split, score_kind kind, const babel::choices& chosen,
              const expert_set& candidates)
      : split_(&split),
        kind_(kind),
        select_{top_k{.k = babel::active_of(split.experts(), chosen)}, {}},
        scores_(to_size(split.experts())),
        keys_(scores_),
        route_(split.experts()) {
    if (kind.phi == phi_kind::contribution) contribution_ = phi::contribution::of(ffn);
    select_.allowed.assign(scores_.size(), 0);
    for (const index_t expert : candidates) select_.allowed[to_size(expert)] = 1;
  }

  /// Good until the next call.
  const route& operator()(vector_view<const float> hidden) noexcept {
    switch (kind_.phi) {
      case phi_kind::absolute:
        score(hidden, phi::absolute{});
        break;
      case phi_kind::squared:
        score(hidden, phi::squared{});
        break;
      case phi_kind::positive:
        score(hidden, phi::positive{});
        break;
      case phi_kind::contribution:
        score(hidden, contribution_);
        break;
    }
    keys_ = scores_;
    route_.clear();
    select_.select({scores_, keys_}, route_);
    return route_;
  }

private:
  template <class Phi>
  void score(vector_view<const float> hidden, const Phi& of_neuron) noexcept {
    kind_.reduce == reduce_kind::sum ? reduce_with<reduce::sum>(hidden, of_neuron)
                                     : reduce_with<reduce::largest>(hidden, of_neuron);
  }
  template <class Reduce, class Phi>
  void reduce_with(vector_view<const float> hidden, const Phi& of_neuron) noexcept {
    for (index_t e = 0; e < split_->experts(); ++e) {
      const vector_view<const index_t> neurons = split_->expert(e);
      float score = 0;
      for (index_t i = 0; i < neurons.length(); ++i) {
        score = Reduce::add(score, of_neuron(neurons[i], hidden[neurons[i]]));
      }
      scores_[to_size(e)] = Reduce::finish(score, neurons.length());
    }
  }

  const partition* split_;
  score_kind kind_;
  phi::contribution contribution_;
  among<top_k> select_;
  std::vector<float> scores_, keys_;  // [experts]
  route route_;
};

}  // namespace fissile::babel_study
