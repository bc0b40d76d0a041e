// What the model reads in one training step: windows of plain pages, and windows filled with translation documents or
// with instructions.
//
// A window depends only on the seed and its step, so a run that was interrupted goes on with the same windows.
#pragma once

#include <fissile/base/random.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "guide_corpus.hpp"
#include "instruction_documents.hpp"

namespace fissile::examples {

// The draws of one window, the same on every machine.
inline random_source draws_of(std::uint64_t seed, std::uint64_t step, std::uint64_t row) {
  return random_source{random_source{seed}.bits() ^ random_source{~step}.bits() ^ random_source{row << 48}.bits()};
}

class training_windows {
public:
  training_windows(const std::vector<guide::page>& pages, std::int64_t separator) : separator_(separator) {
    for (const auto& page : pages) {
      if (page.held_out) continue;
      auto& stream = streams_[page.language];
      append(stream, guide::text(page));
      translations_[page.name].push_back(&page);
      longest_page_ = std::max(longest_page_, length(page.paragraphs));
    }
    for (const auto& [language, stream] : streams_) plain_.push_back(&stream);
    for (const auto& [name, page] : translations_) {
      if (page.size() > 1) parallel_.push_back(&page);
    }
  }

  // A language by chance, then a place in its pages by chance. `size` tokens
  std::vector<std::int64_t> plain(random_source& chance, index_t size) const {
    const auto& stream = *any_of(plain_, chance);
    const auto begin = stream.begin() + chance.below(std::ssize(stream) - size);
    return {begin, begin + size};
  }

  std::vector<std::int64_t> translations(random_source& chance, index_t size) const {
    return filled(chance, size, guide::translation);
  }

  // Each of the kinds as likely.
  std::vector<std::int64_t> instructions(random_source& chance, index_t size) const {
    return filled(chance, size, [&](const guide::page& from, const guide::page& to, std::size_t paragraph) {
      const auto what = static_cast<guide::instruction>(chance.below(guide::instruction_kinds));
      return guide::instruct(what, from, to, paragraph);
    });
  }

  std::size_t plain_tokens() const {
    std::size_t sum = 0;
    for (const auto* stream : plain_) sum += stream->size();
    return sum;
  }

private:
  template <class T>
  static const T& any_of(const std::vector<T>& values, random_source& chance) {
    return values[to_size(chance.below(length(values)))];
  }

  // Documents one after the other, the last one cut, each made of a paragraph in two languages. Documents that are
  // empty or would not fit on their own are passed over, and so are paragraphs that were left in English.
  template <class Document>
  std::vector<std::int64_t> filled(random_source& chance, index_t size, const Document& document_of) const {
    std::vector<std::int64_t> window;
    while (std::ssize(window) < size) {
      const auto& versions = *any_of(parallel_, chance);
      const auto& from = *any_of(versions, chance);
      const auto& to = *any_of(versions, chance);
      // Pages differ in length a hundredfold: draw a place on the longest, so that every paragraph is as likely.
      const auto paragraph = to_size(chance.below(longest_page_));
      if (!guide::aligned(from, to) || paragraph >= from.paragraphs.size()) continue;
      if (from.paragraphs[paragraph] == to.paragraphs[paragraph]) continue;
      const auto document = document_of(from, to, paragraph);
      if (!document.empty() && std::ssize(document) < size) append(window, document);
    }
    window.resize(to_size(size));
    return window;
  }

  void append(std::vector<std::int64_t>& stream, std::string_view text) const {
    stream.push_back(separator_);
    for (const char byte : text) stream.push_back(static_cast<unsigned char>(byte));
  }

  std::int64_t separator_;
  index_t longest_page_ = 0;  // paragraphs
  std::map<std::string, std::vector<std::int64_t>> streams_;
  std::map<std::string, std::vector<const guide::page*>> translations_;
  std::vector<const std::vector<std::int64_t>*> plain_;
  std::vector<const std::vector<const guide::page*>*> parallel_;
};

}  // namespace fissile::examples
