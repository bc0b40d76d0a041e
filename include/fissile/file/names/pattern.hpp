// A table of names: what stands behind "layer N." in a file, with "#" for the number of an expert.
#pragma once

#include <fissile/file/names/place.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace fissile::names_detail {

struct pattern {
  std::string_view text;  // without ".weight" or ".bias"
  model_part part;
  ffn_owner owner = ffn_owner::block;
};

/// The number that `text` begins with is cut off and returned: at most six digits, no sign, no zero before others.
inline std::optional<index_t> take_number(std::string_view& text) {
  index_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end.ptr - text.data());
  if (end.ec != std::errc{} || text[0] == '-' || digits > 6 || (digits > 1 && text[0] == '0')) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

inline bool take(std::string_view& text, std::string_view first) {
  if (!text.starts_with(first)) return false;
  text.remove_prefix(first.size());
  return true;
}

/// The place in `layer` of a name that is exactly the pattern's.
inline std::optional<tensor_place> match(const pattern& one, std::string_view name, index_t layer) {
  tensor_place place{.part = one.part, .layer = layer, .owner = one.owner};
  const std::size_t hash = one.text.find('#');
  if (hash == one.text.npos) return name == one.text ? std::optional{place} : std::nullopt;
  if (!take(name, one.text.substr(0, hash))) return std::nullopt;
  const auto expert = take_number(name);
  if (!expert || name != one.text.substr(hash + 1)) return std::nullopt;
  place.expert = *expert;
  return place;
}

template <std::size_t N>
std::optional<tensor_place> find(const pattern (&table)[N], std::string_view name, index_t layer) {
  for (const pattern& one : table) {
    if (const auto place = match(one, name, layer)) return place;
  }
  return std::nullopt;
}

/// ".weight" or ".bias" is cut off; nothing where the name ends otherwise.
inline std::optional<tensor_kind> take_kind(std::string_view& name) {
  constexpr std::string_view weight = ".weight", bias = ".bias";
  const bool is_weight = name.ends_with(weight);
  if (!is_weight && !name.ends_with(bias)) return std::nullopt;
  name.remove_suffix(is_weight ? weight.size() : bias.size());
  return is_weight ? tensor_kind::weight : tensor_kind::bias;
}

}  // namespace fissile::names_detail
