// Large features as rows: magnitudes of each kind of text, and what is large in one and small in another.
#pragma once

#include "features.hpp"
#include "measure.hpp"

#include <string>
#include <vector>

namespace fissile::pruning_study {

inline std::string magnitude_key(const calibration& on) {
  return "features | " + on.name();
}
inline std::string feature_overlap_key(padding_rule padding) {
  return std::string{"features | overlap, "} + (padding == padding_rule::masked ? "masked" : "reference");
}

/// Magnitudes without padding, [states x width], of every kind; and in both ways of counting the per cent of the top
/// features of one kind that are among the bottom ones of another, [states x kinds x kinds].
inline void measure_features(const study_material& with, row_file& rows) {
  if (rows.has(feature_overlap_key(padding_rule::reference))) return;
  const std::vector<calibration> kinds = all_calibrations();
  unravel::progress told{"features", length(kinds), unravel::style_of_stderr()};
  std::vector<feature_magnitudes> masked, reference;
  for (const calibration& on : kinds) {
    two_magnitudes found = measure_features(with.model, with.words, draw_samples(on, with.pages, {}), on.name());
    std::vector<double> all;
    for (index_t state = 0; state < found.masked.layers(); ++state) {
      for (const double magnitude : found.masked.magnitudes(state)) all.push_back(magnitude);
    }
    if (!rows.has(magnitude_key(on))) rows.add(magnitude_key(on), std::move(all));
    masked.push_back(std::move(found.masked));
    reference.push_back(std::move(found.reference));
    told.piece_done();
  }
  for (const padding_rule padding : {padding_rule::masked, padding_rule::reference}) {
    const auto& all = padding == padding_rule::masked ? masked : reference;
    const index_t states = all.front().layers(), count = length(kinds);
    std::vector<double> overlaps(to_size(states * count * count));
    for (index_t a = 0; a < count; ++a) {
      for (index_t b = 0; b < count; ++b) {
        const auto shares = translation_pruning::overlap(all[to_size(a)], all[to_size(b)], {});
        for (index_t state = 0; state < states; ++state) {
          overlaps[to_size((state * count + a) * count + b)] = shares[to_size(state)];
        }
      }
    }
    rows.add(feature_overlap_key(padding), std::move(overlaps));
  }
}

}  // namespace fissile::pruning_study
