// What pruning costs: bits per byte of both files, on the blocks of each text that pruning did not read.
#pragma once

#include "score.hpp"

#include <engine/feed_forward.hpp>
#include <engine/packed_model.hpp>

#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <string>
#include <vector>

namespace fissile::unravel {

struct pruned_score {
  std::string language;
  double before = 0, after = 0;  // bits per byte
};

/// [texts]: what the model needs for the windows of each.
inline std::vector<double> bits_per_byte_of(const engine::model<float>& model,
                                            const std::vector<std::vector<window>>& texts) {
  const engine::packed_model<float> packed{model};
  engine::session<engine::packed_model<float>> read{packed, session_for(window_tokens(model.sizes()))};
  engine::packed_feed_forward<float> ffn{packed, read.batch()};
  std::vector<double> bits;
  for (const auto& windows : texts) bits.push_back(score_windows(read, windows, ffn).bits_per_byte());
  return bits;
}

/// The first even blocks of each text that hold `bytes`. Throws setting_error for a text of one block.
inline std::vector<pruned_score> score_pruned(const engine::model<float>& before, const engine::model<float>& after,
                                              const corpus& texts, index_t bytes) {
  const engine::tokenizer words{before.file()};
  std::vector<std::vector<window>> windows;
  for (const text& one : texts.texts) {
    windows.push_back(windows_of(split_halves(one, bytes).scored, words, window_tokens(before.sizes())));
  }
  const std::vector<double> whole = bits_per_byte_of(before, windows), pruned = bits_per_byte_of(after, windows);
  std::vector<pruned_score> made;
  for (std::size_t i = 0; i < windows.size(); ++i) made.push_back({texts.texts[i].language, whole[i], pruned[i]});
  return made;
}

inline table score_table(const std::vector<pruned_score>& scores) {
  table made{.columns = {{"bits per byte of", alignment::left}}, .rows = {}};
  for (const char* name : {"before", "after", "more"}) made.columns.push_back({name, alignment::right});
  pruned_score mean{.language = "mean"};
  const auto add = [&](const pruned_score& one) {
    made.rows.push_back({one.language, fmt::format("{:.3f}", one.before), fmt::format("{:.3f}", one.after),
                         fmt::format("{:+.3f}", one.after - one.before)});
  };
  for (const pruned_score& one : scores) {
    add(one);
    mean.before += one.before / static_cast<double>(scores.size());
    mean.after += one.after / static_cast<double>(scores.size());
  }
  if (scores.size() > 1) add(mean);
  return made;
}

}  // namespace fissile::unravel
