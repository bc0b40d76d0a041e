// What the counts alone say: sets, families, stability. As tables and pictures.
#pragma once

#include "byte_counts.hpp"
#include "counting.hpp"
#include "dendrogram.hpp"
#include "kinship.hpp"
#include "report.hpp"

#include <fissile/report/frequency_map.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::babel_study {

/// The three ways in which two languages differ.
using distance_of_layers = std::function<double(const layer_counts&, const layer_counts&)>;
inline std::vector<std::pair<std::string, distance_of_layers>> measures() {
  return {{"Jensen-Shannon", jensen_shannon},
          {"1 - cosine", babel::cosine_distance},
          {"1 - Jaccard", babel::jaccard_distance(babel::choices{})}};
}

inline std::string agreement_cell(const agreement_with_groups& found) {
  return fmt::format("{:.2f} (p {})", found.index,
                     found.chance < 0.001 ? std::string{"< .001"} : fmt::format("{:.3f}", found.chance));
}
inline void add_kinship(table& to, const std::string& basis, const std::string& measure,
                        const distance_table& distances) {
  const kinship found = kinship_of(distances);
  to.rows.push_back(
      {basis, measure, agreement_cell(found.families), agreement_cell(found.scripts), agreement_cell(found.latin)});
}
inline table kinship_table() {
  table made = table_of({"distances from", "measure", "9 families", "6 scripts", "5 families in Latin script"});
  made.columns[1].align = alignment::left;
  return made;
}
/// From bytes alone, which need no model.
inline void add_byte_kinship(table& to, const std::vector<language_text>& texts) {
  for (const int letters : {1, 2}) {
    const std::string basis = letters == 1 ? "bytes" : "pairs of bytes";
    add_kinship(to, basis, "Jensen-Shannon", byte_distances(texts, letters, jensen_shannon));
    add_kinship(to, basis, "1 - cosine", byte_distances(texts, letters, babel::cosine_distance));
  }
}
inline void add_model_kinship(table& to, const std::string& model, const counted_model& counts) {
  for (const counted_view& view : counts.views) {
    for (const auto& [name, measure] : measures()) {
      if (view.kind == view_kind{} || name == "Jensen-Shannon") {
        add_kinship(to, model + ": " + view.kind.name(), name, babel::distances(view.all, measure));
      }
    }
  }
  const counted_view& usual = counts.of({});
  for (index_t layer = 0; layer < usual.all.layers(); ++layer) {
    add_kinship(to, model + ": layer " + std::to_string(layer) + " alone", "Jensen-Shannon",
                between_labels(usual.all, layer, jensen_shannon));
  }
}

/// Rank correlations over pairs of languages: experts with families, bytes with families, and what of the first is
/// left without the second.
inline table correlation_table() {
  return table_of({"model", "languages", "experts, bytes", "experts, pairs", "experts, families", "bytes, families",
                   "pairs, families", "experts, families | bytes", "experts, families | pairs"});
}
inline void add_correlations(table& to, const std::string& model, const counted_model& counts,
                             const std::vector<language_text>& texts) {
  for (const std::string_view script : {std::string_view{}, std::string_view{"Latin"}}) {
    const auto places = written_in(script);
    const auto some = [&](const distance_table& all) { return among_languages(all, places); };
    const distance_table experts = some(babel::distances(counts.of({}).all, jensen_shannon));
    const distance_table bytes = some(byte_distances(texts, 1, jensen_shannon));
    const distance_table pairs = some(byte_distances(texts, 2, jensen_shannon));
    const distance_table families = family_table(places);
    const double eb = rank_correlation(experts, bytes), ep = rank_correlation(experts, pairs);
    const double ef = rank_correlation(experts, families), bf = rank_correlation(bytes, families);
    const double pf = rank_correlation(pairs, families);
    const auto cell = [](double value) { return fmt::format("{:.2f}", value); };
    to.rows.push_back({model, script.empty() ? "all 19" : "14 in Latin script", cell(eb), cell(ep), cell(ef), cell(bf),
                       cell(pf), cell(partial_correlation(ef, eb, bf)), cell(partial_correlation(ef, ep, pf))});
  }
}

/// Frequent, shared and language-only experts of each layer, mean over languages; beside them those that one half of
/// the texts has and the other half too.
inline table sets_table() {
  return table_of({"model", "layer", "frequent", "in all 19", "in one alone, mean", "languages with one alone"});
}
inline void add_sets(table& to, const std::string& model, const counted_model& counts) {
  const activation_counts& all = counts.of({}).all;
  for (index_t layer = 0; layer < all.layers(); ++layer) {
    const auto found = babel::sets(all, layer, most_frequent{.share = babel::choices{}.frequent});
    std::size_t alone = 0, languages_alone = 0;
    for (const expert_set& one : found.only) {
      alone += one.size();
      languages_alone += one.empty() ? 0 : 1;
    }
    to.rows.push_back({model, std::to_string(layer),
                       fmt::format("{} of {}", found.frequent[0].size(), all.experts(layer)),
                       std::to_string(found.shared.size()),
                       fmt::format("{:.1f}", static_cast<double>(alone) / static_cast<double>(found.only.size())),
                       std::to_string(languages_alone)});
  }
}

