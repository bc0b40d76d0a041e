// What a distillation is told, and what it has become: both plain data, so that a run can be stopped and taken up.
#pragma once

#include <fissile/train/adam.hpp>
#include <fissile/train/penalty_controller.hpp>
#include <fissile/train/threshold_gate.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fissile {

/// Which experts the penalty pushes down. DSMoE leaves open whether the gate in its penalty has its own slope.
enum class penalised {
  active,  // those that work, as the penalty is written
  all      // resting ones too, through the straight-through rule: they stay shut unless they are worth their price
};

/// All choices are ours: the papers that train routers this way do so on the loss of the whole model.
struct distil_settings {
  index_t batch = 256;        // tokens a step, at most
  index_t steps = 1000;       // of the whole run: both rates fall in a straight line, to 0 behind the last step
  double router_rate = 1e-2;  // of Adam, at first
  double expert_rate = 0;     // the same for gate, up and down; 0: the experts stay as they are
  /// Without DSMoE's factor experts / active: the experts already add up to the output that is wanted.
  threshold_gate rule = {.threshold = 0.5f, .rescale = rescaling::none, .if_none = nothing_active::strongest};
  penalty_controller share = {};  // towards which share of active experts
  double first_penalty = 0.1;     // what the weight of the penalty starts from
  penalised pushed = penalised::all;
  double init_scale = 0.02;  // of the router's first rows, which are normal
  std::uint64_t seed = 1;    // of the same

  /// Throws setting_error where a setting is none.
  void check() const {
    const auto refuse = [](const char* name, const char* expected, const std::string& got) {
      fail<setting_error>({.argument = std::string("distil_settings: ") + name, .expected = expected, .got = got});
    };
    if (batch < 1) refuse("batch", "at least 1 token", std::to_string(batch));
    if (steps < 1) refuse("steps", "at least 1", std::to_string(steps));
    if (!(first_penalty >= 0)) refuse("first_penalty", "a number, not negative", std::to_string(first_penalty));
    if (!(init_scale >= 0)) refuse("init_scale", "a number, not negative", std::to_string(init_scale));
    if (!(rule.threshold < 1)) refuse("rule.threshold", "less than 1, as sigmoids are", std::to_string(rule.threshold));
    adam{.rate = router_rate}.check();
    adam{.rate = expert_rate}.check();
    share.check();
  }
};

/// Everything a distillation needs to go on as if it had never stopped, given the same tokens.
template <std::floating_point A>
struct distil_state {
  index_t steps = 0;      // done
  index_t undefined = 0;  // of these, steps whose loss or slopes were no finite numbers; nothing was learned from them
  double penalty_weight = 0;
  std::vector<A> router;  // [experts x width]
  std::vector<A> layer;   // as flat_layer.hpp lays it out; empty where the experts stay
  adam_state<A> of_router, of_layer;
  friend bool operator==(const distil_state&, const distil_state&) = default;
};

/// What a batch looked like.
struct distil_measure {
  double loss = 0;    // |y - wanted|^2 / |wanted|^2, without the penalty; where all wanted are 0: |y - wanted|^2
  double active = 0;  // share of experts that worked, mean over tokens
};

}  // namespace fissile
