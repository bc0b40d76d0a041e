// A small check that an SVG is well-formed XML, so that tests need no XML library.
#pragma once

#include <fissile/report/utf8.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::testing {

/// What is wrong, or nothing. Knows elements, attributes in double quotes, text and the five entities; no comments.
inline std::string not_well_formed(std::string_view xml) {
  for (std::size_t position = 0; position < xml.size();) {
    const std::size_t begin = position;
    const char32_t c = next_character(xml, position);
    if (c == replacement_character && xml.substr(begin, 3) != "\xef\xbf\xbd") return "broken UTF-8";
    if ((c < 0x20 && c != '\n') || c == 0x7f || c == 0xfffe || c == 0xffff) return "a character that XML cannot hold";
  }
  const std::string_view declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  if (xml.substr(0, declaration.size()) != declaration) return "no declaration";
  std::vector<std::string_view> open;
  std::size_t at = declaration.size();
  const auto entity_ends = [&](std::size_t amp) {
    for (const std::string_view name : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}) {
      if (xml.substr(amp, name.size()) == name) return amp + name.size();
    }
    return std::string_view::npos;
  };
  while (at < xml.size()) {
    if (xml[at] == '&') {
      at = entity_ends(at);
      if (at == xml.npos) return "a bare &";
    } else if (xml[at] != '<') {
      if (open.empty() && xml[at] != '\n') return "text outside of the root";
      ++at;
    } else if (xml[at + 1] == '/') {
      const std::size_t end = xml.find('>', at);
      if (end == xml.npos || open.empty() || xml.substr(at + 2, end - at - 2) != open.back()) return "a wrong end tag";
      open.pop_back();
      at = end + 1;
      if (open.empty() && xml.substr(at) != "\n") return "something after the root";
    } else {
      const std::size_t name_end = xml.find_first_of(" />", at);
      if (name_end == xml.npos) return "an open tag";
      const std::string_view name = xml.substr(at + 1, name_end - at - 1);
      std::set<std::string_view> attributes;
      at = name_end;
      while (at < xml.size() && xml[at] == ' ') {
        const std::size_t equals = xml.find('=', at);
        if (equals == xml.npos || xml.substr(equals, 2) != "=\"") return "an attribute without quotes";
        if (!attributes.insert(xml.substr(at + 1, equals - at - 1)).second) return "an attribute twice";
        at = equals + 2;
        while (at < xml.size() && xml[at] != '"') {
          if (xml[at] == '<') return "< in an attribute";
          at = xml[at] == '&' ? entity_ends(at) : at + 1;
        }
        if (at >= xml.size()) return "an open attribute";
        ++at;
      }
      if (xml.substr(at, 2) == "/>") {
        at += 2;
      } else if (at < xml.size() && xml[at] == '>') {
        open.push_back(name);
        ++at;
      } else {
        return "an open tag";
      }
    }
  }
  return open.empty() ? "" : "an element that does not end";
}

inline std::size_t occurrences(std::string_view text, std::string_view of) {
  std::size_t count = 0;
  for (std::size_t at = text.find(of); at != text.npos; at = text.find(of, at + of.size())) ++count;
  return count;
}

}  // namespace fissile::testing
