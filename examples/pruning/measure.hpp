// Measuring: each experiment prunes a model once, and all that is asked of it becomes rows.
#pragma once

#include "layer_error.hpp"
#include "pruner.hpp"

#include <unravel/progress.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fissile::pruning_study {

/// The model and all that is read, once.
struct study_material {
  engine::model<float> model;
  engine::tokenizer words;
  std::vector<parallel_page> pages;
  std::vector<std::string> scored;  // [languages]: what bits per byte are measured on
  language_items items;

  study_material(const std::string& file, const std::vector<examples::guide::page>& guide, index_t scored_bytes)
      : model(file), words(model.file()), pages(parallel_pages(guide)), items(make_items(pages, {})) {
    for (const char* language : languages) {
      const unravel::text whole{language, "guide", examples::guide::held_out_text(guide, language)};
      scored.emplace_back();
      for (const auto block : unravel::split_halves(whole, scored_bytes).scored) scored.back() += block;
    }
  }
};

/// Positions of each language on which layers are compared.
inline constexpr index_t probed_positions = 64;

class measurement {
public:
  /// Borrows both.
  measurement(const study_material& with, row_file& rows) : with_(&with), rows_(&rows) {}

  /// Bits per byte of every language, and of the first seed the errors of layers, where they are missing; after each
  /// seed, how much what stayed has in common between calibrations, and with the seed before.
  void table(const table_plan& plan) {
    const auto list = experiments_of(plan);
    unravel::progress told{list.front().key().substr(0, 24), length(list), unravel::style_of_stderr()};
    kept_by_text before;
    for (std::uint64_t seed = 1; seed <= plan.last_seed; ++seed) {
      kept_by_text kept;
      for (const experiment& one : list) {
        if (one.seed != seed) continue;
        const bool next = seed < std::min<std::uint64_t>(plan.last_seed, 2) && lacks(overlap_key(plan, seed + 1));
        const bool overlaps = reads_text(plan.how) && seed <= 2 && (next || lacks(overlap_key(plan, seed)));
        const bool errors = seed == 1 && lacks(one.key() + " | errors");
        if (errors || overlaps || lacks(one.key() + " | bits")) {
          const unravel::pruned_model made = prune(with_->model, with_->words, one, with_->pages);
          add_bits(one.key(), made.model);
          if (errors) rows_->add(one.key() + " | errors", errors_of(made.model));
          kept.push_back(kept_of(made));
        }
        told.piece_done();
      }
      add_overlaps(plan, seed, kept, before);
      before = std::move(kept);
    }
  }

  /// How likely the ends of paragraphs are behind their context, and by themselves, in the languages asked for.
  void items(const experiment& one, const std::vector<index_t>& in) {
    std::unique_ptr<reader> read;
    for (const index_t language : in) {
      const std::string code = languages[to_size(language)];
      const std::string items = one.key() + " | items " + code, ends = one.key() + " | ends " + code;
      if (!lacks(items) && !lacks(ends)) continue;
      if (!read) read = reader_of(one);
      const std::vector<choice_item>& of_language = with_->items[to_size(language)];
      if (lacks(items)) rows_->add(items, read->score_items(of_language));
      if (lacks(ends)) rows_->add(ends, read->score_ends(of_language));
    }
  }
  void whole_model() { add_bits("none", with_->model); }

  /// Of a table: with seed 1 [calibrations x calibrations], with others [calibrations], each with the seed before.
  static std::string overlap_key(const table_plan& plan, std::uint64_t seed) {
    return std::string{name_of(plan.how)} + " | " + short_number(100 * plan.rate) + " % | overlap, seed " +
           std::to_string(seed);
  }

private:
  std::unique_ptr<reader> reader_of(const experiment& one) const {
    if (one.how == method::none) return std::make_unique<reader>(with_->model, with_->words);
    return std::make_unique<reader>(prune(with_->model, with_->words, one, with_->pages).model, with_->words);
  }
  template <class Model>
  void add_bits(const std::string& name, const Model& model) {
    if (rows_->has(name + " | bits")) return;
    reader read{model, with_->words};
    std::vector<double> bits;
    for (const std::string& text : with_->scored) bits.push_back(read.bits_per_byte(unravel::blocks_of(text)));
    rows_->add(name + " | bits", std::move(bits));
  }
  /// [languages x layers]
  std::vector<double> errors_of(const unravel::changed_model& model) {
    if (probes_.empty()) {
      for (const std::string& text : with_->scored) {
        probes_.push_back(probe_layers(with_->model, with_->words, text, probed_positions));
      }
    }
    std::vector<double> all;
    for (const layer_probe& probe : probes_) {
      const std::vector<double> errors = layer_errors(probe, model);
      all.insert(all.end(), errors.begin(), errors.end());
    }
    return all;
  }
  bool lacks(const std::string& key) const { return !rows_->has(key); }

  using kept_by_text = std::vector<std::vector<char>>;  // [calibrations]; fewer where they were not asked for
  void add_overlaps(const table_plan& plan, std::uint64_t seed, const kept_by_text& kept, const kept_by_text& before) {
    if (!reads_text(plan.how) || seed > 2 || !lacks(overlap_key(plan, seed)) ||
        kept.size() != all_calibrations().size())
      return;
    std::vector<double> overlaps;
    for (std::size_t a = 0; a < kept.size(); ++a) {
      for (std::size_t b = 0; seed == 1 && b < kept.size(); ++b) overlaps.push_back(overlap_of(kept[a], kept[b]));
      if (seed > 1 && before.size() == kept.size()) overlaps.push_back(overlap_of(kept[a], before[a]));
    }
    if (!overlaps.empty()) rows_->add(overlap_key(plan, seed), std::move(overlaps));
  }

  const study_material* with_;
  row_file* rows_;
  std::vector<layer_probe> probes_;  // [languages]
};

/// Models that differ by their seeds only, and in which languages they answer the items: all, or the calibration's own.
struct asked_models {
  experiment one;
  std::uint64_t last_seed = 1;
  std::vector<index_t> in;

  bool everywhere() const noexcept { return length(in) == language_count; }
};

/// The first rate with every seed, the other with one.
inline std::vector<asked_models> asked_items() {
  std::vector<index_t> everywhere;
  for (index_t language = 0; language < language_count; ++language) everywhere.push_back(language);
  std::vector<asked_models> list{{experiment{}, 1, everywhere}};
  for (const double rate : rates) {
    const std::uint64_t last_seed = rate == rates.front() ? seeds : 1;
    for (const calibration& on : all_calibrations()) {
      const bool english = on.kind == text_kind::one_language && on.language == 0;
      const bool own = on.kind == text_kind::one_language && !english;
      const std::vector<index_t> in = own ? std::vector<index_t>{on.language} : everywhere;
      list.push_back({{.how = method::wanda, .rate = rate, .on = on}, last_seed, in});
    }
    list.push_back({{.how = method::random, .rate = rate}, last_seed, everywhere});
  }
  return list;
}

}  // namespace fissile::pruning_study
