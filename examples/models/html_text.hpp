// The visible text of an HTML page, as a list of blocks: one for each paragraph, heading, list item or table cell.
//
// Made for the DocBook pages of the Debian installation guide, not for the web at large: tags nest properly, entities
// are few. Navigation bars and tables of contents are dropped, because they repeat the titles of other pages, and a
// held-out page must not show through them.
#pragma once

#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "utf8.hpp"

namespace fissile::examples {

// What an entity stands for, named without its & and ;, as in "amp" or "#x2014". Nothing when it is not known.
inline std::optional<std::uint32_t> character_of(std::string_view entity) {
  constexpr std::pair<std::string_view, std::uint32_t> named[] = {{"amp", '&'},  {"lt", '<'},    {"gt", '>'},
                                                                  {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xa0}};
  for (const auto& [name, character] : named) {
    if (entity == name) return character;
  }
  if (!entity.starts_with('#')) return std::nullopt;
  const bool hexadecimal = entity.starts_with("#x") || entity.starts_with("#X");
  entity.remove_prefix(hexadecimal ? 2 : 1);
  std::uint32_t character = 0;
  const auto [end, error] =
      std::from_chars(entity.data(), entity.data() + entity.size(), character, hexadecimal ? 16 : 10);
  const bool whole = error == std::errc{} && end == entity.data() + entity.size();
  return whole && character < 0x110000 ? std::optional{character} : std::nullopt;
}

// Decodes the entity at the front of `html` ("&amp;...") into `text` and returns its length; an unknown one stays.
inline std::size_t decode_entity(std::string_view html, std::string& text) {
  const auto end = html.substr(0, 12).find(';');
  const auto character = end == std::string_view::npos ? std::nullopt : character_of(html.substr(1, end - 1));
  append_utf8(text, character.value_or('&'));
  return character ? end + 1 : 1;
}

// Collects text until a block ends; white space collapses to one blank, except inside <pre>.
class block_collector {
public:
  void add(char letter) {
    const bool blank = letter == ' ' || letter == '\n' || letter == '\t' || letter == '\r';
    if (blank && !verbatim_) {
      if (!block_.empty() && block_.back() != ' ') block_ += ' ';
    } else {
      block_ += letter;
    }
  }
  void finish_block() {
    const auto first = block_.find_first_not_of(verbatim_ ? "\n\r" : " ");
    const auto last = block_.find_last_not_of(" \n\r\t");
    if (last != std::string::npos && first <= last) blocks_.push_back(block_.substr(first, last - first + 1));
    block_.clear();
  }
  void keep_blanks(bool verbatim) { verbatim_ = verbatim; }
  std::string& block() { return block_; }
  std::vector<std::string> take() {
    finish_block();
    return std::move(blocks_);
  }

private:
  std::string block_;
  std::vector<std::string> blocks_;
  bool verbatim_ = false;
};

// Where the tag that begins at `begin` ends (its '>'), minding that a quoted attribute may hold a '>'.
inline std::size_t tag_end(std::string_view html, std::size_t begin) {
  char quote = 0;
  for (std::size_t at = begin; at < html.size(); ++at) {
    if (quote != 0) {
      if (html[at] == quote) quote = 0;
    } else if (html[at] == '"' || html[at] == '\'') {
      quote = html[at];
    } else if (html[at] == '>') {
      return at;
    }
  }
  return html.size();
}

inline bool is_block_tag(std::string_view name) {
  constexpr std::string_view blocks[] = {"p",  "div", "li", "ul", "ol", "dl", "dt", "dd",    "h1",    "h2",   "h3",
                                         "h4", "h5",  "h6", "td", "th", "tr", "hr", "table", "tbody", "body", "pre"};
  for (const auto block : blocks) {
    if (name == block) return true;
  }
  return false;
}

// Whether everything inside this element is left out: head, navigation, tables of contents, footnote marks.
inline bool is_left_out(std::string_view name, std::string_view tag) {
  if (name == "head" || name == "sup" || name == "script" || name == "style") return true;
  return name == "div" &&
         (tag.find("class=\"nav") != std::string_view::npos || tag.find("class=\"toc\"") != std::string_view::npos);
}

// The page's blocks of text, in reading order, none of them empty.
inline std::vector<std::string> html_blocks(std::string_view html) {
  block_collector text;
  std::string skipping;  // the element being left out, and how deep we are inside elements of its name
  int depth = 0;
  for (std::size_t at = 0; at < html.size();) {
    if (html.substr(at).starts_with("<!--")) {
      const auto end = html.find("-->", at);
      at = end == std::string_view::npos ? html.size() : end + 3;
    } else if (html[at] == '<') {
      const auto end = tag_end(html, at);
      const auto tag = html.substr(at + 1, end - at - 1);
      const bool closing = tag.starts_with('/');
      std::string name;
      for (const char letter : tag.substr(closing ? 1 : 0)) {
        if (std::isalnum(static_cast<unsigned char>(letter)) == 0) break;
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      }
      if (depth > 0) {
        if (name == skipping) depth += closing ? -1 : 1;
      } else if (!closing && is_left_out(name, tag)) {
        skipping = name;
        depth = 1;
      } else if (is_block_tag(name)) {
        text.finish_block();
        if (name == "pre") text.keep_blanks(!closing);
      } else if (name == "br") {
        text.add(' ');
      }
      at = end + 1;
    } else if (depth > 0) {
      ++at;
    } else if (html[at] == '&') {
      at += decode_entity(html.substr(at), text.block());
    } else {
      text.add(html[at++]);
    }
  }
  return text.take();
}

}  // namespace fissile::examples
