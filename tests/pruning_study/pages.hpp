// A guide that nobody wrote, in all languages of the study: every paragraph names its place in digits, twice.
#pragma once

#include <pruning/parallel_pages.hpp>

#include <fissile/base/random.hpp>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace fissile::pruning_study {

inline constexpr index_t untranslated_paragraph = 7;

/// So many pages to learn from and as many that are held out; paragraph 7 of each is the same in every language.
inline std::vector<examples::guide::page> made_up_guide(index_t pages, index_t paragraphs) {
  std::vector<examples::guide::page> made;
  random_source random{11};
  for (index_t page = 0; page < 2 * pages; ++page) {
    const index_t number = page < pages ? page : 90 + page;
    for (const char* language : languages) {
      examples::guide::page one{language, "page" + std::to_string(number) + ".html", {}, page >= pages};
      for (index_t paragraph = 0; paragraph < paragraphs; ++paragraph) {
        const std::string place = std::to_string(10000 + 100 * number + paragraph);
        std::string words;
        for (int word = 0; word < 8; ++word) {
          words += ' ';
          words += language;
          for (index_t letter = random.below(6); letter >= 0; --letter)
            words += static_cast<char>('a' + random.below(26));
        }
        const bool same = paragraph == untranslated_paragraph;
        one.paragraphs.push_back(same ? "apt-get install" : place + words + words + " " + place);
      }
      made.push_back(std::move(one));
    }
  }
  return made;
}

inline std::string digits_of(const std::string& text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](unsigned char c) { return std::isdigit(c); });
  return digits;
}

}  // namespace fissile::pruning_study
