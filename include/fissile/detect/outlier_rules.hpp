// Outlier rules: which features of the hidden states stand out.
#pragma once

#include <fissile/detect/feature_magnitudes.hpp>

#include <concepts>
#include <numeric>

namespace fissile {

/// outlier_rule: names the features of each layer that stand out.
/// Law: `find` gives one list a layer, ascending, each feature once; the same magnitudes give the same lists, and where
/// equals compete the lower feature wins.
/// Satisfied by top_fraction, ratio_to_median, massive_activation, llm_int8.
template <class R>
concept outlier_rule = requires(const R& rule, const feature_magnitudes& found) {
  { rule.find(found) } -> std::same_as<std::vector<std::vector<index_t>>>;
};

/// One list a layer of the features for which stands_out(layer, feature) holds.
template <class StandsOut>
std::vector<std::vector<index_t>> features_where(const feature_magnitudes& found, const StandsOut& stands_out) {
  std::vector<std::vector<index_t>> layers(to_size(found.layers()));
  for (index_t layer = 0; layer < found.layers(); ++layer) {
    for (index_t feature = 0; feature < found.width(); ++feature) {
      if (stands_out(layer, feature)) layers[to_size(layer)].push_back(feature);
    }
  }
  return layers;
}

/// Throws setting_error unless `value` is a share from 0 to 1.
inline void check_share(double value, std::string_view who) {
  if (value >= 0 && value <= 1) return;
  fail<setting_error>({.argument = who, .expected = "a share from 0 to 1", .got = std::to_string(value)});
}

/// Features of a layer by magnitude, the largest first; equals by number.
inline std::vector<index_t> largest_first(const feature_magnitudes& found, index_t layer) {
  const std::vector<double> magnitudes = found.magnitudes(layer);
  std::vector<index_t> order(magnitudes.size());
  std::iota(order.begin(), order.end(), index_t{0});
  std::sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    const double of_a = magnitudes[to_size(a)];
    const double of_b = magnitudes[to_size(b)];
    return of_a > of_b || (of_a == of_b && a < b);
  });
  return order;
}

/// The floor(fraction * width + 1/2) features of largest magnitude (Kim et al. 2024 rank and set no threshold).
struct top_fraction {
  double fraction = 0.01;

  std::vector<std::vector<index_t>> find(const feature_magnitudes& found) const {
    check_share(fraction, "top_fraction: fraction");
    const auto count = static_cast<index_t>(std::floor(fraction * static_cast<double>(found.width()) + 0.5));
    std::vector<std::vector<index_t>> layers;
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      std::vector<index_t> order = largest_first(found, layer);
      order.resize(to_size(count));
      std::sort(order.begin(), order.end());
      layers.push_back(std::move(order));
    }
    return layers;
  }
};

/// Magnitude above `ratio` times the median magnitude of the layer's features (the lower of two middle ones).
struct ratio_to_median {
  double ratio = 10;

  std::vector<std::vector<index_t>> find(const feature_magnitudes& found) const {
    if (!(ratio >= 0)) {
      fail<setting_error>(
          {.argument = "ratio_to_median: ratio", .expected = "a number, at least 0", .got = std::to_string(ratio)});
    }
    std::vector<double> medians;
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      const index_t middle = largest_first(found, layer)[to_size(found.width() / 2)];
      medians.push_back(found.magnitude(layer, middle));
    }
    return features_where(found, [&](index_t layer, index_t feature) {
      return found.magnitude(layer, feature) > ratio * medians[to_size(layer)];
    });
  }
};

/// Somewhere |x| > magnitude and |x| >= ratio * median |x| of that hidden state (Sun et al. 2024, "Massive Activations
/// in Large Language Models", arXiv 2402.17762). A hidden state is one position here, and what is tested is the largest
/// |x| of each feature; see `feature_magnitudes` for what that leaves out.
struct massive_activation {
  double magnitude = 100;
  double ratio = 1000;

  std::vector<std::vector<index_t>> find(const feature_magnitudes& found) const {
    if (!(magnitude >= 0 && ratio >= 0)) {
      fail<setting_error>({.argument = "massive_activation: magnitude, ratio",
                           .expected = "numbers, at least 0",
                           .got = std::to_string(magnitude) + ", " + std::to_string(ratio)});
    }
    return features_where(found, [&](index_t layer, index_t feature) {
      const feature_peak peak = found.peak(layer, feature);
      return static_cast<double>(peak.magnitude) > magnitude &&
             static_cast<double>(peak.magnitude) >= ratio * static_cast<double>(peak.median);
    });
  }
};

/// A feature with |x| >= magnitude somewhere in at least the share `layers` of the layers, and in at least the share
/// `positions` of all positions, summed over all layers (Dettmers et al. 2022, "LLM.int8()", arXiv 2208.07339). A
/// layer's list has the features that are so and reach the magnitude in that layer.
struct llm_int8 {
  double magnitude = 6;
  double layers = 0.25;
  double positions = 0.06;

  /// Throws setting_error where the loud positions were counted with another magnitude.
  std::vector<std::vector<index_t>> find(const feature_magnitudes& found) const;
};

inline std::vector<std::vector<index_t>> llm_int8::find(const feature_magnitudes& found) const {
  check_share(layers, "llm_int8: layers");
  check_share(positions, "llm_int8: positions");
  if (static_cast<float>(magnitude) != found.loud_from()) {
    fail<setting_error>({.argument = "llm_int8: magnitude",
                         .expected = std::to_string(found.loud_from()) + ", with which positions were counted",
                         .got = std::to_string(magnitude),
                         .cure = "set feature_settings::loud to the same number before adding states"});
  }
  std::uint64_t all_positions = 0;
  for (index_t layer = 0; layer < found.layers(); ++layer) all_positions += found.positions(layer);
  std::vector<char> qualified;
  for (index_t feature = 0; feature < found.width(); ++feature) {
    std::uint64_t loud = 0;
    index_t loud_layers = 0;
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      loud += found.loud(layer, feature);
      loud_layers += found.loud(layer, feature) > 0 ? 1 : 0;
    }
    const bool widespread = static_cast<double>(loud_layers) >= layers * static_cast<double>(found.layers());
    const bool frequent = static_cast<double>(loud) >= positions * static_cast<double>(all_positions);
    qualified.push_back(widespread && frequent ? 1 : 0);
  }
  return features_where(found, [&](index_t layer, index_t feature) {
    return qualified[to_size(feature)] != 0 && found.loud(layer, feature) > 0;
  });
}

}  // namespace fissile
