// How a file holds feed-forward layers that are no longer equally wide.
//
// LLaMA files have one width for all layers. llama.cpp's architecture `deci` is LLaMA with a list of them; its other
// keys mean the same.
#pragma once

#include <fissile/file/gguf.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::unravel {

enum class layer_widths {
  padded,  // zero neurons at the end of the narrower ones, which add nothing; runs everywhere
  equal,   // refused unless they are
  deci     // each as it is, as architecture `deci`; runs in llama.cpp
};

/// Throws setting_error for another word.
inline layer_widths widths_named(const std::string& word) {
  if (word == "padded") return layer_widths::padded;
  if (word == "equal") return layer_widths::equal;
  if (word == "deci") return layer_widths::deci;
  fail<setting_error>({.argument = "--widths", .expected = "padded, equal or deci", .got = "\"" + word + "\""});
}

/// The widths in the file, from those that pruning left. [layers] Throws setting_error where they should be equal and
/// are not.
inline std::vector<index_t> written_widths(const std::vector<index_t>& left, layer_widths rule) {
  const index_t most = *std::max_element(left.begin(), left.end());
  for (std::size_t layer = 0; rule == layer_widths::equal && layer < left.size(); ++layer) {
    if (left[layer] == left[0]) continue;
    fail<setting_error>(
        {.argument = "--widths equal",
         .expected = std::to_string(left[0]) + " neurons in layer " + std::to_string(layer) + ", as in layer 0",
         .got = std::to_string(left[layer]),
         .cure = "write --widths padded or deci, or remove as many neurons from each layer"});
  }
  return rule == layer_widths::deci ? left : std::vector<index_t>(left.size(), most);
}

namespace widths_detail {

/// Keeps whatever kind of whole number the key was written as.
inline void set_one_width(gguf_writer& out, const gguf_file& file, index_t neurons) {
  constexpr std::string_view key = "llama.feed_forward_length";
  const gguf_value* old = file.find(key);
  if (old != nullptr && old->kind() == gguf_kind::uint64) {
    out.set(key, static_cast<std::uint64_t>(neurons));
  } else {
    out.set(key, static_cast<std::uint32_t>(neurons));
  }
}

inline void set_deci(gguf_writer& out, const gguf_file& file, const std::vector<index_t>& widths) {
  constexpr std::string_view from = "llama.", to = "deci.";
  for (const gguf_entry& one : file.entries()) {
    if (!one.key.starts_with(from)) continue;
    out.drop(one.key);
    out.set(std::string{to} + std::string{one.key.substr(from.size())}, one.value);
  }
  out.set("general.architecture", "deci");
  const auto heads = file.get<std::int32_t>("llama.attention.head_count");
  const auto each = [&](std::int32_t number) { return std::vector<std::int32_t>(widths.size(), number); };
  out.set("deci.attention.head_count", each(heads));
  out.set("deci.attention.head_count_kv", each(file.get_or("llama.attention.head_count_kv", heads)));
  out.set("deci.feed_forward_length", std::vector<std::int32_t>(widths.begin(), widths.end()));
}

}  // namespace widths_detail

/// All keys of the file, with these widths, which `written_widths` gave.
inline void set_keys(gguf_writer& out, const gguf_file& file, const std::vector<index_t>& widths, layer_widths rule) {
  out.copy_entries(file);
  if (rule == layer_widths::deci) return widths_detail::set_deci(out, file, widths);
  widths_detail::set_one_width(out, file, widths.front());
}

}  // namespace fissile::unravel
