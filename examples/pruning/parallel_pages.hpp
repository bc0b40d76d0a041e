// Pages of the guide that say the same in every language of the study, paragraph by paragraph.
#pragma once

#include <models/guide_corpus.hpp>
#include <unravel/texts.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::pruning_study {

inline constexpr auto& languages = unravel::default_languages;
inline constexpr index_t language_count = static_cast<index_t>(languages.size());

/// Paragraph i of one language translates paragraph i of every other.
struct parallel_page {
  std::string name;
  bool held_out = false;
  std::vector<std::vector<std::string>> paragraphs;  // [languages][paragraphs]

  index_t length() const noexcept { return static_cast<index_t>(paragraphs.front().size()); }
  const std::string& at(index_t language, index_t paragraph) const {
    return paragraphs[to_size(language)][to_size(paragraph)];
  }
  /// Whether it says the same in two ways at least: commands and what nobody has translated yet do not.
  bool translated(index_t language, index_t paragraph) const {
    const std::string& own = at(language, paragraph);
    for (index_t other = 0; other < static_cast<index_t>(paragraphs.size()); ++other) {
      if (other != language && at(other, paragraph) == own) return false;
    }
    return true;
  }
  bool translated(index_t paragraph) const {
    for (index_t one = 0; one < static_cast<index_t>(paragraphs.size()); ++one) {
      if (!translated(one, paragraph)) return false;
    }
    return true;
  }
};

/// Those pages that have as many paragraphs in each of `languages`, in the order of their names.
inline std::vector<parallel_page> parallel_pages(const std::vector<examples::guide::page>& pages) {
  std::map<std::pair<std::string_view, std::string_view>, const examples::guide::page*> found;
  std::set<std::string_view> names;
  for (const auto& page : pages) {
    found[{page.language, page.name}] = &page;
    names.insert(page.name);
  }
  std::vector<parallel_page> made;
  for (const std::string_view name : names) {
    parallel_page one{.name = std::string{name}, .held_out = false, .paragraphs = {}};
    for (const char* language : languages) {
      const auto page = found.find({language, name});
      if (page == found.end()) break;
      one.held_out = page->second->held_out;
      one.paragraphs.push_back(page->second->paragraphs);
    }
    const auto aligned = [&](const auto& other) { return other.size() == one.paragraphs.front().size(); };
    const bool everywhere = one.paragraphs.size() == languages.size();
    if (everywhere && std::all_of(one.paragraphs.begin(), one.paragraphs.end(), aligned) && one.length() > 0) {
      made.push_back(std::move(one));
    }
  }
  return made;
}

}  // namespace fissile::pruning_study
