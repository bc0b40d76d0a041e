// Neurons that fire for one language and hardly for others: language activation probability entropy (LAPE, Tang et al.
// 2024, "Language-Specific Neurons", arXiv 2402.16438; rules as in its code).
//
//   p_jl      = rate of neuron j in language l                            count/firing_rates.hpp
//   q_jl      = p_jl / sum over languages of p_jl                         0 where the neuron never fires
//   entropy_j = -sum over languages of q_jl ln q_jl
//
// A bar is set: the value at place round(n * 0.95) of all n rates p, ascending. Neurons with no rate above it are left
// out, however low their entropy. Of the others those of lowest entropy are taken, up to 1 per cent of all neurons of
// all layers, and each belongs to every language in which its rate is above the bar.
#pragma once

#include <fissile/count/firing_rates.hpp>

#include <algorithm>
#include <cmath>

namespace fissile {

struct language_neuron {
  index_t layer = 0;
  index_t neuron = 0;
  double entropy = 0;           // from 0, one language, to ln(languages), all alike
  std::vector<index_t> labels;  // the languages it belongs to, ascending; at least one
  friend bool operator==(const language_neuron&, const language_neuron&) = default;
};

/// Plain data.
struct language_neurons {
  std::vector<std::string> labels;
  double bar = 0;                      // the rate that a neuron of a language is above
  std::vector<language_neuron> found;  // the lowest entropy first; equals by layer and neuron

  /// The neurons of one label, a list a layer, ascending: those to switch off.
  std::vector<std::vector<index_t>> of(label_key label, index_t layers) const {
    const index_t place = label.among(labels);
    std::vector<std::vector<index_t>> lists(to_size(layers));
    for (const language_neuron& one : found) {
      Expects(one.layer < layers);
      if (std::binary_search(one.labels.begin(), one.labels.end(), place)) {
        lists[to_size(one.layer)].push_back(one.neuron);
      }
    }
    for (std::vector<index_t>& list : lists) std::sort(list.begin(), list.end());
    return lists;
  }
  friend bool operator==(const language_neurons&, const language_neurons&) = default;
};

/// The rule and the paper's numbers.
struct lape {
  double share = 0.01;  // of all neurons, at most so many are taken
  double bar = 0.95;    // of all rates, so many are not above the bar

  language_neurons find(const firing_rates& rates) const;

  /// In nats. `rates`: one a language.
  static double entropy_of(const std::vector<double>& rates) noexcept {
    double sum = 0;
    for (const double p : rates) sum += p;
    double entropy = 0;
    for (const double p : rates) {
      if (p > 0) entropy -= p / sum * std::log(p / sum);
    }
    return entropy;
  }
};

/// Throws setting_error for shares that are none.
inline language_neurons lape::find(const firing_rates& rates) const {
  if (!(share >= 0 && share <= 1 && bar >= 0 && bar <= 1)) {
    fail<setting_error>({.argument = "lape: share, bar",
                         .expected = "shares from 0 to 1",
                         .got = std::to_string(share) + ", " + std::to_string(bar)});
  }
  const index_t languages = length(rates.labels());
  std::vector<double> all;  // [neurons of all layers x languages]
  std::vector<language_neuron> every;
  for (index_t layer = 0; layer < rates.layers(); ++layer) {
    for (index_t neuron = 0; neuron < rates.neurons(layer); ++neuron) {
      std::vector<double> own;
      for (index_t label = 0; label < languages; ++label) own.push_back(rates.rate(label, layer, neuron));
      all.insert(all.end(), own.begin(), own.end());
      every.push_back({layer, neuron, entropy_of(own), {}});
    }
  }
  const auto rounded = [](double places) { return static_cast<index_t>(std::nearbyint(places)); };  // halves to even
  std::vector<double> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  language_neurons result{rates.labels(), 0, {}};
  result.bar = sorted[to_size(std::max<index_t>(1, rounded(static_cast<double>(all.size()) * bar)) - 1)];
  const index_t most = rounded(static_cast<double>(every.size()) * share);
  for (index_t j = 0; j < length(every); ++j) {
    for (index_t label = 0; label < languages; ++label) {
      if (all[to_size(j * languages + label)] > result.bar) every[to_size(j)].labels.push_back(label);
    }
    if (!every[to_size(j)].labels.empty()) result.found.push_back(std::move(every[to_size(j)]));
  }
  std::stable_sort(result.found.begin(), result.found.end(),
                   [](const language_neuron& a, const language_neuron& b) { return a.entropy < b.entropy; });
  if (length(result.found) > most) result.found.resize(to_size(most));
  return result;
}

}  // namespace fissile
