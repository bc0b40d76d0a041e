// The losses of one model on the held-out passages of every language, clean and noised, in bits per byte.
#pragma once

#include <fissile/file/json.hpp>

#include <torch/torch.h>

#include <cmath>

#include "noised_text.hpp"

namespace fissile::examples {

struct measure_settings {
  index_t passages = 5;    // of each language
  std::size_t half = 220;  // bytes of a passage's half: leaves room in the context for what noise adds
  std::uint64_t seed = 1;  // of the noise, the same for every model
};

struct bit_sum {
  double bits = 0;
  std::int64_t bytes = 0;
  double per_byte() const { return bits / static_cast<double>(bytes); }
};

/// Adds the bits of `read` as it stands behind `before`, which costs nothing. What the context cannot hold is cut from
/// the front of `before`, then from the end of `read`.
template <class Model>
void add_bits(Model& model, const std::string& before, const std::string& read, bit_sum& sum) {
  const torch::NoGradGuard no_gradient;
  const auto context = static_cast<std::size_t>(model.settings.context);
  const std::string kept = read.substr(0, context);
  const std::size_t cut = before.size() + kept.size() > context ? before.size() + kept.size() - context : 0;
  const auto tokens = torch::tensor(tokens_of(before.substr(cut) + kept), torch::kLong).unsqueeze(0);
  const auto length = tokens.size(1) - 1, first = length - static_cast<std::int64_t>(kept.size());
  const auto logits = model.forward(tokens.slice(1, 0, length)).reshape({length, -1}).slice(0, first);
  const auto wanted = tokens.slice(1, first + 1).reshape({-1});
  const auto nats = torch::cross_entropy_loss(logits, wanted, {}, at::Reduction::Sum);
  sum.bits += nats.template item<double>() / std::log(2.0);
  sum.bytes += length - first;
}

/// Of each language, under the noise of one level:
///   text: the passages themselves, clean and noised; each by its own bytes
///   behind: their second halves, clean, behind the first halves clean and noised
template <class Model>
json_value measured(Model& model, const std::vector<guide::page>& pages, const robustness::choices& noise,
                    const measure_settings& chosen) {
  json_value made;
  for (const std::string& language : guide::languages(pages)) {
    bit_sum clean, noised, behind_clean, behind_noised;
    random_source random{chosen.seed};
    for (const passage& one : held_out_passages(pages, language, chosen.passages, chosen.half)) {
      const auto noisy = [&](const std::string& text) { return robustness::noised(text, noise, random).text; };
      add_bits(model, "", one.first + one.second, clean);
      add_bits(model, "", noisy(one.first + one.second), noised);
      add_bits(model, one.first, one.second, behind_clean);
      add_bits(model, noisy(one.first), one.second, behind_noised);
    }
    made[language] = {{"text", {{"clean", clean.per_byte()}, {"noised", noised.per_byte()}}},
                      {"behind", {{"clean", behind_clean.per_byte()}, {"noised", behind_noised.per_byte()}}}};
  }
  return made;
}

}  // namespace fissile::examples
