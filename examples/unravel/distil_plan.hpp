// What `unravel distil` is asked for, and the fits that this comes to: one for each layer and share of active experts.
#pragma once

#include <fissile/train/distil_state.hpp>

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::unravel {

/// What learns: routers beside experts that stay, or both together.
enum class taught { routers, experts_too };

constexpr std::string_view name_of(taught who) noexcept {
  return who == taught::routers ? "routers" : "experts";
}

struct distil_plan {
  index_t experts = 48;                         // in each layer
  std::vector<double> shares{0.75, 0.5, 0.25};  // of active experts that routers are trained for
  std::vector<taught> pupils{taught::routers};
  double expert_rate = 1e-3;                                   // of Adam, where experts learn too
  index_t learned_bytes = 8192;                                // of each language, from its odd blocks
  index_t scored_bytes = 4096;                                 // the same from its even blocks
  index_t save_every = 250;                                    // steps
  index_t threads = 0;                                         // 0: as many as there are cores
  std::uint64_t seed = 1;                                      // of rows, batches and lots
  distil_settings fit = {.steps = 1500, .router_rate = 2e-2};  // what all fits have in common
};

/// One layer learning for one share.
struct distil_fit {
  taught who = taught::routers;
  index_t share = 0;  // which of the plan
  index_t layer = 0;

  friend auto operator<=>(const distil_fit&, const distil_fit&) = default;

  /// "routers.0.blk.3": what its tensors are called by.
  std::string name() const { return fmt::format("{}.{}.blk.{}", name_of(who), share, layer); }
};

inline std::vector<distil_fit> fits_of(const distil_plan& plan, index_t layers) {
  std::vector<distil_fit> fits;
  for (const taught who : plan.pupils) {
    for (index_t share = 0; share < length(plan.shares); ++share) {
      for (index_t layer = 0; layer < layers; ++layer) fits.push_back({who, share, layer});
    }
  }
  return fits;
}

inline distil_settings settings_of(const distil_plan& plan, const distil_fit& fit) {
  distil_settings made = plan.fit;
  made.share.target = plan.shares[to_size(fit.share)];
  made.expert_rate = fit.who == taught::experts_too ? plan.expert_rate : 0;
  made.seed = 1000 * plan.seed + static_cast<std::uint64_t>(fit.layer);
  return made;
}

/// Experts of a token where a share of them is asked for; at least one.
inline index_t experts_for(double share, index_t experts) noexcept {
  const auto count = static_cast<index_t>(share * static_cast<double>(experts) + 0.5);
  return count < 1 ? 1 : count > experts ? experts : count;
}

/// All that decides what is learned, in one line: a run goes on only with the very same.
inline std::string to_string(const distil_plan& plan, std::string_view model, std::string_view text) {
  const distil_settings& fit = plan.fit;
  std::string shares;
  for (const double share : plan.shares) shares += fmt::format("{}{}", shares.empty() ? "" : " ", share);
  std::string pupils;
  for (const taught who : plan.pupils) pupils += fmt::format("{}{}", pupils.empty() ? "" : " ", name_of(who));
  return fmt::format(
      "model {}, text {}, experts {}, active {}, training {}, threshold {}, {} steps of {} tokens, rates {} and {}, "
      "penalty from {} by {}, rows of {}, seed {}",
      model, text, plan.experts, shares, pupils, fit.rule.threshold, fit.steps, fit.batch, fit.router_rate,
      plan.expert_rate, fit.first_penalty, fit.share.gain, fit.init_scale, plan.seed);
}

}  // namespace fissile::unravel
