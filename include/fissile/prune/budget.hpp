// A budget: how many experts each layer gives up.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>
#include <fissile/prune/short_number.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

/// What a budget is told of a layer.
struct layer_size {
  index_t experts = 0;  // all of them
  index_t shared = 0;   // of these, those that work for every token; they are never removed
};

/// budget: gives every layer the number of experts it removes.
///
///   double rate                  the share of experts asked for, in [0, 1)
///   std::string name()           as a verdict shows it
///   std::vector<index_t> removals(vector_view<const layer_size> layers)   one number a layer
///
/// Law: the same sizes give the same numbers; a layer keeps at least one expert and all its shared ones; what cannot
/// be honoured is refused by setting_error, never cut silently.
/// Satisfied by uniform, by_level, owl.
template <class B>
concept budget = requires(const B& policy, vector_view<const layer_size> layers) {
  { policy.rate } -> std::convertible_to<double>;
  { policy.name() } -> std::same_as<std::string>;
  { policy.removals(layers) } -> std::same_as<std::vector<index_t>>;
};

/// The most a layer may give up where `keep_at_least` of its unshared experts must stay, as the k of a router asks
/// for. A layer without shared experts keeps one in any case.
inline index_t most_removable(layer_size layer, index_t keep_at_least) noexcept {
  const index_t stay = std::max(keep_at_least, layer.shared > 0 ? index_t{0} : index_t{1});
  return std::max(layer.experts - layer.shared - stay, index_t{0});
}

/// floor(rate * experts + 1/2): halves go up.
inline index_t rounded_share(double rate, index_t experts) noexcept {
  return static_cast<index_t>(std::floor(rate * static_cast<double>(experts) + 0.5));
}

/// Throws setting_error unless the rate is in [0, 1) and keep_at_least is not negative.
inline void check_budget(double rate, index_t keep_at_least, std::string_view who) {
  if (!(rate >= 0 && rate < 1)) {
    fail<setting_error>({.argument = std::string(who) + ": rate",
                         .expected = "a share of the experts, at least 0 and less than 1",
                         .got = short_number(rate),
                         .cure = "25 % is 0.25"});
  }
  if (keep_at_least < 0) {
    fail<setting_error>({.argument = std::string(who) + ": keep_at_least",
                         .expected = "a number of experts, at least 0",
                         .got = std::to_string(keep_at_least)});
  }
}

}  // namespace fissile
