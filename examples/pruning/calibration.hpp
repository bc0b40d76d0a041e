// What the model reads before it is pruned: translations, one language, all of them, or nothing that means anything.
//
// Every kind reads as many bytes, sample by sample, as the translations drawn with the same seed. All come from pages
// that the model was trained on; what is scored is held out.
#pragma once

#include "parallel_pages.hpp"

#include <fissile/base/random.hpp>

#include <string>
#include <vector>

namespace fissile::pruning_study {

enum class text_kind {
  translation,   // "German: ...\nFrench: ...\n", both drawn for each sample
  all_plain,     // plain text, the languages in turn: as many languages, and nothing translated
  one_language,  // plain text
  random_bytes   // uniform
};

struct calibration {
  text_kind kind = text_kind::translation;
  index_t language = 0;  // of one_language

  std::string name() const {
    if (kind == text_kind::translation) return "translation";
    if (kind == text_kind::all_plain) return "all, plain";
    return kind == text_kind::random_bytes ? "random bytes" : languages[to_size(language)];
  }
};

inline std::vector<calibration> all_calibrations() {
  std::vector<calibration> all{{text_kind::translation}, {text_kind::all_plain}};
  for (index_t language = 0; language < language_count; ++language) all.push_back({text_kind::one_language, language});
  all.push_back({text_kind::random_bytes});
  return all;
}

/// Four demonstrations are the paper's; the rest is ours.
struct sample_draw {
  index_t samples = 16;
  index_t bytes = 511;  // of one sample at most: the context but for the token that opens it
  index_t most_shots = 4;
  std::uint64_t seed = 1;
};

namespace detail {

inline const parallel_page& draw_page(const std::vector<const parallel_page*>& pages, random_source& random) {
  return *pages[to_size(random.below(length(pages)))];
}

/// The languages of a sample.
struct direction {
  index_t from = 0, to = 0;
};

inline std::string demonstration(const parallel_page& page, direction way, index_t paragraph) {
  const auto side = [&](index_t language) {
    return examples::language_name(languages[to_size(language)]) + ": " + page.at(language, paragraph) + '\n';
  };
  return side(way.from) + side(way.to);
}

/// As many demonstrations as fit, one at least and `shots` at most.
inline std::string draw_translation(const std::vector<const parallel_page*>& pages, direction way, index_t shots,
                                    index_t bytes, random_source& random) {
  std::string sample;
  for (index_t tries = 0, found = 0; found < shots && (tries < 64 || found == 0); ++tries) {
    if (tries == 100000) {
      fail<setting_error>({.argument = "calibration",
                           .expected = "translated paragraphs that fit a sample",
                           .got = "none in " + std::to_string(pages.size()) + " pages"});
    }
    const parallel_page& page = draw_page(pages, random);
    const index_t paragraph = random.below(page.length());
    if (page.at(way.from, paragraph) == page.at(way.to, paragraph)) continue;
    const std::string next = demonstration(page, way, paragraph);
    if (length(sample) + length(next) > bytes) continue;
    sample += next;
    ++found;
  }
  return sample;
}

/// Paragraphs of one language in reading order from a place that is drawn, on to other pages as needed; cut to `bytes`.
inline std::string draw_plain(const std::vector<const parallel_page*>& pages, index_t language, index_t bytes,
                              random_source& random) {
  std::string sample;
  for (index_t tries = 0; length(sample) < bytes && tries < 100000; ++tries) {
    const parallel_page& page = draw_page(pages, random);
    for (index_t paragraph = random.below(page.length()); paragraph < page.length(); ++paragraph) {
      if (page.translated(language, paragraph)) sample += page.at(language, paragraph) + '\n';
      if (length(sample) >= bytes) break;
    }
  }
  sample.resize(std::min(sample.size(), to_size(bytes)));
  return sample;
}

inline std::string draw_bytes(index_t bytes, random_source& random) {
  std::string sample;
  for (index_t i = 0; i < bytes; ++i) sample += static_cast<char>(random.below(256));
  return sample;
}

}  // namespace detail

/// The samples, each drawn with numbers of its own: more of them begin with the same ones. Throws setting_error where
/// the pages have no translation that fits.
inline std::vector<std::string> draw_samples(const calibration& what, const std::vector<parallel_page>& pages,
                                             const sample_draw& draw) {
  std::vector<const parallel_page*> trained;
  for (const parallel_page& page : pages) {
    if (!page.held_out) trained.push_back(&page);
  }
  if (trained.empty()) {
    fail<setting_error>({.argument = "calibration", .expected = "pages that are not held out", .got = "none"});
  }
  std::vector<std::string> samples;
  random_source seeds{draw.seed};
  for (index_t sample = 0; sample < draw.samples; ++sample) {
    random_source of_lengths{seeds.bits()}, of_kind{seeds.bits()};
    detail::direction way{.from = of_lengths.below(language_count), .to = of_lengths.below(language_count - 1)};
    way.to += way.to >= way.from ? 1 : 0;
    const index_t shots = 1 + of_lengths.below(draw.most_shots);
    const std::string translation = detail::draw_translation(trained, way, shots, draw.bytes, of_lengths);
    const index_t bytes = length(translation);
    if (what.kind == text_kind::translation) {
      samples.push_back(translation);
    } else if (what.kind == text_kind::random_bytes) {
      samples.push_back(detail::draw_bytes(bytes, of_kind));
    } else {
      const index_t language = what.kind == text_kind::all_plain ? sample % language_count : what.language;
      samples.push_back(detail::draw_plain(trained, language, bytes, of_kind));
    }
  }
  return samples;
}

}  // namespace fissile::pruning_study
