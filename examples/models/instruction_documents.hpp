// Instructions with their answers, made of the guide's own paragraphs: translate, continue in a language, name a
// language.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "guide_corpus.hpp"

namespace fissile::examples::guide {

enum class instruction { translate, go_on, name_language };
inline constexpr int instruction_kinds = 3;

inline constexpr std::string_view which_language = "Which language is this?\n";

// One instruction and its answer, of two aligned pages:
//   "Translate from German to French:\n", the German paragraph, the French one;
//   "Continue in French:\n",              the German paragraph, the French one after it;
//   "Which language is this?\n",          the German paragraph, "German".
// Each ends with a line end. Empty where no paragraph follows to go on with.
inline std::string instruct(instruction what, const page& from, const page& to, std::size_t paragraph) {
  const auto& given = from.paragraphs.at(paragraph);
  if (what == instruction::name_language) {
    return std::string{which_language} + given + '\n' + language_name(from.language) + '\n';
  }
  if (what == instruction::translate) {
    return "Translate from " + language_name(from.language) + " to " + language_name(to.language) + ":\n" + given +
           '\n' + to.paragraphs.at(paragraph) + '\n';
  }
  if (paragraph + 1 == to.paragraphs.size()) return {};
  return "Continue in " + language_name(to.language) + ":\n" + given + '\n' + to.paragraphs[paragraph + 1] + '\n';
}

}  // namespace fissile::examples::guide
