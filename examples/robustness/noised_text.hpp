// What the experiment reads: one language's training text with noise in it, and held-out passages as they are and
// noised.
#pragma once

#include <fissile/recipes/robustness.hpp>

#include <models/guide_corpus.hpp>
#include <models/llama_module.hpp>
#include <models/training_settings.hpp>
#include <models/training_windows.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::examples {

/// The level of noise, or none: the same training on the text as it is.
using noise_choice = std::optional<robustness::choices>;

inline std::vector<std::int64_t> tokens_of(std::string_view text) {
  std::vector<std::int64_t> tokens{end_of_text};
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

/// The pages of one language that are trained on, one after the other, noised once; windows are drawn from them.
class noised_windows {
public:
  noised_windows(const std::vector<guide::page>& pages, std::string_view language, const noise_choice& noise,
                 std::uint64_t seed)
      : seed_(seed) {
    random_source random{seed};
    for (const guide::page& page : pages) {
      if (page.held_out || page.language != language) continue;
      const std::string text = guide::text(page);
      const auto more = tokens_of(noise ? robustness::noised(text, *noise, random).text : text);
      stream_.insert(stream_.end(), more.begin(), more.end());
    }
    if (stream_.empty()) throw std::runtime_error("no pages of language \"" + std::string(language) + "\"");
  }

  /// [batch x context + 1]
  torch::Tensor batch(const training_settings& chosen, std::int64_t step) const {
    const auto size = chosen.model.context + 1;
    std::vector<std::int64_t> tokens;
    for (std::int64_t row = 0; row < chosen.batch; ++row) {
      auto chance = draws_of(seed_, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(row));
      const auto begin = stream_.begin() + chance.below(std::ssize(stream_) - size);
      tokens.insert(tokens.end(), begin, begin + size);
    }
    return torch::tensor(tokens, torch::kLong).view({chosen.batch, size});
  }

private:
  std::vector<std::int64_t> stream_;
  std::uint64_t seed_;
};

/// A passage in two halves that each hold whole characters.
struct passage {
  std::string first, second;
};

inline std::size_t character_begin(std::string_view text, std::size_t place) {
  while (place < text.size() && (static_cast<unsigned char>(text[place]) & 0xc0u) == 0x80u) ++place;
  return place;
}

/// `count` passages of two halves of about `half` bytes each, spread evenly over the held-out text.
inline std::vector<passage> held_out_passages(const std::vector<guide::page>& pages, std::string_view language,
                                              index_t count, std::size_t half) {
  const std::string text = guide::held_out_text(pages, language);
  if (text.size() < 2 * half * to_size(count)) {
    throw std::runtime_error("held-out text of " + std::string(language) + ": expected at least " +
                             std::to_string(2 * half * to_size(count)) + " bytes, got " + std::to_string(text.size()));
  }
  std::vector<passage> made;
  for (std::size_t i = 0; i < to_size(count); ++i) {
    const std::size_t begin = character_begin(text, i * (text.size() / to_size(count)));
    const std::size_t middle = character_begin(text, begin + half), end = character_begin(text, begin + 2 * half);
    made.push_back({text.substr(begin, middle - begin), text.substr(middle, end - middle)});
  }
  return made;
}

}  // namespace fissile::examples
