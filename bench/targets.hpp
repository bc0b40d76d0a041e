// What we want to reach, by work; a row says whether it was.
#pragma once

#include "rows.hpp"

#include <optional>

namespace fissile::bench {

/// At least this share of the limit, at most this multiple of the best dense layer's time.
struct target {
  std::optional<double> share, over_dense;
};

/// The shares are promised where a token uses at least a quarter of the experts, lower ones down to an eighth.
inline target target_of(const row& r) {
  target found;
  const bool quarter = r.active >= 0.24, eighth = r.active >= 0.12;
  const bool exact = r.element == "float" || r.element == "bf16";
  const auto near = [&](double active) { return r.active > 0.95 * active && r.active < 1.05 * active; };
  if (near(1)) found.over_dense = 1.05;
  if (r.batch == 1) {
    if (exact && eighth) found.share = quarter ? 0.92 : 0.85;
    if (r.element == "int8") found.share = 0.85;
    if (near(0.5)) found.over_dense = 0.52;
    if (near(0.25)) found.over_dense = 0.27;
    if (near(0.125)) found.over_dense = 0.15;
  } else if (r.batch >= 128) {
    if ((exact || r.element == "bf16_dot") && eighth && r.threads == 1) found.share = quarter ? 0.80 : 0.60;
    if (exact && near(0.25)) found.over_dense = 0.29;
  }
  return found;
}

inline std::string judged(const row& r) {
  std::string text;
  const auto add = [&](const char* what, double bound, bool met) {
    text += fmt::format("{}{} {:.2f} {}", text.empty() ? "" : ", ", what, bound, met ? "met" : "MISSED");
  };
  const target wanted = target_of(r);
  if (wanted.share) add("limit >=", *wanted.share, r.share_of_limit >= *wanted.share);
  if (wanted.over_dense && r.over_best_dense > 0) {
    add("dense <=", *wanted.over_dense, r.over_best_dense <= *wanted.over_dense);
  }
  return text;
}

}  // namespace fissile::bench
