// What the languages of the Debian installation guide are called in English.
#pragma once

#include <string>
#include <string_view>

namespace fissile::examples {

inline constexpr std::string_view language_names[][2] = {
    {"ca", "Catalan"},  {"cs", "Czech"},   {"da", "Danish"},     {"de", "German"},     {"el", "Greek"},
    {"en", "English"},  {"es", "Spanish"}, {"fr", "French"},     {"id", "Indonesian"}, {"it", "Italian"},
    {"ja", "Japanese"}, {"ko", "Korean"},  {"nl", "Dutch"},      {"pt", "Portuguese"}, {"ro", "Romanian"},
    {"ru", "Russian"},  {"sv", "Swedish"}, {"vi", "Vietnamese"}, {"zh_CN", "Chinese"},
};

// A code that is not in the list names itself.
inline std::string language_name(std::string_view code) {
  for (const auto& [known, name] : language_names) {
    if (known == code) return std::string{name};
  }
  return std::string{code};
}

}  // namespace fissile::examples
