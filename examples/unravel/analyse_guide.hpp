// The Debian installation guide as parallel texts: its held-out pages that have as many paragraphs in every language, a
// paragraph a line, so that line i of each text translates line i of the others.
#pragma once

#include "texts.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// The paragraphs of a page, a line each: what ends lines within one, as in listings, becomes a space.
inline std::string lines_of_page(const examples::guide::page& one) {
  std::string lines;
  for (std::string paragraph : one.paragraphs) {
    std::replace(paragraph.begin(), paragraph.end(), '\n', ' ');
    lines += paragraph + '\n';
  }
  return lines;
}

/// Of all languages that the guide has. Throws file_error where no held-out page is alike in all of them.
inline corpus parallel_corpus(const std::vector<examples::guide::page>& pages, const std::string& origin) {
  std::map<std::string, std::vector<const examples::guide::page*>> by_name;
  for (const examples::guide::page& one : pages) {
    if (one.held_out) by_name[one.name].push_back(&one);
  }
  corpus made{.name = "Debian installation guide, held-out pages alike in all languages", .texts = {}};
  const std::vector<std::string> languages = examples::guide::languages(pages);
  for (const std::string& language : languages) made.texts.push_back({language, origin, {}});
  index_t alike = 0;
  for (const auto& [name, pages_of_name] : by_name) {
    const std::vector<const examples::guide::page*>& versions = pages_of_name;
    const auto same = [&](const examples::guide::page* one) {
      return one->paragraphs.size() == versions.front()->paragraphs.size();
    };
    if (versions.size() != languages.size() || !std::all_of(versions.begin(), versions.end(), same)) continue;
    for (std::size_t i = 0; i < versions.size(); ++i) made.texts[i].content += lines_of_page(*versions[i]);
    ++alike;
  }
  if (alike > 0) return made;
  fail<file_error>(
      {.argument = origin, .expected = "held-out pages with as many paragraphs in all languages", .got = "none"});
}

/// The guide where the user says it is, else the installed one. Throws setting_error where there is none.
inline corpus parallel_guide(const std::filesystem::path& given) {
  const auto found = examples::guide::find_directory(given);
  if (found && found->string().starts_with(given.string())) {
    return parallel_corpus(examples::guide::read(*found), found->string());
  }
  fail<setting_error>({.argument = given.empty() ? "--parallel" : "--guide",
                       .expected = "texts of which line i translates line i, or the Debian installation guide",
                       .got = given.empty() ? "neither" : given.string(),
                       .cure = "name texts with --text en=FILE --text de=FILE"});
}

}  // namespace fissile::unravel
