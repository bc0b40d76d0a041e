// How the model learns: AdamW, a warm-up and half a cosine; windows of pages, translations and instructions by chance.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <vector>

#include "training_settings.hpp"
#include "training_windows.hpp"

namespace fissile::examples {

// Norms are not decayed: there is no reason for them to be small.
inline torch::optim::AdamW make_optimizer(const torch::nn::Module& model, const training_settings& chosen) {
  std::vector<torch::Tensor> matrices, norms;
  for (const auto& weight : model.parameters()) (weight.dim() == 1 ? norms : matrices).push_back(weight);
  const auto options = [&](double decay) {
    return torch::optim::AdamWOptions(chosen.peak_rate).betas({0.9, 0.95}).weight_decay(decay);
  };
  const auto group = [&](const std::vector<torch::Tensor>& weights, double decay) {
    return torch::optim::OptimizerParamGroup(weights, std::make_unique<torch::optim::AdamWOptions>(options(decay)));
  };
  const std::vector<torch::optim::OptimizerParamGroup> groups{group(matrices, chosen.weight_decay), group(norms, 0.0)};
  return torch::optim::AdamW{groups, options(chosen.weight_decay)};
}

// Warm up in a straight line, then half a cosine down to a twentieth of the peak. progress in [0, 1]
inline double rate_at(const training_settings& chosen, std::int64_t step, double progress) {
  const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(chosen.warmup));
  return chosen.peak_rate * warm * (0.05 + 0.95 * 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

inline std::vector<std::int64_t> next_window(const training_windows& windows, const training_settings& chosen,
                                             random_source& chance) {
  const auto size = chosen.model.context + 1;
  const auto of_ten = chance.below(10);
  if (of_ten >= 10 - chosen.instructions) return windows.instructions(chance, size);
  if (of_ten >= 10 - chosen.instructions - chosen.translations) return windows.translations(chance, size);
  return windows.plain(chance, size);
}

// [batch x context + 1]
inline torch::Tensor next_batch(const training_windows& windows, const training_settings& chosen, std::int64_t step) {
  std::vector<std::int64_t> tokens;
  for (std::int64_t row = 0; row < chosen.batch; ++row) {
    auto chance = draws_of(chosen.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(row));
    const auto window = next_window(windows, chosen, chance);
    tokens.insert(tokens.end(), window.begin(), window.end());
  }
  return torch::tensor(tokens, torch::kLong).view({chosen.batch, chosen.model.context + 1});
}

}  // namespace fissile::examples
