// The texts of a study, one for each language: files the user names, held-out pages of the Debian installation guide,
// or the texts that come with the project.
#pragma once

#include <models/guide_corpus.hpp>

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct text {
  std::string language;
  std::string origin;  // the file or the pages it comes from
  std::string content;
};

struct corpus {
  std::string name;
  std::vector<text> texts;
};

/// In the order of the study; Spanish and Portuguese, German and Dutch are relatives, Russian and Greek write
/// otherwise.
inline constexpr std::array<const char*, 8> default_languages{"en", "de", "fr", "es", "pt", "nl", "ru", "el"};

inline std::string read_text_file(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    fail<file_error>({.argument = file.string(), .expected = "a text file", .got = "a directory"});
  }
  std::ifstream stream{file, std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{stream}, {}};
  if (!stream.is_open() || stream.bad()) {
    fail<file_error>({.argument = file.string(), .expected = "a text file", .got = "nothing that can be read"});
  }
  return content;
}

/// Of "en=english.txt". Throws setting_error for other words, file_error for a file that cannot be read.
inline text text_of_argument(const std::string& argument) {
  const std::size_t sign = argument.find('=');
  const std::string language = argument.substr(0, sign);
  // Names go into file names and tables.
  const bool named = !language.empty() && language.find_first_not_of(
                                              "abcdefghijklmnopqrstuvwxyz"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == std::string::npos;
  if (sign == std::string::npos || !named || sign + 1 == argument.size()) {
    fail<setting_error>({.argument = "--text",
                         .expected = "LANGUAGE=FILE, the language in letters, digits, _ and -",
                         .got = "\"" + argument + "\"",
                         .cure = "write --text en=english.txt"});
  }
  const std::string file = argument.substr(sign + 1);
  return {.language = language, .origin = file, .content = read_text_file(file)};
}

/// The texts of the command line, in its order. Throws what `text_of_argument` throws, and setting_error where a
/// language is given twice.
inline corpus corpus_of_arguments(const std::vector<std::string>& arguments) {
  corpus made;
  for (const std::string& argument : arguments) {
    text one = text_of_argument(argument);
    const auto same = [&](const text& other) { return other.language == one.language; };
    if (std::any_of(made.texts.begin(), made.texts.end(), same)) {
      fail<setting_error>({.argument = "--text", .expected = "each language once", .got = one.language + " twice"});
    }
    made.name += (made.name.empty() ? "" : ", ") + one.origin;
    made.texts.push_back(std::move(one));
  }
  return made;
}

/// The guide's pages that no model of ours was trained on. Languages that it lacks are left out.
inline corpus corpus_of_guide(const std::filesystem::path& directory) {
  const auto pages = examples::guide::read(directory);
  corpus made{.name = "Debian installation guide, held-out pages", .texts = {}};
  for (const char* language : default_languages) {
    std::string content = examples::guide::held_out_text(pages, language);
    if (content.empty()) continue;
    made.texts.push_back({language, (directory / language).string() + ", held-out pages", std::move(content)});
  }
  if (made.texts.empty()) {
    fail<file_error>(
        {.argument = directory.string(), .expected = "the guide in en, de, fr ...", .got = "none of them"});
  }
  return made;
}

/// A file for each of the same languages.
inline corpus corpus_of_folder(const std::filesystem::path& directory) {
  corpus made{.name = "the example texts of fissile", .texts = {}};
  for (const char* language : default_languages) {
    const std::filesystem::path file = directory / (std::string{language} + ".txt");
    made.texts.push_back({language, file.string(), read_text_file(file)});
  }
  return made;
}

/// Where to look when the user names no texts.
struct text_places {
  std::filesystem::path guide = {};                 // what the user says; empty: the installed package
  std::vector<std::filesystem::path> folders = {};  // with en.txt, de.txt ...; the first that exists is taken
};

/// The guide where it is, else the example texts. Throws setting_error where the user names a guide that is not there,
/// file_error where there is nothing at all.
inline corpus default_corpus(const text_places& places) {
  const auto guide = examples::guide::find_directory(places.guide);
  const auto inside = [&](const std::filesystem::path& found) {  // not the installed one instead of what was asked for
    return places.guide.empty() || found == places.guide || found.string().starts_with(places.guide.string());
  };
  if (!places.guide.empty() && !(guide && inside(*guide))) {
    fail<setting_error>({.argument = "--guide",
                         .expected = "a folder with en/index.html, or where installation-guide-amd64 was unpacked",
                         .got = places.guide.string()});
  }
  if (guide) return corpus_of_guide(*guide);
  for (const std::filesystem::path& folder : places.folders) {
    std::error_code none;
    if (std::filesystem::exists(folder / "en.txt", none)) return corpus_of_folder(folder);
  }
  fail<file_error>({.argument = "texts",
                    .expected = "the Debian installation guide, or the example texts beside the program",
                    .got = "neither",
                    .cure = "name texts with --text en=FILE"});
}

}  // namespace fissile::unravel
