// The Debian installation guide as a parallel corpus: the same pages in 19 languages, a tenth of them held out.
//
// Get it with `apt-get install installation-guide-amd64`, or without installing it:
// `apt-get download installation-guide-amd64 && dpkg-deb -x installation-guide-amd64_*.deb guide`.
// The same page names are held out in every language, so that no test page leaks into training through its translation.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "html_text.hpp"
#include "language_names.hpp"

namespace fissile::examples::guide {

struct page {
  std::string language;                 // as the package names it: "de", "zh_CN"
  std::string name;                     // "ch01s01.html", the same in every language
  std::vector<std::string> paragraphs;  // UTF-8, in reading order
  bool held_out = false;                // never trained on
};

// The folder with one subfolder a language: `given` (the guide itself, or where its package was unpacked) or the
// installed package. Nothing when there is none, as on systems installed without documentation.
inline std::optional<std::filesystem::path> find_directory(const std::filesystem::path& given = {}) {
  const std::filesystem::path installed = "usr/share/doc/installation-guide-amd64";
  for (const auto& directory : {given, given / installed, "/" / installed}) {
    std::error_code unreadable;  // counts as missing
    const bool asked = !given.empty() || directory.is_absolute();
    if (asked && std::filesystem::exists(directory / "en" / "index.html", unreadable)) return directory;
  }
  return std::nullopt;
}

inline std::string read_utf8_page(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  std::string html{std::istreambuf_iterator<char>{stream}, {}};
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  constexpr std::string_view key = "charset=";
  if (const auto at = html.find(key); at != std::string::npos) {
    std::string charset = html.substr(at + key.size(), 5);
    std::transform(charset.begin(), charset.end(), charset.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    if (charset != "utf-8") {
      throw std::runtime_error(file.string() + ": expected UTF-8, its charset begins \"" + charset +
                               "\"; convert it with iconv");
    }
  }
  return html;
}

// Every tenth page name in sorted order: the 2nd, the 12th, ... Counting from the second spares the two pages that
// would say little about a language: the licence, untranslated in four of them, and a long listing of settings.
inline std::set<std::string> held_out_names(const std::set<std::string>& names) {
  std::set<std::string> held_out;
  std::size_t position = 0;
  for (const auto& name : names) {
    if (position++ % 10 == 1) held_out.insert(name);
  }
  return held_out;
}

// All pages, ordered by language and name. Throws std::runtime_error when there are none.
inline std::vector<page> read(const std::filesystem::path& directory) {
  std::vector<page> pages;
  std::set<std::string> names;
  for (const auto& language : std::filesystem::directory_iterator{directory}) {
    if (!language.is_directory()) continue;
    for (const auto& file : std::filesystem::directory_iterator{language.path()}) {
      if (file.path().extension() != ".html") continue;
      const auto name = file.path().filename().string();
      pages.push_back({language.path().filename().string(), name, html_blocks(read_utf8_page(file.path())), false});
      names.insert(name);
    }
  }
  if (pages.empty()) {
    throw std::runtime_error("no HTML pages under " + directory.string() +
                             "; expected one subfolder a language, as in the package installation-guide-amd64");
  }
  const auto held_out = held_out_names(names);
  for (auto& each : pages) each.held_out = held_out.contains(each.name);
  std::sort(pages.begin(), pages.end(),
            [](const page& a, const page& b) { return std::tie(a.language, a.name) < std::tie(b.language, b.name); });
  return pages;
}

// All pages of the guide that is found for `given`. Throws std::runtime_error when there is none.
inline std::vector<page> read_found(const std::filesystem::path& given) {
  if (const auto directory = find_directory(given)) return read(*directory);
  throw std::runtime_error("no Debian installation guide in \"" + given.string() +
                           "\" or /usr/share/doc; run apt-get download installation-guide-amd64, "
                           "dpkg-deb -x installation-guide-amd64_*.deb guide, and say --guide guide");
}

// The language codes, in order.
inline std::vector<std::string> languages(const std::vector<page>& pages) {
  std::set<std::string> codes;
  for (const auto& each : pages) codes.insert(each.language);
  return {codes.begin(), codes.end()};
}

// One paragraph a line.
inline std::string text(const page& one) {
  std::string joined;
  for (const auto& paragraph : one.paragraphs) joined += paragraph + '\n';
  return joined;
}

// The held-out pages of one language, one after the other.
inline std::string held_out_text(const std::vector<page>& pages, std::string_view language) {
  std::string joined;
  for (const auto& each : pages) {
    if (each.held_out && each.language == language) joined += text(each);
  }
  return joined;
}

// Whether paragraph i of one page translates paragraph i of the other: the same page with as many paragraphs.
inline bool aligned(const page& a, const page& b) {
  return a.name == b.name && a.language != b.language && a.paragraphs.size() == b.paragraphs.size();
}

// "German: ...\nFrench: ...\n": one paragraph of two aligned pages.
inline std::string translation(const page& from, const page& to, std::size_t paragraph) {
  return language_name(from.language) + ": " + from.paragraphs.at(paragraph) + '\n' + language_name(to.language) +
         ": " + to.paragraphs.at(paragraph) + '\n';
}

}  // namespace fissile::examples::guide
