// The languages of the Debian installation guide: their families, and the scripts they are written in.
#pragma once

#include <fissile/count/adjusted_rand.hpp>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::babel_study {

struct language {
  std::string_view code;    // as the guide names it
  std::string_view family;  // a branch of Indo-European, or another family
  std::string_view script;
};

inline constexpr std::array<language, 19> languages{{{"ca", "Romance", "Latin"},
                                                     {"cs", "Slavic", "Latin"},
                                                     {"da", "Germanic", "Latin"},
                                                     {"de", "Germanic", "Latin"},
                                                     {"el", "Hellenic", "Greek"},
                                                     {"en", "Germanic", "Latin"},
                                                     {"es", "Romance", "Latin"},
                                                     {"fr", "Romance", "Latin"},
                                                     {"id", "Austronesian", "Latin"},
                                                     {"it", "Romance", "Latin"},
                                                     {"ja", "Japonic", "Japanese"},
                                                     {"ko", "Koreanic", "Hangul"},
                                                     {"nl", "Germanic", "Latin"},
                                                     {"pt", "Romance", "Latin"},
                                                     {"ro", "Romance", "Latin"},
                                                     {"ru", "Slavic", "Cyrillic"},
                                                     {"sv", "Germanic", "Latin"},
                                                     {"vi", "Austroasiatic", "Latin"},
                                                     {"zh_CN", "Sinitic", "Chinese"}}};

/// Those that are pruned for, in the order of the tables: relatives and scripts of their own.
inline constexpr std::array<std::string_view, 8> pruned_languages{"en", "de", "fr", "es", "pt", "nl", "ru", "el"};

/// Places in `languages`, ascending, of those in this script; all where none is named.
inline std::vector<std::size_t> written_in(std::string_view script = {}) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < languages.size(); ++i) {
    if (script.empty() || languages[i].script == script) places.push_back(i);
  }
  return places;
}

/// The families or the scripts of these languages as a grouping.
inline grouping groups_of(const std::vector<std::size_t>& places, std::string_view language::*what) {
  std::map<std::string_view, index_t> number;
  grouping made;
  for (const std::size_t place : places) {
    made.push_back(number.emplace(languages[place].*what, length(number)).first->second);
  }
  return made;
}

/// How many groups there are.
inline index_t count_of(const grouping& groups) {
  std::map<index_t, int> seen;
  for (const index_t group : groups) ++seen[group];
  return static_cast<index_t>(seen.size());
}

}  // namespace fissile::babel_study
