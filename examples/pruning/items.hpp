// A task that needs no training: which of four texts goes on with a paragraph? One does; three are ends of other
// paragraphs. The same paragraphs make the items of every language, so that answers can be compared across languages.
#pragma once

#include "parallel_pages.hpp"

#include <fissile/base/random.hpp>
#include <fissile/base/view.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::pruning_study {

inline constexpr index_t candidates = 4;

struct choice_item {
  std::string context;
  std::array<std::string, to_size(candidates)> ends;
  index_t truth = 0;  // which end is the paragraph's own
};
using language_items = std::vector<std::vector<choice_item>>;  // [languages][items]

struct item_settings {
  index_t items = 64;    // at most
  index_t letters = 60;  // of the context and of each end, at most
  index_t words = 12;    // that a paragraph has in every language, at least
  std::uint64_t seed = 1;
};

namespace detail {

inline bool begins_letter(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xc0u) != 0x80u;
}
/// The first `count` letters of a text in UTF-8.
inline std::string first_letters(std::string_view text, index_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (begins_letter(text[at]) && count-- == 0) break;
  }
  return std::string{text.substr(0, at)};
}
inline std::string last_letters(std::string_view text, index_t count) {
  std::size_t at = text.size();
  while (at > 0 && count > 0) count -= begins_letter(text[--at]) ? 1 : 0;
  return std::string{text.substr(at)};
}
inline index_t words_of(std::string_view text) noexcept {
  return 1 + static_cast<index_t>(std::count(text.begin(), text.end(), ' '));
}
/// Where the second half of a text begins: at the space that is nearest to its middle.
inline std::size_t middle_of(std::string_view text) noexcept {
  const std::size_t middle = text.size() / 2, before = text.rfind(' ', middle), after = text.find(' ', middle);
  if (before == std::string_view::npos) return after == std::string_view::npos ? middle : after;
  if (after == std::string_view::npos) return before;
  return middle - before <= after - middle ? before : after;
}

struct place {
  const parallel_page* page;
  index_t paragraph;
};

}  // namespace detail

/// Of held-out pages. Throws setting_error where they have fewer than four paragraphs that serve.
inline language_items make_items(const std::vector<parallel_page>& pages, const item_settings& settings) {
  using namespace detail;
  std::vector<place> places;
  for (const parallel_page& page : pages) {
    for (index_t paragraph = 0; page.held_out && paragraph < page.length(); ++paragraph) {
      bool serves = page.translated(paragraph);
      for (index_t language = 0; language < language_count; ++language) {
        serves = serves && words_of(page.at(language, paragraph)) >= settings.words;
      }
      if (serves) places.push_back({&page, paragraph});
    }
  }
  if (length(places) < candidates) {
    fail<setting_error>({.argument = "items",
                         .expected = "at least 4 held-out paragraphs that are translated and long enough",
                         .got = std::to_string(places.size())});
  }
  random_source random{settings.seed};
  shuffle(places, random);
  const auto text = [](const place& of, index_t language) -> std::string_view {
    return of.page->at(language, of.paragraph);
  };
  const auto end_of = [&](const place& of, index_t language) {
    return first_letters(text(of, language).substr(middle_of(text(of, language))), settings.letters);
  };
  language_items made(to_size(language_count));
  for (index_t item = 0; item < std::min(settings.items, length(places)); ++item) {
    // The truth stands first here, and is then moved to a place that is drawn.
    std::vector<index_t> drawn{item};
    while (length(drawn) < candidates) {
      const index_t other = random.below(length(places));
      if (std::find(drawn.begin(), drawn.end(), other) == drawn.end()) drawn.push_back(other);
    }
    const index_t truth = random.below(candidates);
    std::swap(drawn.front(), drawn[to_size(truth)]);
    for (index_t language = 0; language < language_count; ++language) {
      const std::string_view whole = text(places[to_size(item)], language);
      choice_item one{
          .context = last_letters(whole.substr(0, middle_of(whole)), settings.letters), .ends = {}, .truth = truth};
      for (index_t i = 0; i < candidates; ++i) {
        one.ends[to_size(i)] = end_of(places[to_size(drawn[to_size(i)])], language);
      }
      made[to_size(language)].push_back(std::move(one));
    }
  }
  return made;
}

/// Which of the candidates is the likeliest, as a share of the truth: of equals each is right for its part, so that a
/// model for which all are equal scores a quarter. NaN is never chosen.
inline double credit(vector_view<const double> scores, index_t truth) noexcept {
  double best = -HUGE_VAL;
  index_t equals = 0;
  for (index_t i = 0; i < scores.length(); ++i) {
    if (scores[i] > best) best = scores[i], equals = 0;
    equals += scores[i] == best ? 1 : 0;
  }
  return equals > 0 && scores[truth] == best ? 1.0 / static_cast<double>(equals) : 0.0;
}

/// Mean credit, with its standard error sqrt(p (1 - p) / items).
struct accuracy {
  double share = 0, error = 0;
};
/// scores: [items x candidates], as `score_items` gives them.
inline accuracy accuracy_of(const std::vector<double>& scores, const std::vector<choice_item>& items) {
  Expects(scores.size() == items.size() * to_size(candidates) && !items.empty());
  const auto count = static_cast<double>(items.size());
  accuracy made;
  for (index_t item = 0; item < length(items); ++item) {
    const vector_view<const double> of_item{scores.data() + item * candidates, candidates};
    made.share += credit(of_item, items[to_size(item)].truth) / count;
  }
  made.error = std::sqrt(made.share * (1 - made.share) / count);
  return made;
}

}  // namespace fissile::pruning_study
