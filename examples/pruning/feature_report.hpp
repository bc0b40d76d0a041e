// The table of large features: means over pairs of texts of what the overlap maps show.
#pragma once

#include "feature_rows.hpp"
#include "report.hpp"

#include <string>
#include <vector>

namespace fissile::pruning_study {

/// Per cent of one text's top features that are among the bottom ones of one language; padding counted in brackets.
inline table feature_table(const row_file& rows) {
  table made = table_of({"state", "translation, one language", "all plain, one language", "one language, another",
                         "random bytes, one language"});
  const std::vector<calibration> kinds = all_calibrations();
  const std::size_t count = kinds.size();
  const auto one = [&](std::size_t kind) { return kinds[kind].kind == text_kind::one_language; };
  const auto mean = [&](padding_rule padding, std::size_t state, text_kind top) {
    const std::vector<double> overlaps = *rows.find(feature_overlap_key(padding));
    std::vector<double> found;
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = 0; b < count; ++b) {
        if (kinds[a].kind == top && one(b) && a != b) found.push_back(overlaps[(state * count + a) * count + b]);
      }
    }
    return spread_of(found).mean;
  };
  if (!rows.has(feature_overlap_key(padding_rule::reference))) return made;
  const std::size_t states = rows.find(feature_overlap_key(padding_rule::masked))->size() / (count * count);
  for (std::size_t state = 0; state < states; ++state) {
    std::vector<std::string> cells{state == 0 ? "embedding" : "block " + std::to_string(state - 1)};
    for (const text_kind top :
         {text_kind::translation, text_kind::all_plain, text_kind::one_language, text_kind::random_bytes}) {
      cells.push_back(fmt::format("{:.1f} ({:.1f})", mean(padding_rule::masked, state, top),
                                  mean(padding_rule::reference, state, top)));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

}  // namespace fissile::pruning_study
