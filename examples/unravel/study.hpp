// The study: count which experts work for which language, prune by those counts and by other words, and score it all.
#pragma once

#include "blocks.hpp"
#include "feed_forwards.hpp"
#include "score.hpp"
#include "verdicts.hpp"
#include "workers.hpp"

#include <fissile/count/stability.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct study_settings {
  index_t experts = 48;  // in each layer
  index_t active = 0;    // experts that the oracle chooses for a token; 0: a quarter of them
  index_t bytes = 0;     // of each language, from each half
  std::uint64_t seed = 1;
  index_t threads = 0;  // 0: as many as there are cores
};

/// What a language brought.
struct language_texts {
  std::string language;
  std::string origin;
  index_t text_bytes = 0;
  index_t counted_bytes = 0;  // of the odd blocks that were read
  index_t scored_blocks = 0;  // the even blocks that were read, and their bytes
  index_t scored_bytes = 0;
  text_length length = text_length::enough;
};

struct study_row {
  index_t language = 0;
  combination how;
  score scored;
};

struct study_result {
  study_settings settings;  // as used: nothing left to choose
  std::string corpus;
  std::vector<language_texts> languages;
  std::vector<partition> partitions;  // [layers]
  activation_counts counts;
  std::vector<agreement> agreements;  // of the counts of every other odd block with the rest; empty: too few blocks
  std::vector<double> levels;         // [layers]
  std::vector<study_row> rows;        // languages outermost
  std::map<std::string, verdict> verdicts;  // by the name of its file
};

inline study_settings settled(study_settings chosen) {
  if (chosen.active == 0) chosen.active = std::max<index_t>(1, (chosen.experts + 2) / 4);
  if (chosen.active < 1 || chosen.active > chosen.experts) {
    fail<setting_error>({.argument = "--active",
                         .expected = "from 1 to " + std::to_string(chosen.experts) + ", the number of experts",
                         .got = std::to_string(chosen.active)});
  }
  chosen.threads = threads_or_cores(chosen.threads);
  return chosen;
}

class study {
public:
  /// Borrows the model. Throws setting_error for settings and texts that do not serve.
  study(const engine::model<float>& weights, const corpus& texts, study_settings chosen)
      : settings_(settled(chosen)),
        name_(texts.name),
        split_(weights, settings_.experts),
        context_(window_tokens(weights.sizes())) {
    const engine::tokenizer words{weights.file()};
    for (const text& one : texts.texts) add_text(one, words);
  }

  study_result run(progress_style style) const {
    activation_counts counts = empty_counts(), odd_ones = counts;
    count(counts, odd_ones, style);
    study_result made{.settings = settings_,
                      .corpus = name_,
                      .languages = languages_,
                      .partitions = split_.partitions(),
                      .counts = counts,
                      .agreements = {},
                      .levels = levels_of(counts, settings_.active),
                      .rows = {},
                      .verdicts = {}};
    if (halves_agree()) made.agreements = split_half(odd_ones, counts.since(odd_ones));
    plan(made);
    score_all(made, style);
    return made;
  }

private:
  void add_text(const text& one, const engine::tokenizer& words) {
    const halves cut = split_halves(one, settings_.bytes);
    language_windows windows{.counted = {}, .scored = windows_of(cut.scored, words, context_)};
    for (const std::string_view block : cut.counted) windows.counted.push_back(windows_of(block, words, context_));
    if (scored_bytes(windows.scored) == 0) {
      fail<setting_error>({.argument = "text " + one.language + " (" + one.origin + ")",
                           .expected = "bytes to score in its second block",
                           .got = "none that anything predicts",
                           .cure = "give a longer text"});
    }
    languages_.push_back({.language = one.language,
                          .origin = one.origin,
                          .text_bytes = length(one.content),
                          .counted_bytes = bytes_of(cut.counted),
                          .scored_blocks = length(cut.scored),
                          .scored_bytes = bytes_of(cut.scored),
                          .length = cut.length});
    windows_.push_back(std::move(windows));
  }

