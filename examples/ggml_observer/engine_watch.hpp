// Looks on while an engine that stands on ggml reads: the callback of its scheduler fills fissile's counters.
//
// By the names that llama.cpp gives its tensors, N being the layer:
//
//   ffn_moe_topk-N   [tokens x experts used], whole numbers      which experts each token chose
//   ffn_gate-N       [tokens x neurons]                          the gate of a dense layer, before its activation
//   ffn_moe_gate-N   [tokens x experts used x neurons]           the same of a mixture's chosen experts
//
// No engine and no ggml.h is needed to read this: any tensor with ggml's members serves. Its memory must be the host's.
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/count/firing_rates.hpp>
#include <fissile/with/ggml.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::ggml_observer {

/// "ffn_moe_topk-12" is what = "ffn_moe_topk", layer = 12; another name is of no layer: -1.
struct tensor_place {
  std::string_view what;
  index_t layer = -1;
};
inline tensor_place place_of(std::string_view name) noexcept {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) return {name, -1};
  index_t layer = -1;
  const char* end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + dash + 1, end, layer);
  if (error != std::errc{} || stopped != end || layer < 0) return {name, -1};
  return {name.substr(0, dash), layer};
}

/// Fills a route from the experts an engine chose, in any order, at weight 1. Throws setting_error where one is chosen
/// twice or is none of `experts`.
inline void read_route(vector_view<const std::int32_t> chosen, index_t experts, route& into) {
  into.clear();
  for (const std::int32_t expert : chosen) {
    bool good = expert >= 0 && expert < experts;
    for (const choice& before : into) good = good && before.expert != expert;
    if (!good) {
      fail<setting_error>({.argument = "experts that the engine chose",
                           .expected = "different ones from 0 to " + std::to_string(experts - 1),
                           .got = std::to_string(expert)});
    }
    into.append({expert, 1.0f});
  }
  into.settle();
}

/// Where the counts go; leave out what is not wanted. For a mixture, `gates` has experts * neurons of each a layer.
struct watched_counts {
  activation_counts* routes = nullptr;
  firing_rates* gates = nullptr;
};

/// Borrows the counts. One graph at a time.
class engine_watch {
public:
  explicit engine_watch(watched_counts into) : into_(into) {}

  /// What is read from here on is text of this label, the place of one in the counts.
  void begin(index_t label) noexcept { label_ = label; }

  /// As ggml_backend_sched_eval_callback: asked first whether it wants a tensor, then told what is in it. Counting
  /// never stops the engine: what went wrong is kept, nothing is counted any more, and `check` tells.
  template <ggml_tensor_like Tensor>
  bool operator()(const Tensor* tensor, bool ask) noexcept {
    const char* name = tensor->name;
    const tensor_place place = place_of(name);
    const bool chosen = place.what == "ffn_moe_topk";
    const bool wanted =
        chosen || (into_.gates != nullptr && (place.what == "ffn_gate" || place.what == "ffn_moe_gate"));
    if (!wanted || place.layer < 0 || !problem_.empty()) return !ask;
    if (ask) return true;
    try {
      if (chosen) {
        count_routes(view<std::int32_t>(tensor), place.layer);
      } else {
        count_gates(view<float>(tensor), place);
      }
    } catch (const std::exception& problem) {
      problem_ = std::string{name} + ": " + problem.what();
    }
    return true;
  }
  /// The callback itself: give it to ggml_backend_sched_set_eval_callback, or to llama.cpp as cb_eval, with `this` as
  /// the user's data.
  template <ggml_tensor_like Tensor>
  static bool callback(Tensor* tensor, bool ask, void* watch) noexcept {
    return (*static_cast<engine_watch*>(watch))(tensor, ask);
  }

  /// Throws setting_error where something could not be counted.
  void check() const {
    if (!problem_.empty()) fail<setting_error>(problem_);
  }

private:
  void count_routes(matrix_view<const std::int32_t> chosen, index_t layer) {
    chosen_.assign(to_size(chosen.rows()), {});
    for (index_t token = 0; token < chosen.rows(); ++token) {
      chosen_[to_size(token)].assign(chosen.row(token).begin(), chosen.row(token).end());
    }
    chosen_layer_ = layer;
    if (into_.routes == nullptr) return;
    const index_t experts = into_.routes->experts(layer);
    route_counter counter = into_.routes->at(label_, layer);
    route read{std::max(experts, chosen.columns())};
    for (index_t token = 0; token < chosen.rows(); ++token) {
      read_route(chosen.row(token), experts, read);
      counter.token(read);
    }
  }

  void count_gates(matrix_view<const float> gates, const tensor_place& place) {
    const index_t neurons = into_.gates->neurons(place.layer);
    firing_counter counter = into_.gates->at(label_, place.layer);
    const auto expect = [&](bool right) {
      if (right) return;
      fail<shape_error>({.argument = "gates",
                         .expected = std::to_string(neurons) + " neurons, of a mixture behind the choice of experts",
                         .got = shape_of(gates)});
    };
    if (place.what == "ffn_gate") {
      expect(gates.columns() == neurons);
      counter.add(gates);
      return;
    }
    // Rows are the chosen experts of a token, then those of the next. Who was not chosen does not fire.
    const index_t each = gates.columns();
    std::vector<float> all(to_size(neurons), 0.0f);
    index_t row = 0;
    for (index_t token = 0; place.layer == chosen_layer_ && token < length(chosen_); ++token) {
      std::fill(all.begin(), all.end(), 0.0f);
      for (const std::int32_t expert : chosen_[to_size(token)]) {
        expect(expert >= 0 && (expert + 1) * each <= neurons && row < gates.rows());
        const vector_view<const float> gate = gates.row(row++);
        std::copy(gate.begin(), gate.end(), all.begin() + expert * each);
      }
      counter.add({all.data(), 1, neurons});
    }
    expect(row == gates.rows());
  }

  watched_counts into_;
  index_t label_ = 0;
  std::string problem_;
  std::vector<std::vector<std::int32_t>> chosen_;  // [tokens]: of the layer whose choice came last
  index_t chosen_layer_ = -1;
};

}  // namespace fissile::ggml_observer
