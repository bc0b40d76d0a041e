// Writes the trained model as a GGUF file that llama.cpp loads: matrices in 16-bit float, norms in float.
#pragma once

#include <fissile/file/gguf.hpp>

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "gguf_names.hpp"
#include "utf8.hpp"

namespace fissile::examples {

// As they are stored: matrices f16, vectors float, contiguous.
inline std::vector<std::pair<std::string, torch::Tensor>> gguf_tensors(const llama_module& model) {
  auto tensors = named_weights(model);
  for (auto& [name, weight] : tensors) {
    weight = weight.to(weight.dim() == 1 ? torch::kFloat : torch::kHalf).contiguous();
  }
  return tensors;
}

// How byte-level BPE spells each byte: printable ones as themselves, the others as the characters from U+0100 on.
inline std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  std::uint32_t other = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    std::string spelt;
    append_utf8(spelt, printable ? byte : other++);
    tokens.push_back(spelt);
  }
  tokens.emplace_back("<|endoftext|>");
  return tokens;
}

// What llama.cpp wants to know about the architecture and the tokenizer: byte-level BPE that merges nothing.
inline void set_entries(gguf_writer& out, const llama_settings& settings, const std::string& name) {
  const auto number = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  out.set("general.architecture", "llama");
  out.set("general.name", name);
  out.set("llama.context_length", number(settings.context));
  out.set("llama.embedding_length", number(settings.width));
  out.set("llama.block_count", number(settings.layers));
  out.set("llama.feed_forward_length", number(settings.neurons));
  out.set("llama.attention.head_count", number(settings.heads));
  out.set("llama.attention.head_count_kv", number(settings.heads));
  out.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(norm_epsilon));
  out.set("llama.rope.dimension_count", number(settings.head_size()));
  out.set("llama.rope.freq_base", static_cast<float>(rotary_base));
  out.set("llama.vocab_size", number(byte_vocabulary));
  constexpr std::int32_t normal = 1, control = 3;
  std::vector<std::int32_t> types(byte_vocabulary, normal);
  types.back() = control;
  out.set("tokenizer.ggml.model", "gpt2");
  out.set("tokenizer.ggml.pre", "gpt-2");
  out.set("tokenizer.ggml.tokens", byte_tokens());
  out.set("tokenizer.ggml.token_type", types);
  out.set("tokenizer.ggml.merges", std::vector<std::string>{});
  out.set("tokenizer.ggml.bos_token_id", number(end_of_text));
  out.set("tokenizer.ggml.eos_token_id", number(end_of_text));
  out.set("tokenizer.ggml.add_bos_token", false);
}

/// `more(out)`, where given, adds entries of its own.
template <class More = void (*)(gguf_writer&)>
void write_gguf(
    const llama_module& model, const std::string& file, const More& more = [](gguf_writer&) {}) {
  gguf_writer out;
  set_entries(out, model.settings, std::filesystem::path{file}.stem());
  more(out);
  const auto tensors = gguf_tensors(model);  // borrowed until the file is saved
  for (const auto& [name, weight] : tensors) {
    gguf_tensor shape{.name = name, .type = weight.dim() == 1 ? gguf_type::f32 : gguf_type::f16};
    shape.dimensions = static_cast<std::uint32_t>(weight.dim());
    shape.extents = {weight.size(-1), weight.dim() == 1 ? 1 : weight.size(0), 1, 1};
    out.add(shape, {static_cast<const char*>(weight.data_ptr()), weight.nbytes()});
  }
  out.save(file);
}

}  // namespace fissile::examples
