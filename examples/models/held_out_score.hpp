// Bits per byte on the held-out pages: how many bits the model needs for each byte it has not seen, the lower the
// better.
//
// Each language's pages are cut into windows of the model's context, one after the other. Every byte is predicted once,
// from the bytes before it in its window, so the first bytes of a window are the dear ones.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "batch_gradient.hpp"
#include "guide_corpus.hpp"

namespace fissile::examples {

struct language_score {
  std::string language;
  double bits = 0.0;
  std::int64_t bytes = 0;

  double bits_per_byte() const { return bytes == 0 ? 0.0 : bits / static_cast<double>(bytes); }
};

// The mean over languages: every language counts the same, however long its text.
inline double mean_bits_per_byte(const std::vector<language_score>& scores) {
  double sum = 0.0;
  for (const auto& score : scores) sum += score.bits_per_byte();
  return scores.empty() ? 0.0 : sum / static_cast<double>(scores.size());
}

// Scores every `stride`-th window of one language; 1 scores them all. Model: as next_byte_loss takes it.
template <class Model>
language_score score_language(Model& model, const std::string& language, const std::string& text, std::int64_t stride) {
  const torch::NoGradGuard no_gradient;
  language_score score{.language = language};
  std::vector<std::int64_t> tokens{end_of_text};
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  const auto stream = torch::tensor(tokens, torch::kLong);
  const auto predicted = static_cast<std::int64_t>(tokens.size()) - 1;
  const std::int64_t context = model.settings.context;
  for (std::int64_t begin = 0; begin < predicted; begin += context * stride) {
    const auto length = std::min(context, predicted - begin);
    const auto window = stream.slice(0, begin, begin + length + 1).unsqueeze(0);
    const torch::Tensor loss = next_byte_loss(model, window);
    score.bits += loss.item<double>() * static_cast<double>(length) / std::log(2.0);
    score.bytes += length;
  }
  return score;
}

template <class Model>
std::vector<language_score> score_held_out(Model& model, const std::vector<guide::page>& pages, std::size_t cores,
                                           std::int64_t stride) {
  const auto languages = guide::languages(pages);
  std::vector<language_score> scores(languages.size());
  run_on_cores(cores, [&](std::size_t core) {
    for (std::size_t at = core; at < languages.size(); at += cores) {
      scores[at] = score_language(model, languages[at], guide::held_out_text(pages, languages[at]), stride);
    }
  });
  return scores;
}

}  // namespace fissile::examples
