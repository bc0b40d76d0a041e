// Which share of a linear layer's weights goes: any of a row, or so many of every few.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/prune/short_number.hpp>

#include <cmath>
#include <string>

namespace fissile {

/// A share of all weights, wherever they stand.
struct unstructured {
  double rate = 0.5;  // at least 0 and less than 1

  std::string name() const { return "unstructured(" + short_number(rate) + ")"; }
  /// floor(count * rate)
  index_t removed_of(index_t count) const noexcept {
    return static_cast<index_t>(std::floor(static_cast<double>(count) * rate));
  }
};

/// The share with which exactly `removed` of `count` go, 0 <= removed < count; halves that go up have it so, too.
inline unstructured exact_share(index_t removed, index_t count) noexcept {
  const double rate = static_cast<double>(removed) / static_cast<double>(count);
  const bool falls_short = unstructured{.rate = rate}.removed_of(count) < removed;  // 29 / 100 * 100 < 29
  return {.rate = falls_short ? std::nextafter(rate, 1.0) : rate};
}

/// `removed` weights of every `of` that stand side by side in a row: 2 of 4 is what some processors run faster.
struct n_of_m {
  index_t removed = 2;
  index_t of = 4;

  std::string name() const { return std::to_string(removed) + " of " + std::to_string(of); }
};

/// Throws setting_error unless the rate is a share. `who` is named in refusals.
inline void check_sparsity(unstructured share, index_t, const std::string& who) {
  if (share.rate >= 0 && share.rate < 1) return;
  fail<setting_error>({.argument = who + ": rate",
                       .expected = "a share of the weights, at least 0 and less than 1",
                       .got = short_number(share.rate),
                       .cure = "50 % is 0.5"});
}

/// Throws setting_error unless some of each group stay, shape_error unless the inputs are whole groups.
inline void check_sparsity(n_of_m groups, index_t inputs, const std::string& who) {
  if (groups.of < 1 || groups.removed < 0 || groups.removed >= groups.of) {
    fail<setting_error>({.argument = who + ": n_of_m",
                         .expected = "at least 0 removed, and fewer than there are in a group",
                         .got = groups.name()});
  }
  if (inputs % groups.of != 0) {
    fail<shape_error>({.argument = who + ": inputs",
                       .expected = "a multiple of " + std::to_string(groups.of),
                       .got = std::to_string(inputs)});
  }
}

}  // namespace fissile
