// What an interrupted training run needs to go on: weights, optimiser, steps done and seconds spent.
#pragma once

#include <torch/torch.h>

#include <filesystem>

#include "llama_module.hpp"

namespace fissile::examples {

struct training_state {
  llama_module& model;
  torch::optim::Optimizer& optimizer;
  std::int64_t step = 0;
  double seconds = 0.0;

  // Written beside and renamed, so that a run that is killed while writing keeps the checkpoint before.
  void save(const std::filesystem::path& file) const {
    torch::serialize::OutputArchive all, weights, moments;
    model.save(weights);
    optimizer.save(moments);
    all.write("model", weights);
    all.write("optimizer", moments);
    all.write("step", torch::tensor(step, torch::kLong));
    all.write("seconds", torch::tensor(seconds, torch::kDouble));
    const auto beside = file.string() + ".part";
    all.save_to(beside);
    std::filesystem::rename(beside, file);
  }

  void load(const std::filesystem::path& file) {
    torch::serialize::InputArchive all, weights, moments;
    all.load_from(file.string());
    all.read("model", weights);
    all.read("optimizer", moments);
    model.load(weights);
    optimizer.load(moments);
    torch::Tensor steps_done, seconds_spent;  // a tensor each: reading into one that has a type keeps that type
    all.read("step", steps_done);
    all.read("seconds", seconds_spent);
    step = steps_done.item<std::int64_t>();
    seconds = seconds_spent.item<double>();
  }
};

}  // namespace fissile::examples