  activation_counts empty_counts() const {
    std::vector<std::string> labels;
    for (const language_texts& one : languages_) labels.push_back(one.language);
    return {split_.partitions(), {.labels = labels, .layers = split_.layers(), .corpus = name_ + ", odd blocks"}};
  }

  bool halves_agree() const {
    return std::all_of(windows_.begin(), windows_.end(),
                       [](const language_windows& one) { return one.counted.size() > 1; });
  }

  /// Counts all odd blocks, and every other of them once more apart.
  void count(activation_counts& counts, activation_counts& odd_ones, progress_style style) const {
    progress told{"counting", length(windows_), style};
    run_jobs({.jobs = length(windows_), .threads = settings_.threads}, told, [&] {
      return [&, desk = make_desk()](index_t language) mutable {
        counting_dense ffn{split_, settings_.active, desk->work};
        const auto& blocks = windows_[to_size(language)].counted;
        for (std::size_t block = 0; block < blocks.size(); ++block) {
          activation_counts part = empty_counts();
          for (const window& one : blocks[block]) {
            ffn.count_into(part, language, one.text_begin);
            read_window(desk->read, one, ffn, [](index_t, index_t) {});
          }
          for (index_t layer = 0; layer < split_.layers(); ++layer) {
            add(counts, part, language, layer);
            if (block % 2 == 0) add(odd_ones, part, language, layer);
          }
        }
      };
    });
  }
  /// Of one language only: threads count different ones.
  static void add(activation_counts& counts, const activation_counts& part, index_t language, index_t layer) {
    layer_counts sum = counts.of(language, layer);
    sum.merge(part.of(language, layer));
    counts.set(language, layer, std::move(sum));
  }

  void plan(study_result& made) const {
    const judgement_basis basis{made.counts, made.partitions, made.levels, settings_.active};
    for (index_t language = 0; language < length(languages_); ++language) {
      for (const combination& how : combinations(settings_.seed, length(languages_))) {
        made.rows.push_back({.language = language, .how = how, .scored = {}});
        const std::string name = verdict_name(how, languages_[to_size(language)].language);
        if (made.verdicts.count(name) == 0) made.verdicts.emplace(name, verdict_for(how, language, basis));
      }
    }
  }

  void score_all(study_result& made, progress_style style) const {
    progress told{"scoring", length(made.rows), style};
    run_jobs({.jobs = length(made.rows), .threads = settings_.threads}, told, [&] {
      return [&, desk = make_desk()](index_t job) mutable {
        study_row& row = made.rows[to_size(job)];
        const std::string& language = languages_[to_size(row.language)].language;
        const verdict& decided = made.verdicts.at(verdict_name(row.how, language));
        survivors kept;
        for (index_t layer = 0; layer < split_.layers(); ++layer) kept.push_back(decided.kept(layer));
        const std::vector<window>& windows = windows_[to_size(row.language)].scored;
        if (row.how.how == routing::all) {
          survivors_on ffn{split_, kept, desk->work};
          row.scored = score_windows(desk->read, windows, ffn);
        } else {
          survivors_routed ffn{split_, kept, settings_.active, desk->work};
          row.scored = score_windows(desk->read, windows, ffn);
        }
      };
    });
  }

  /// What a thread works with.
  struct desk {
    desk(const split_model& split, engine::session_settings chosen)
        : read(split.weights(), chosen), work(split.layer(0), {.batch = chosen.batch}) {}
    engine::session<engine::model<float>> read;
    workspace work;
  };
  std::unique_ptr<desk> make_desk() const { return std::make_unique<desk>(split_, session_for(context_)); }

  struct language_windows {
    std::vector<std::vector<window>> counted;  // by block
    std::vector<window> scored;
  };

  study_settings settings_;
  std::string name_;
  split_model split_;
  index_t context_;
  std::vector<language_texts> languages_;
  std::vector<language_windows> windows_;  // [languages]
};

}  // namespace fissile::unravel