/// One half of the texts against the other.
inline table stability_table() {
  return table_of({"model", "frequencies (Pearson)", "(Spearman)", "frequent sets (Jaccard)", "sets in one alone",
                   "sets in all", "distances, JSD", "cosine", "Jaccard", "levels (largest change)", "clusters (Rand)"});
}
inline void add_stability(table& to, const std::string& model, const counted_model& counts) {
  const counted_view& view = counts.of({});
  const activation_counts other = view.other_half();
  const auto agreements = split_half(view.half, other);
  double pearsons = 0, spearmans = 0;
  for (const agreement& one : agreements) {
    pearsons += one.pearson / static_cast<double>(agreements.size());
    spearmans += one.spearman / static_cast<double>(agreements.size());
  }
  const most_frequent rule{.share = babel::choices{}.frequent};
  std::vector<double> frequent, only, shared;
  double levels = 0;
  for (index_t layer = 0; layer < other.layers(); ++layer) {
    const auto a = babel::sets(view.half, layer, rule), b = babel::sets(other, layer, rule);
    shared.push_back(jaccard(a.shared, b.shared));
    for (std::size_t i = 0; i < a.frequent.size(); ++i) {
      frequent.push_back(jaccard(a.frequent[i], b.frequent[i]));
      if (!a.only[i].empty() || !b.only[i].empty()) only.push_back(jaccard(a.only[i], b.only[i]));
    }
  }
  for (const std::string& label : other.labels()) {
    const auto a = babel::activity(view.half, label, {}), b = babel::activity(other, label, {});
    for (std::size_t layer = 0; layer < a.size(); ++layer) levels = std::max(levels, std::abs(a[layer] - b[layer]));
  }
  const auto mean = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return values.empty() ? std::string{"none"} : fmt::format("{:.2f}", sum / static_cast<double>(values.size()));
  };
  std::vector<std::string> cells{
      model,       fmt::format("{:.3f}", pearsons), fmt::format("{:.3f}", spearmans), mean(frequent), mean(only),
      mean(shared)};
  for (const auto& [name, measure] : measures()) {
    cells.push_back(fmt::format("{:.3f}", pearson(pairs_of_table(babel::distances(view.half, measure)),
                                                  pairs_of_table(babel::distances(other, measure)))));
  }
  cells.push_back(fmt::format("{:.2f}", levels));
  const index_t families = count_of(groups_of(written_in(), &language::family));
  cells.push_back(fmt::format(
      "{:.2f}", adjusted_rand(cut_into(average_linkage(babel::distances(view.half, jensen_shannon)), families),
                              cut_into(average_linkage(babel::distances(other, jensen_shannon)), families))));
  to.rows.push_back(std::move(cells));
}

/// Another variant of the same model against the first: are its experts used by the same languages? Means over
/// languages and layers; below the values of one half of the texts against the other it is more than noise.
inline table variants_table() {
  return table_of({"models", "frequencies (Pearson)", "frequent sets (Jaccard)", "distances, Jensen-Shannon"});
}
inline void add_variant(table& to, const std::string& models, const activation_counts& one,
                        const activation_counts& other) {
  const most_frequent rule{.share = babel::choices{}.frequent};
  const auto agreements = split_half(one, other);
  double pearsons = 0, sets = 0;
  for (const agreement& row : agreements) {
    pearsons += row.pearson / static_cast<double>(agreements.size());
    sets += jaccard(rule(one.of(row.label, row.layer)), rule(other.of(row.label, row.layer))) /
            static_cast<double>(agreements.size());
  }
  const double distances = pearson(pairs_of_table(babel::distances(one, jensen_shannon)),
                                   pairs_of_table(babel::distances(other, jensen_shannon)));
  to.rows.push_back(
      {models, fmt::format("{:.3f}", pearsons), fmt::format("{:.2f}", sets), fmt::format("{:.3f}", distances)});
}

/// The usual view's frequencies, relatives side by side.
inline heat_map frequencies_by_family(const std::string& model, const counted_model& counts) {
  std::vector<std::string> order;
  std::vector<std::string_view> families;
  for (const language& one : languages) {
    if (std::find(families.begin(), families.end(), one.family) == families.end()) families.push_back(one.family);
  }
  for (const std::string_view family : families) {
    for (const language& one : languages) {
      if (one.family == family) order.emplace_back(one.code);
    }
  }
  heat_map map =
      frequency_map(counts.of({}).all.only(order), "How often each expert of " + model + " works, in 19 languages");
  map.row_axis = "layer, language (relatives together)";
  return map;
}

inline dendrogram family_tree(const std::string& model, const distance_table& distances) {
  dendrogram tree{.title = "Which languages use the experts of " + model + " alike",
                  .notes = {"Average linkage over the Jensen-Shannon divergence of expert frequencies, mean over "
                            "layers; colours are families, black ones have one language here."},
                  .axis = "divergence in bits",
                  .leaves = {},
                  .steps = average_linkage(distances)};
  for (const language& one : languages) {
    const std::string colour = one.family == "Romance"    ? "#d55e00"
                               : one.family == "Germanic" ? "#0072b2"
                               : one.family == "Slavic"   ? "#009e73"
                                                          : "#1a1a1a";
    tree.leaves.push_back({std::string{one.code} + "  " + std::string{one.family}, colour});
  }
  return tree;
}

}  // namespace fissile::babel_study
