// How much text a tokenizer puts into a token, label by label: what must stand beside every number that compares
// languages, since a language that is cut into more pieces costs more steps for the same words.
//
//   tokens per character, bytes per character, tokens per paragraph
//   premium(label, reference) = tokens of the label / tokens of the reference, for the same paragraphs
//
// A character is a code point: a letter and the combining mark on it are two. White space counts. The premium is that
// of Petrov et al. 2023 ("Language Model Tokenizers Introduce Unfairness Between Languages", arXiv 2305.15425), taken
// over all paragraphs at once.
#pragma once

#include <fissile/base/utf8.hpp>
#include <fissile/count/corpus_names.hpp>
#include <fissile/count/label_key.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

struct text_settings {
  std::vector<std::string> labels = {};
  std::string corpus = {};  // where the texts come from; said in every report
};

/// Plain counts. Ratios are NaN where nothing was counted to divide by.
struct text_size {
  std::uint64_t paragraphs = 0;
  std::uint64_t bytes = 0;
  std::uint64_t characters = 0;
  std::uint64_t broken = 0;  // bytes that are no valid UTF-8: part of `bytes`, of no character
  std::uint64_t tokens = 0;

  double bytes_per_character() const noexcept { return ratio(bytes, characters); }
  double tokens_per_character() const noexcept { return ratio(tokens, characters); }
  double bytes_per_token() const noexcept { return ratio(bytes, tokens); }
  double bytes_per_paragraph() const noexcept { return ratio(bytes, paragraphs); }
  double tokens_per_paragraph() const noexcept { return ratio(tokens, paragraphs); }

  static double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
    return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : static_cast<double>(part) / static_cast<double>(whole);
  }
  friend bool operator==(const text_size&, const text_size&) = default;
};

/// Bytes, characters and broken bytes of one paragraph, of so many tokens.
inline text_size size_of_text(std::string_view text, index_t tokens) noexcept {
  Expects(tokens >= 0);
  text_size size{.paragraphs = 1, .bytes = text.size(), .tokens = static_cast<std::uint64_t>(tokens)};
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t bytes = character_at(text, position).bytes;
    ++(bytes > 0 ? size.characters : size.broken);
    position += bytes > 0 ? bytes : 1;
  }
  return size;
}

/// Of one tokenizer; plain data, exact. A label that is not there is refused with setting_error.
class text_measure {
public:
  /// Throws setting_error for no, empty or repeated labels.
  explicit text_measure(text_settings settings)
      : labels_(std::move(settings.labels)), corpora_(std::move(settings.corpus)), sizes_(labels_.size()) {
    check_labels(labels_, "text_measure");
  }

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  /// The names of all corpora in alphabetical order, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }

  /// One paragraph and how many tokens the tokenizer makes of it, without those that mark a beginning or an end.
  void add(label_key label, std::string_view paragraph, index_t tokens) {
    add_to(sizes_[to_size(label.among(labels_))], size_of_text(paragraph, tokens));
  }

  const text_size& of(label_key label) const { return sizes_[to_size(label.among(labels_))]; }

  /// How many tokens the label needs where the reference needs one; NaN where the reference has none. It means
  /// something only where paragraph i of both says the same. Throws setting_error where their numbers differ.
  double premium(label_key label, label_key reference) const {
    const text_size& own = of(label);
    const text_size& other = of(reference);
    if (own.paragraphs != other.paragraphs) {
      fail<setting_error>({.argument = "text_measure::premium",
                           .expected = "as many paragraphs in both, " + std::to_string(other.paragraphs),
                           .got = std::to_string(own.paragraphs),
                           .cure = "texts that are no translations of each other have no premium"});
    }
    return text_size::ratio(own.tokens, other.tokens);
  }

  /// Adds what was measured on other texts, exactly. Throws shape_error for other labels.
  void merge(const text_measure& other) {
    if (labels_ != other.labels_) {
      fail<shape_error>({.argument = "text_measure::merge",
                         .expected = "the same " + std::to_string(labels_.size()) + " labels",
                         .got = std::to_string(other.labels_.size()) + " labels, or others"});
    }
    for (std::size_t i = 0; i < sizes_.size(); ++i) add_to(sizes_[i], other.sizes_[i]);
    corpora_.merge(other.corpora_);
  }

  friend bool operator==(const text_measure&, const text_measure&) = default;

private:
  static void add_to(text_size& sum, const text_size& more) noexcept {
    sum.paragraphs += more.paragraphs;
    sum.bytes += more.bytes;
    sum.characters += more.characters;
    sum.broken += more.broken;
    sum.tokens += more.tokens;
  }

  std::vector<std::string> labels_;
  corpus_names corpora_;
  std::vector<text_size> sizes_;  // [labels]
};

}  // namespace fissile
