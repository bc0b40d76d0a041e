// What giving up experts gains in tokens a second, with packed weights: the experts removed, or there and never chosen.
//
// Which experts are given up changes nothing here, so they are drawn. Choosing among the others costs a router's time,
// which is not in these numbers.
#pragma once

#include "pruning.hpp"

#include <fissile/pack/pack.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <unravel/speed_bench.hpp>

#include <memory>
#include <string>
#include <vector>

namespace fissile::babel_study {

/// For a session: the same experts of each layer work for every token.
class fixed_experts {
public:
  using layer_type = sparse_ffn<packed_experts<float>, silu>;

  fixed_experts(std::vector<layer_type> layers, std::vector<std::vector<index_t>> working, index_t batch)
      : layers_(std::move(layers)), working_(std::move(working)), work_(layers_.front(), {.batch = batch}) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    work_.choose_these(tokens.rows(), working_[to_size(layer)]);
    layers_[to_size(layer)].accumulate(tokens, work_, residual);
  }

private:
  std::vector<layer_type> layers_;
  std::vector<std::vector<index_t>> working_;  // [layers][experts that work]
  workspace work_;
};

/// `splits`: the experts; `given_up` says which go.
inline fixed_experts with_experts(const engine::model<float>& weights, const std::vector<partition>& splits,
                                  const verdict& given_up, use_kind use) {
  std::vector<fixed_experts::layer_type> layers;
  std::vector<std::vector<index_t>> working;
  for (index_t layer = 0; layer < length(splits); ++layer) {
    const ffn_weights<float>& ffn = weights.ffn(layer);
    if (use == use_kind::remove) {
      layers.emplace_back(pack(apply(ffn, splits[to_size(layer)], given_up, layer).ffn.view()), silu{});
      working.push_back({0});
    } else {
      layers.emplace_back(pack(ffn, splits[to_size(layer)]), silu{});
      working.push_back(given_up.kept(layer));
    }
  }
  return {std::move(layers), std::move(working), unravel::tokens_at_once};
}

/// One way to run the model.
struct speed_variant {
  std::string name;
  double share = 1;  // of the experts that is left
  std::unique_ptr<fixed_experts> ffn;
  std::vector<double> decode, prompt;  // tokens a second, one sample a round
};

/// All variants in turn, again and again, so that what else the machine does hits all alike.
class speed_rounds {
public:
  explicit speed_rounds(const std::string& file)
      : weights_(file), packed_(weights_), read_(packed_, {.context = 512, .batch = unravel::tokens_at_once}) {
    random_source random{1};
    for (index_t i = 0; i < 512; ++i) tokens_.push_back(static_cast<engine::token_id>(random.below(256)));
  }
  const engine::model<float>& weights() const noexcept { return weights_; }

  void round(std::vector<speed_variant>& variants) {
    for (speed_variant& one : variants) {
      one.prompt.push_back(384 / unravel::seconds_of([&] {
                             read_.rewind(0);
                             for (index_t first = 0; first < 384; first += read_.batch()) read(first, *one.ffn);
                           }));
      one.decode.push_back(64 / unravel::seconds_of([&] {
                             for (index_t i = 0; i < 64; ++i) {
                               read_(vector_view<const engine::token_id>{tokens_}.part(read_.position(), 1), *one.ffn);
                               read_.last_logits();
                             }
                           }));
    }
  }

private:
  void read(index_t first, fixed_experts& ffn) {
    read_(vector_view<const engine::token_id>{tokens_}.part(first, read_.batch()), ffn);
  }

  engine::model<float> weights_;
  engine::packed_model<float> packed_;
  engine::session<engine::packed_model<float>> read_;
  std::vector<engine::token_id> tokens_;  // [context]
};

inline constexpr index_t speed_expert_neurons = 32;  // a panel of gate and up: smaller ones are padded
inline constexpr std::array<double, 4> speed_rates{0.125, 0.25, 0.375, 0.5};

/// Dense first, then every rate removed and never chosen.
inline std::vector<speed_variant> speed_variants(const engine::model<float>& weights) {
  const babel::choices chosen{.expert_neurons = speed_expert_neurons};
  std::vector<ffn_weights<float>> layers;
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) layers.push_back(weights.ffn(layer));
  const auto splits = babel::split(layers, even_slices{}, chosen);
  std::vector<speed_variant> variants;
  const auto add = [&](const std::string& name, double rate, use_kind use) {
    const verdict given_up = babel::at_random(1, uniform{.rate = rate}, splits);
    variants.push_back(
        {name, 1 - rate, std::make_unique<fixed_experts>(with_experts(weights, splits, given_up, use)), {}, {}});
  };
  add("dense", 0, use_kind::remove);
  add("all experts on", 0, use_kind::restrict);
  for (const double rate : speed_rates) {
    add("removed", rate, use_kind::remove);
    add("never chosen", rate, use_kind::restrict);
  }
  return variants;
}

}  // namespace fissile::babel_study
