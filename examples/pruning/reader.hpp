// A model, pruned or not, that reads: bits per byte of a text, and how likely it finds the ends of a paragraph.
#pragma once

#include "items.hpp"

#include <engine/model.hpp>
#include <engine/packed_model.hpp>
#include <engine/tokenizer.hpp>
#include <unravel/score.hpp>

#include <string>
#include <vector>

namespace fissile::pruning_study {

/// The tokens of a text behind the token that opens one, where the file names such: ours has read it before every page
/// and every translation.
inline std::vector<engine::token_id> opened(const engine::tokenizer& words, const std::string& text) {
  std::vector<engine::token_id> tokens = words.encode(text);
  if (words.words().begin != engine::no_token) tokens.insert(tokens.begin(), words.words().begin);
  return tokens;
}

class reader {
public:
  /// source: what `packed_model` takes; copied. `words` is borrowed.
  template <class Source>
  reader(const Source& source, const engine::tokenizer& words)
      : words_(&words),
        model_(source),
        read_(model_, unravel::session_for(unravel::window_tokens(model_.sizes()))),
        ffn_(model_, read_.batch()) {}
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  double bits_per_byte(const std::vector<std::string_view>& blocks) {
    return unravel::score_windows(read_, unravel::windows_of(blocks, *words_, read_.context()), ffn_).bits_per_byte();
  }

  /// The mean log2 of the probabilities of an end's tokens behind the context, of each end. [items x candidates]
  std::vector<double> score_items(const std::vector<choice_item>& items) {
    std::vector<double> scores;
    for (const choice_item& item : items) add_ends(item, item.context, scores);
    return scores;
  }
  /// The same behind nothing but the token that opens a text; 0 for a model without one. What this adds to a score says
  /// nothing of the context.
  std::vector<double> score_ends(const std::vector<choice_item>& items) {
    std::vector<double> scores;
    if (opened(*words_, "").empty()) return std::vector<double>(items.size() * to_size(candidates), 0.0);
    for (const choice_item& item : items) add_ends(item, "", scores);
    return scores;
  }

private:
  void add_ends(const choice_item& item, const std::string& before, std::vector<double>& scores) {
    const std::vector<engine::token_id> context = opened(*words_, before);
    read_.rewind(0);
    read_in_parts(context, [](index_t, index_t) {});
    const vector_view<const float> last = read_.last_logits();
    const std::vector<float> behind_context(last.begin(), last.end());
    for (const std::string& end : item.ends) {
      read_.rewind(length(context));
      scores.push_back(score_end(words_->encode(end), behind_context));
    }
  }
  double score_end(const std::vector<engine::token_id>& end, const std::vector<float>& behind_context) {
    double bits = unravel::surprise(vector_view<const float>{behind_context}, end.front());
    read_in_parts(end, [&](index_t first, index_t count) {
      const matrix_view<const float> logits = read_.logits();
      for (index_t i = 0; i < count && first + i + 1 < length(end); ++i) {
        bits += unravel::surprise(logits.row(i), end[to_size(first + i + 1)]);
      }
    });
    return -bits / static_cast<double>(end.size());
  }
  template <class Visit>
  void read_in_parts(const std::vector<engine::token_id>& tokens, const Visit& visit) {
    const vector_view<const engine::token_id> all{tokens};
    for (index_t first = 0; first < all.length(); first += read_.batch()) {
      const index_t count = std::min(read_.batch(), all.length() - first);
      read_(all.part(first, count), ffn_);
      visit(first, count);
    }
  }

  const engine::tokenizer* words_;
  engine::packed_model<float> model_;
  engine::session<engine::packed_model<float>> read_;
  engine::packed_feed_forward<float> ffn_;
};

}  // namespace fissile::pruning_study
