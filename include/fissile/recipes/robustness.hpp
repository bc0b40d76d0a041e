// Robustness transfer (Pan, Supryadi, Xiong, Findings of EMNLP 2023, arXiv 2310.20162): make a multilingual model
// robust to noisy text in one language, and see what the others gain. In the order of the method:
//
//   N_level(text), noise at character, word or multi level                                robustness::noised
//   model' = model trained further on N_level(texts of language a)                        the caller's
//   damage(b) = L(N_level(b)) - L(b), for each language b                                 losses::damage
//   transfer(a, b) = L_model(N_level(b)) - L_model'(N_level(b))                           transfer_entry::transfer
//   clean_gain(a, b) = L_model(b) - L_model'(b)                                           transfer_entry::clean_gain
//
// What we know of the paper names the levels and what is compared, no operators, rates or numbers, and its models
// translate. Every operator, rate and rule of words is ours and a named setting; so is the loss L, in nats, bits per
// byte or whatever the caller measures, where the paper scores translations.
#pragma once

#include <fissile/recipes/text_noise.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace fissile::robustness {

enum class noise_level {
  character,
  word,
  multi  // ours: words first, then the characters of what came out, both at their full rates
};

constexpr std::string_view to_string(noise_level level) noexcept {
  return level == noise_level::character ? "character" : level == noise_level::word ? "word" : "multi";
}

/// All ours but the levels; of the two noises those that the level names count.
struct choices {
  noise_level level = noise_level::multi;
  character_noise characters = {};
  word_noise words = {};
};

/// A text with its noise, and how much of it there is.
struct noised_sample {
  std::string text;
  noise_count characters;
  noise_count words;
};

/// N_level(text). Texts noised one after another from one source differ in their noise; give each a source of its own,
/// seeded by its number, where the noise of one must not depend on the texts before. Throws setting_error as the noises
/// do.
inline noised_sample noised(std::string_view text, const choices& chosen, random_source& random) {
  noised_sample made{.text = std::string(text), .characters = {}, .words = {}};
  const auto apply = [&](const auto& noise, noise_count& count) {
    noised_text next = noise(made.text, random);
    made.text = std::move(next.text);
    count = next.count;
  };
  if (chosen.level != noise_level::character) apply(chosen.words, made.words);
  if (chosen.level != noise_level::word) apply(chosen.characters, made.characters);
  return made;
}

/// Of one model on the same lines of one language, as they are and noised.
struct losses {
  double clean = 0;
  double noised = 0;

  constexpr double damage() const noexcept { return noised - clean; }
};

/// One place of the transfer matrix of a level: trained on one language, measured on another or the same.
struct transfer_entry {
  std::string trained;
  std::string measured;
  noise_level level = noise_level::multi;
  losses before = {};
  losses after = {};

  /// How far the noised loss fell: above 0, the training helped. Read it beside clean_gain: a model that merely became
  /// better, or forgot a language, moves both.
  double transfer() const noexcept { return before.noised - after.noised; }

  /// How far the clean loss fell.
  double clean_gain() const noexcept { return before.clean - after.clean; }

  /// How far the damage fell: what is left of the transfer without the clean gain.
  double repaired() const noexcept { return before.damage() - after.damage(); }
};

}  // namespace fissile::robustness
