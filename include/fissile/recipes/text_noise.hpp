// Seeded noise on text, in characters or in words: at each place an operator strikes with probability `rate`, and one
// of those that can change something there is drawn.
//
// White space stays, byte for byte; a repeated word brings one space more. What it encloses stays whole where a byte of
// it is not UTF-8, so valid text remains valid, and other text is not made worse. The same seed gives the same text on
// every machine.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/recipes/text_pieces.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

/// What happens to a character; the ones put in are drawn alike from the distinct characters of the text, so that it
/// keeps its scripts.
enum class character_operator {
  insert,      // another one comes behind it
  remove,      // it goes
  substitute,  // a different one stands in its place
  swap         // it changes places with the next one, of the same word and different
};

/// What happens to a word.
enum class word_operator {
  drop,   // it goes; the spaces on both sides of it stay
  swap,   // it changes places with the next one, of the same line and different
  repeat  // it stands there twice, with a space between unless it is an ideograph
};

/// Exact counts: the places where an operator could strike, and where one did. A swap passes over the second of its
/// two, which is then no place, so that the share struck is `rate` in the mean for all operators.
struct noise_count {
  std::uint64_t places = 0;
  std::uint64_t struck = 0;
};

struct noised_text {
  std::string text;
  noise_count count;
};

/// Places are characters that are not white.
struct character_noise {
  double rate = 0.1;  // from 0, which changes nothing, to 1
  // Alike likely; one that is named twice is twice as likely.
  std::vector<character_operator> operators{character_operator::insert, character_operator::remove,
                                            character_operator::substitute, character_operator::swap};

  /// Throws setting_error for a rate outside 0 to 1 and where there is no operator.
  noised_text operator()(std::string_view text, random_source& random) const;
};

/// Places are words.
struct word_noise {
  double rate = 0.1;
  std::vector<word_operator> operators{word_operator::drop, word_operator::swap, word_operator::repeat};
  word_rule words = word_rule::spaces_and_ideographs;

  /// Throws as that of characters does.
  noised_text operator()(std::string_view text, random_source& random) const;
};

/// Any character of the alphabet but `one`, which is in it.
inline std::string_view other_character(std::string_view one, const std::vector<std::string_view>& alphabet,
                                        random_source& random) {
  const index_t place = std::lower_bound(alphabet.begin(), alphabet.end(), one) - alphabet.begin();
  const index_t drawn = random.below(length(alphabet) - 1);
  return alphabet[to_size(drawn < place ? drawn : drawn + 1)];
}

/// The operator that strikes here, if one does.
template <class Noise, class Can, class Operator = typename decltype(Noise::operators)::value_type>
std::optional<Operator> operator_drawn(const Noise& noise, const Can& can, noise_count& count, random_source& random) {
  const index_t possible = std::count_if(noise.operators.begin(), noise.operators.end(), can);
  if (possible == 0) return std::nullopt;
  ++count.places;
  if (random.uniform() >= noise.rate) return std::nullopt;
  ++count.struck;
  index_t before = random.below(possible);
  const auto drawn = [&](Operator which) { return can(which) && before-- == 0; };
  return *std::find_if(noise.operators.begin(), noise.operators.end(), drawn);
}

template <class Noise>
void check_noise(const Noise& noise, std::string_view who) {
  if (!(noise.rate >= 0 && noise.rate <= 1)) {
    const std::string argument = std::string(who) + ": rate";
    fail<setting_error>({.argument = argument, .expected = "0 to 1", .got = std::to_string(noise.rate)});
  }
  if (noise.operators.empty()) {
    const std::string argument = std::string(who) + ": operators";
    fail<setting_error>(
        {.argument = argument, .expected = "at least one", .got = "none", .cure = "rate 0 turns noise off"});
  }
}

inline noised_text character_noise::operator()(std::string_view text, random_source& random) const {
  check_noise(*this, "character_noise");
  const std::vector<text_piece> pieces = pieces_of(text, word_rule::spaces);
  const std::vector<std::string_view> alphabet = alphabet_of(pieces);
  noised_text made;
  for (const text_piece& p : pieces) {
    if (!p.is_word()) {
      made.text += p.bytes;
      continue;
    }
    const std::vector<std::string_view> characters = characters_of(p.bytes);
    for (std::size_t i = 0; i < characters.size(); ++i) {
      const std::string_view here = characters[i], next = characters[std::min(i + 1, characters.size() - 1)];
      const auto can = [&](character_operator which) {
        if (which == character_operator::swap) return next != here;
        return which != character_operator::substitute || alphabet.size() > 1;
      };
      const std::optional<character_operator> which = operator_drawn(*this, can, made.count, random);
      if (!which) {
        made.text += here;
      } else if (*which == character_operator::insert) {
        made.text.append(here).append(alphabet[to_size(random.below(length(alphabet)))]);
      } else if (*which == character_operator::substitute) {
        made.text += other_character(here, alphabet, random);
      } else if (*which == character_operator::swap) {
        made.text.append(next).append(here);
        ++i;
      }
    }
  }
  return made;
}

inline noised_text word_noise::operator()(std::string_view text, random_source& random) const {
  check_noise(*this, "word_noise");
  const std::vector<text_piece> pieces = pieces_of(text, words);
  noised_text made;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const text_piece& here = pieces[i];
    if (!here.is_word()) {
      made.text += here.bytes;
      continue;
    }
    const std::size_t partner = partner_of(pieces, i);
    const auto can = [&](word_operator which) {
      return which != word_operator::swap || pieces[partner].bytes != here.bytes;
    };
    const std::optional<word_operator> which = operator_drawn(*this, can, made.count, random);
    if (!which) {
      made.text += here.bytes;
    } else if (*which == word_operator::repeat) {
      made.text.append(here.bytes).append(here.kind == piece_kind::word ? " " : "").append(here.bytes);
    } else if (*which == word_operator::swap) {
      made.text += pieces[partner].bytes;
      for (std::size_t between = i + 1; between < partner; ++between) made.text += pieces[between].bytes;
      made.text += here.bytes;
      i = partner;
    }
  }
  return made;
}

}  // namespace fissile
