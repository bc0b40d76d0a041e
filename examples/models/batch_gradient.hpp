// The gradient of one step: each core takes the next window of the batch until there is none left.
//
// Every core runs libtorch with one thread. They meet once a step, not once an operation, which is faster than
// libtorch's own threads on models this small, and far less hurt by other programs on the machine. The windows'
// gradients are kept apart and added in the order of the windows, so the sum has the same bits for any number of cores.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "llama_module.hpp"

namespace fissile::examples {

// Runs work(0) ... work(cores - 1), each on a thread of its own; rethrows the first exception.
inline void run_on_cores(std::size_t cores, const std::function<void(std::size_t)>& work) {
  std::vector<std::exception_ptr> failures(cores);
  std::vector<std::thread> threads;
  for (std::size_t core = 0; core < cores; ++core) {
    threads.emplace_back([&, core] {
      try {
        at::set_num_threads(1);  // counts for this thread only
        work(core);
      } catch (...) {
        failures[core] = std::current_exception();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

// Model: llama_module, or another whose forward makes logits of tokens.
template <class Model>
torch::Tensor next_byte_loss(Model& model, const torch::Tensor& windows) {
  const auto length = windows.size(1) - 1;  // windows: [batch x length + 1], each token predicts the one after it
  const auto logits = model.forward(windows.slice(1, 0, length));
  return torch::cross_entropy_loss(logits.reshape({-1, byte_vocabulary}), windows.slice(1, 1).reshape({-1}));
}

// Leaves the gradient of the mean loss in the model and returns the loss. windows: [batch x length + 1]
inline double batch_gradient(llama_module& model, const torch::Tensor& windows, std::size_t cores) {
  const auto batch = static_cast<std::size_t>(windows.size(0));
  auto weights = model.parameters();
  std::vector<std::vector<torch::Tensor>> gradients(batch);  // of each window, by each weight
  std::vector<double> losses(batch);
  std::atomic<std::size_t> next = 0;
  run_on_cores(cores, [&](std::size_t) {
    for (std::size_t row = next++; row < batch; row = next++) {
      const auto window = windows.narrow(0, static_cast<std::int64_t>(row), 1);
      const auto loss = next_byte_loss(model, window) / static_cast<double>(batch);
      gradients[row] = torch::autograd::grad({loss}, weights);
      losses[row] = loss.item<double>();
    }
  });
  run_on_cores(cores, [&](std::size_t core) {
    const torch::NoGradGuard no_gradient;
    for (std::size_t weight = core; weight < weights.size(); weight += cores) {
      auto sum = gradients[0][weight];
      for (std::size_t row = 1; row < batch; ++row) sum.add_(gradients[row][weight]);
      weights[weight].mutable_grad() = sum;
    }
  });
  double loss = 0.0;
  for (const double part : losses) loss += part;
  return loss;
}

}  // namespace fissile::examples
