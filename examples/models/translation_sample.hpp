// What the trained model makes of paragraphs it has not seen: it is given one language and continues in another.
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guide_corpus.hpp"
#include "llama_module.hpp"

namespace fissile::examples {

// The likeliest next byte, again and again, up to the end of the line, the end of the text or the end of the context.
inline std::string continue_line(llama_module& model, std::string_view prompt) {
  const torch::NoGradGuard no_gradient;
  std::vector<std::int64_t> tokens{end_of_text};
  for (const char byte : prompt) tokens.push_back(static_cast<unsigned char>(byte));
  std::string line;
  while (std::ssize(tokens) < model.settings.context) {
    const auto logits = model.forward(torch::tensor(tokens, torch::kLong).unsqueeze(0));
    const auto next = logits.select(1, -1).argmax().item<std::int64_t>();
    if (next == '\n' || next == end_of_text) break;
    tokens.push_back(next);
    line += static_cast<char>(next);
  }
  return line;
}

struct translation_sample {
  std::string from, to;                    // language codes
  std::string original, reference, model;  // what was given, what the guide says, what the model says
};

// One held-out paragraph for each of a few pairs of languages, the first that is neither a title nor too long.
inline std::vector<translation_sample> sample_translations(llama_module& model, const std::vector<guide::page>& pages) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> pairs{
      {{"en", "de"}, {"de", "en"}, {"es", "pt"}, {"sv", "da"}, {"fr", "it"}}};
  std::vector<translation_sample> samples;
  const auto try_pages = [&](const guide::page& from, const guide::page& to) {
    for (std::size_t at = 0; at < from.paragraphs.size(); ++at) {
      const auto &original = from.paragraphs[at], &reference = to.paragraphs[at];
      if (original.size() < 60 || original.size() > 160 || original == reference) continue;
      const auto prompt = language_name(from.language) + ": " + original + '\n' + language_name(to.language) + ':';
      samples.push_back({from.language, to.language, original, reference, continue_line(model, prompt)});
      return true;
    }
    return false;
  };
  for (const auto& [from, to] : pairs) {
    bool found = false;
    for (const auto& source : pages) {
      for (const auto& target : pages) {
        const bool wanted = source.language == from && target.language == to && source.held_out;
        if (!found && wanted && guide::aligned(source, target)) found = try_pages(source, target);
      }
    }
  }
  return samples;
}

}  // namespace fissile::examples
