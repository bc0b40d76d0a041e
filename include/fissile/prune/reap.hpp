// REAP: experts that speak softly where a router chooses them go first.
#pragma once

#include <fissile/detect/expert_norms.hpp>
#include <fissile/prune/judge.hpp>
#include <fissile/prune/short_number.hpp>

#include <algorithm>

namespace fissile {

/// standing_e = mean over the tokens that chose expert e of weight_e * || its output ||_2; 0 where none did (Lasby et
/// al. 2025, arXiv 2510.13999). How often it was chosen does not matter. With routes whose weights are all 1 it is the
/// mean norm. The norms are borrowed and must outlive this.
class reap {
public:
  explicit reap(const expert_norms& found) noexcept : found_(&found) {}
  explicit reap(const expert_norms&&) = delete;

  std::string name() const { return "reap"; }
  evidence seen() const {
    std::uint64_t tokens = 0;
    for (index_t layer = 0; layer < found_->layers(); ++layer) tokens = std::max(tokens, found_->of(layer).tokens);
    return {.corpus = found_->corpus(), .tokens = tokens};
  }

  /// Throws shape_error where the layer has other experts, setting_error where it was not measured.
  std::vector<standing> standings(index_t layer, const partition& experts) const {
    const layer_expert_norms& measured = found_->of(layer);
    const std::string who = "reap: norms of layer " + std::to_string(layer);
    if (length(measured.experts) != experts.experts()) {
      fail<shape_error>({.argument = who,
                         .expected = std::to_string(experts.experts()) + " experts",
                         .got = std::to_string(measured.experts.size())});
    }
    if (measured.tokens == 0) {
      fail<setting_error>({.argument = who,
                           .expected = "measured tokens",
                           .got = "none",
                           .cure = "run texts with expert_norms as the observer before deciding"});
    }
    const std::string tokens = std::to_string(measured.tokens) + " tokens";
    std::vector<standing> made;
    for (const expert_norm_sums& sums : measured.experts) {
      const double mean = sums.times == 0 ? 0.0 : sums.weighted / static_cast<double>(sums.times);
      made.push_back({.value = mean,
                      .reason = sums.times == 0 ? "seen 0 times in " + tokens
                                                : "mean weighted norm " + short_number(mean) + " in " +
                                                      std::to_string(sums.times) + " of " + tokens});
    }
    return made;
  }

private:
  const expert_norms* found_;
};

}  // namespace fissile
