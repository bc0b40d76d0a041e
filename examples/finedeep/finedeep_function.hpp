// A Finedeep layer of fissile as a function of libtorch's autograd: forward and backward are the library's, the
// optimiser and the rest of the model libtorch's.
#pragma once

#include <fissile/recipes/finedeep.hpp>

#include <models/tensor_view.hpp>

#include <torch/torch.h>

#include <array>
#include <utility>
#include <vector>

namespace fissile::examples {

/// What counts as not near zero: the paper's value is not known, so several.
inline constexpr std::array non_sparse_bounds{0.01, 0.05, 0.1, 0.2, 0.5};
using activity_counts = std::array<finedeep::activity_count, non_sparse_bounds.size()>;

struct finedeep_settings {
  finedeep::choices chosen;
  activity_counts* counts = nullptr;  // where forward adds what it sees; not differentiable
};

/// What one forward pass leaves for its backward.
struct finedeep_memory : torch::CustomClassHolder {
  std::vector<torch::Tensor> borrowed;  // x, gate, up, down, norms, routers: the layer below reads them
  finedeep_layer<float, float, silu> layer;
  training_scratch<float> scratch;
  finedeep_tape<float> remembered;

  finedeep_memory(std::vector<torch::Tensor> given, const finedeep_settings& settings)
      : borrowed(std::move(given)),
        layer(finedeep::layer(
            finedeep_weights<float, float>{.ffn = {of(1), of(2), of(3)}, .routers = of(5), .norms = of(4)}, silu{},
            settings.chosen)),
        scratch(layer, {.batch = borrowed[0].size(0)}),
        remembered(layer, scratch) {}

  matrix_view<float> of(std::size_t which) const { return view_of(borrowed[which]); }
};

/// apply(x, gate, up, down, norms, routers, settings) -> h_M, with the residual in it
///   x, h_M: [tokens x width]; gate, up: [neurons x width]; down: [width x neurons]; norms: [M x width]; routers:
///   [M K x width], or of no rows: every weight is 1. All float.
struct finedeep_function : torch::autograd::Function<finedeep_function> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& gate, const torch::Tensor& up, const torch::Tensor& down,
                               const torch::Tensor& norms, const torch::Tensor& routers,
                               const finedeep_settings& settings) {
    std::vector<torch::Tensor> given;
    for (const torch::Tensor* one : {&x, &gate, &up, &down, &norms, &routers}) {
      given.push_back(one->detach().contiguous());
    }
    auto memory = c10::make_intrusive<finedeep_memory>(std::move(given), settings);
    torch::Tensor out = torch::empty_like(memory->borrowed[0]);
    memory->layer.forward(memory->of(0), memory->remembered, view_of(out));
    if (settings.counts != nullptr) count(*memory, *settings.counts);
    context->saved_data["memory"] = torch::IValue::make_capsule(memory);
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list slopes) {
    const auto capsule = context->saved_data["memory"].toCapsule();
    auto& memory = static_cast<finedeep_memory&>(*capsule);
    const torch::Tensor slope = slopes[0].contiguous();
    std::vector<torch::Tensor> made;
    for (const torch::Tensor& one : memory.borrowed) made.push_back(torch::zeros_like(one));
    memory.layer.backward(memory.remembered, view_of(slope),
                          {.layer = {.gate = view_of(made[1]),
                                     .up = view_of(made[2]),
                                     .down = view_of(made[3]),
                                     .router = view_of(made[5]),
                                     .tokens = view_of(made[0])},
                           .norms = view_of(made[4])});
    made.emplace_back();  // the settings have no gradient
    return made;
  }

private:
  static void count(const finedeep_memory& memory, activity_counts& into) {
    for (index_t sublayer = 0; sublayer < memory.layer.sublayers(); ++sublayer) {
      for (std::size_t i = 0; i < into.size(); ++i) {
        into[i] += finedeep::count_non_sparse(memory.remembered.activated(sublayer), non_sparse_bounds[i]);
      }
    }
  }
};

}  // namespace fissile::examples
