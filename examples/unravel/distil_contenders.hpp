// Every way to route that a distillation is compared with, at each share of active experts.
#pragma once

#include "distil_file.hpp"
#include "distil_rivals.hpp"
#include "split_model.hpp"

#include <fissile/pack/pack.hpp>
#include <fissile/route/analytic_scorer.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/mlp_scorer.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/train/flat_layer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// A layer in panels: what is scored many times should run fast.
using packed_layer = sparse_ffn<packed_experts<float>, silu>;
using layers_pointer = std::shared_ptr<const std::vector<packed_layer>>;  // [layers]

/// Writes the routes of some tokens of a layer into the workspace.
using chooser = std::function<void(index_t layer, matrix_view<const float> tokens, workspace& work)>;

struct contender {
  std::string name;
  double asked = 1;                           // share of active experts
  layers_pointer layers;                      // with the weights it runs on
  std::function<chooser(index_t text)> make;  // for one text, so that lots do not depend on threads
};

class distil_contenders {
public:
  /// Borrows all but the results, of which every fit must be done.
  distil_contenders(const split_model& split, const std::vector<layer_rivals>& rivals, distil_results learned,
                    const distil_plan& plan)
      : split_(&split),
        rivals_(&rivals),
        learned_(std::make_shared<distil_results>(std::move(learned))),
        plan_(&plan),
        given_(given_layers()) {}

  std::vector<contender> all() const {
    std::vector<contender> list;
    list.push_back({"dense", 1, given_, [experts = split_->experts()](index_t) {
                      return [experts](index_t, matrix_view<const float> tokens, workspace& work) {
                        work.choose_all(tokens.rows(), experts);
                      };
                    }});
    for (index_t share = 0; share < length(plan_->shares); ++share) append(share, list);
    return list;
  }

private:
  void append(index_t share, std::vector<contender>& list) const {
    const double asked = plan_->shares[to_size(share)];
    const top_k best{.k = experts_for(asked, split_->experts())};
    const auto add = [&](std::string name, layers_pointer layers, const auto& router_of) {
      list.push_back({std::move(name), asked, std::move(layers), same_for_all(router_of)});
    };
    add("oracle, top-k", given_, [&](index_t layer) { return split_->oracle(layer, best.k, split_->all_experts()); });
    for (const taught who : plan_->pupils) {
      const std::string name = who == taught::routers ? "distilled" : "distilled with its experts";
      const layers_pointer layers = who == taught::routers ? given_ : learned_layers(share);
      const auto rows = [&, who](index_t layer) {
        return linear_scorer{{state(who, share, layer).router.data(), split_->experts(), split_->layer(0).width()}};
      };
      add(name + ", threshold", layers, [&](index_t layer) { return router{rows(layer), sigmoid{}, plan_->fit.rule}; });
      add(name + ", top-k", layers, [&](index_t layer) { return router{rows(layer), sigmoid{}, scaled{best}}; });
    }
    add("MoEfication's network, top-k", given_, [&](index_t layer) {
      const mlp_matrices<float>& net = (*rivals_)[to_size(layer)].network.net;
      return router{mlp_scorer{net.first(), net.second()}, no_squash{}, best};
    });
    add("CMoE's analytic, top-k", given_, [&](index_t layer) {
      return router{analytic_scorer{(*rivals_)[to_size(layer)].analytic, silu{}}, no_squash{}, best};
    });
    const index_t shared = shared_experts(split_->experts());
    if (best.k > shared) {
      add("CMoE on its own split", own_layers(), [&](index_t layer) {
        const marker_split& own = *(*rivals_)[to_size(layer)].own;
        return router{analytic_scorer{unit_rows_of(split_->weights().ffn(layer), own.representatives), silu{}, shared},
                      no_squash{}, with_shared{top_k{.k = best.k - shared}, own.experts.shared_experts()}};
      });
    }
    list.push_back({"random, top-k", asked, given_, drawn(best.k)});
  }

  template <class RouterOf>
  std::function<chooser(index_t)> same_for_all(const RouterOf& router_of) const {
    using router_type = decltype(router_of(index_t{}));
    std::vector<router_type> made;
    for (index_t layer = 0; layer < split_->layers(); ++layer) made.push_back(router_of(layer));
    const auto routers = std::make_shared<const std::vector<router_type>>(std::move(made));
    return [routers, keep = learned_](index_t) {
      return [routers, keep](index_t layer, matrix_view<const float> tokens, workspace& work) {
        (*routers)[to_size(layer)](tokens, work);
      };
    };
  }

  /// Equally likely sets of `chosen` for each token, ascending (Knuth's selection sampling).
  std::function<chooser(index_t)> drawn(index_t chosen) const {
    return [experts = split_->experts(), chosen, seed = 1000 * plan_->seed](index_t text) {
      return [experts, chosen, random = random_source{seed + static_cast<std::uint64_t>(text)}](
                 index_t, matrix_view<const float> tokens, workspace& work) mutable {
        work.start(tokens.rows());
        for (route& one : work.routes()) {
          for (index_t expert = 0; one.length() < chosen; ++expert) {
            if (random.below(experts - expert) < chosen - one.length()) one.append({expert, 1.0f});
          }
        }
      };
    };
  }

  template <class WeightsOf, class SplitOf>
  layers_pointer packed(const WeightsOf& weights_at, const SplitOf& split_at) const {
    auto made = std::make_shared<std::vector<packed_layer>>();
    for (index_t layer = 0; layer < split_->layers(); ++layer) {
      made->emplace_back(pack(weights_at(layer), split_at(layer)), silu{});
    }
    return made;
  }
  const ffn_weights<float>& given(index_t layer) const noexcept { return split_->weights().ffn(layer); }
  const partition& slices(index_t layer) const noexcept { return split_->partitions()[to_size(layer)]; }
  layers_pointer given_layers() const {
    return packed([&](index_t layer) { return given(layer); }, [&](index_t layer) { return slices(layer); });
  }
  layers_pointer learned_layers(index_t share) const {
    const auto learned = [&](index_t layer) {
      return weights_of(parts_of(vector_view<float>{state(taught::experts_too, share, layer).layer}, given(layer)));
    };
    return packed(learned, [&](index_t layer) { return slices(layer); });
  }
  layers_pointer own_layers() const {
    return packed([&](index_t layer) { return given(layer); },
                  [&](index_t layer) { return (*rivals_)[to_size(layer)].own->experts; });
  }
  distil_state<float>& state(taught who, index_t share, index_t layer) const {
    for (auto& [fit, found] : learned_->fits) {
      if (fit == distil_fit{who, share, layer}) return found;
    }
    fail<setting_error>({.argument = "distil", .expected = "every fit done", .got = "one that was not begun"});
  }

  const split_model* split_;
  const std::vector<layer_rivals>* rivals_;
  std::shared_ptr<distil_results> learned_;
  const distil_plan* plan_;
  layers_pointer given_;
};

}  // namespace fissile::unravel
