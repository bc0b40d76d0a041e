// Aligned paragraphs of two languages as documents, "German: ...\nFrench: ...\n", in one stream from which windows are
// cut.
#pragma once

#include <fissile/base/random.hpp>

#include <models/guide_corpus.hpp>
#include <models/llama_module.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace fissile::examples {

struct language_pair {
  std::string from, to;
  std::string name() const { return from + "-" + to; }
};

/// Two near ones, two distant ones; two lead out of one language, two into others.
inline const std::vector<language_pair>& language_pairs() {
  static const std::vector<language_pair> all{{"en", "de"}, {"es", "pt"}, {"en", "ru"}, {"de", "zh_CN"}};
  return all;
}

/// A part of the stream, and which of its tokens but the first are to be predicted.
struct pair_window {
  std::vector<std::int64_t> tokens;
  std::vector<float> counts;  // 1 or 0

  std::int64_t predicted() const {
    std::int64_t sum = 0;
    for (const float one : counts) sum += one > 0 ? 1 : 0;
    return sum;
  }
};

/// Which lines of a document the loss counts.
enum class predicted_lines { both, second };

/// All documents of a pair one after the other, each after an end of text.
class pair_stream {
public:
  /// Of the pages that are held out, or of the others. Paragraphs that were left untranslated are passed over. Throws
  /// where nothing is left to be predicted.
  pair_stream(const std::vector<guide::page>& pages, const language_pair& pair, bool held_out, predicted_lines lines) {
    for (const guide::page& from : pages) {
      for (const guide::page& to : pages) {
        const bool wanted = from.language == pair.from && to.language == pair.to && from.held_out == held_out;
        if (!wanted || !guide::aligned(from, to)) continue;
        for (std::size_t at = 0; at < from.paragraphs.size(); ++at) {
          if (from.paragraphs[at] == to.paragraphs[at]) continue;
          const std::string text = guide::translation(from, to, at);
          add(text, lines == predicted_lines::both ? 0 : text.size() - to.paragraphs[at].size() - 1);
        }
      }
    }
    if (std::count(counts_.begin(), counts_.end(), 1.0f) > 0) return;
    throw std::runtime_error("no aligned paragraphs of " + pair.name());
  }

  /// `context` tokens and the one before them, from a place by lot; drawn again where nothing is to be predicted.
  pair_window drawn(random_source& chance, std::int64_t context) const {
    while (true) {
      const pair_window window = cut(chance.below(length(tokens_) - context), context);
      if (window.predicted() > 0) return window;
    }
  }

  /// `count` windows at even distances, but for those in which nothing is to be predicted. Throws where none is left.
  std::vector<pair_window> spread(index_t count, std::int64_t context) const {
    std::vector<pair_window> made;
    for (index_t i = 0; i < count; ++i) {
      const pair_window window = cut(i * (length(tokens_) - context) / count, context);
      if (window.predicted() > 0) made.push_back(window);
    }
    if (made.empty()) throw std::runtime_error("no window of a pair's stream has anything to predict");
    return made;
  }

private:
  void add(const std::string& text, std::size_t first_predicted) {
    tokens_.push_back(end_of_text);
    counts_.push_back(0);
    for (std::size_t at = 0; at < text.size(); ++at) {
      tokens_.push_back(static_cast<unsigned char>(text[at]));
      counts_.push_back(at >= first_predicted ? 1.0f : 0.0f);
    }
  }
  pair_window cut(index_t begin, std::int64_t context) const {
    const auto end = begin + context + 1;
    return {{tokens_.begin() + begin, tokens_.begin() + end}, {counts_.begin() + begin + 1, counts_.begin() + end}};
  }

  std::vector<std::int64_t> tokens_;
  std::vector<float> counts_;  // of each token, whether it is predicted
};

}  // namespace fissile::examples
