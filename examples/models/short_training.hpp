// The short trainings of the papers' experiments: one core, one window at a time, a line of progress every 25 steps.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

#include "training_recipe.hpp"

namespace fissile::examples {

/// Trains all weights of `model`. `batch_of(step)` gives windows [batch x length + 1], `loss_of(window)` the loss of
/// one [1 x length + 1] in nats a byte. `name` begins the lines of progress. A step ends with gradients of at most
/// norm 1.
template <class Batches, class Loss>
void learn(torch::nn::Module& model, const training_settings& chosen, const std::string& name, const Batches& batch_of,
           const Loss& loss_of) {
  auto optimizer = make_optimizer(model, chosen);
  const auto weights = model.parameters();
  double sum = 0;
  for (std::int64_t step = 0; step < chosen.steps; ++step) {
    const double progress = static_cast<double>(step) / static_cast<double>(chosen.steps);
    for (auto& group : optimizer.param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate_at(chosen, step, progress));
    }
    optimizer.zero_grad();
    const torch::Tensor batch = batch_of(step);
    for (std::int64_t row = 0; row < batch.size(0); ++row) {  // one at a time: a fraction of the memory
      const torch::Tensor loss = loss_of(batch.narrow(0, row, 1));
      (loss / static_cast<double>(batch.size(0))).backward();
      sum += loss.template item<double>() / static_cast<double>(batch.size(0));
    }
    torch::nn::utils::clip_grad_norm_(weights, 1.0);
    optimizer.step();
    if ((step + 1) % 25 == 0) {
      std::printf("%s: step %lld  %.3f bits per byte\n", name.c_str(), static_cast<long long>(step + 1),
                  sum / 25 / std::log(2.0));
      std::fflush(stdout);
      sum = 0;
    }
  }
}

}  // namespace fissile::examples
