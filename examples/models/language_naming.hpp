// How often the model names the language of a paragraph that it has not seen, when it is asked as in training.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "guide_corpus.hpp"
#include "instruction_documents.hpp"
#include "translation_sample.hpp"

namespace fissile::examples {

struct naming_score {
  int right = 0, asked = 0;
};

// The first held-out paragraphs of each language that are neither titles nor too long.
inline naming_score name_languages(llama_module& model, const std::vector<guide::page>& pages) {
  constexpr int each = 5;
  naming_score score;
  for (const auto& language : guide::languages(pages)) {
    int asked = 0;
    for (const auto& page : pages) {
      if (!page.held_out || page.language != language) continue;
      for (const auto& paragraph : page.paragraphs) {
        if (asked == each) break;
        if (paragraph.size() < 120 || paragraph.size() > 300) continue;
        const auto answer = continue_line(model, std::string{guide::which_language} + paragraph + '\n');
        score.right += answer == language_name(language) ? 1 : 0;
        ++asked;
      }
    }
    score.asked += asked;
  }
  return score;
}

}  // namespace fissile::examples
