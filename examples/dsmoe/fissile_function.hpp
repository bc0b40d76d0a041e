// A DSMoE layer of fissile as a function of libtorch's autograd: forward and backward are the library's, the optimiser
// and the rest of the model libtorch's.
#pragma once

#include <fissile/recipes/dsmoe.hpp>
#include <fissile/train/sparsity_controller.hpp>

#include <models/tensor_view.hpp>

#include <torch/torch.h>

#include <utility>

namespace fissile::examples {

/// What stands in for the derivative of the threshold.
enum class gate_slope { straight_through, hard };
/// Which gates the penalty pushes down; the paper leaves it open. All: through the straight-through rule.
enum class gate_push { active, all };

struct dsmoe_settings {
  dsmoe::choices chosen;
  index_t layers = 1;
  gate_slope slope = gate_slope::straight_through;
  gate_push pushed = gate_push::active;
};

/// What one forward pass leaves for its backward.
struct dsmoe_memory : torch::CustomClassHolder {
  torch::Tensor x, gate, up, down, rows;  // the layer below borrows them
  dsmoe_settings settings;
  trainable_ffn<float, float, silu> layer;
  training_scratch<float> scratch;
  tape<float> remembered;

  dsmoe_memory(const torch::Tensor& inputs, const std::vector<torch::Tensor>& weights, const dsmoe_settings& given)
      : x(inputs.contiguous()),
        gate(weights[0].contiguous()),
        up(weights[1].contiguous()),
        down(weights[2].contiguous()),
        rows(weights[3].contiguous()),
        settings(given),
        layer(dsmoe::layer(ffn_weights<float>{view_of(gate), view_of(up), view_of(down)}, view_of(rows), silu{},
                           given.chosen)),
        scratch(layer, {.batch = x.size(0)}),
        remembered(layer, scratch) {}

  activity_penalty penalty(double factor) const {
    activity_penalty made = dsmoe::penalty(settings.layers, settings.chosen);
    made.weight *= factor;
    return made;
  }
};

/// apply(x, gate, up, down, rows, settings) -> {y, penalty, active}
///   x, y: [tokens x width]; gate, up: [neurons x width]; down: [width x neurons]; rows: [experts x width], all float
///   penalty: eq. 19, this layer's share; active: the share of experts that worked, not differentiable
struct dsmoe_function : torch::autograd::Function<dsmoe_function> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                                                const torch::Tensor& gate, const torch::Tensor& up,
                                                const torch::Tensor& down, const torch::Tensor& rows,
                                                const dsmoe_settings& settings) {
    auto memory =
        c10::make_intrusive<dsmoe_memory>(x.detach(), std::vector<torch::Tensor>{gate, up, down, rows}, settings);
    torch::Tensor y = torch::empty_like(memory->x);
    memory->layer.forward(view_of(memory->x), memory->remembered, view_of(y));
    const double penalty = memory->penalty(1).value(memory->remembered);
    const double active = active_share(std::as_const(memory->remembered).weights());
    context->saved_data["memory"] = torch::IValue::make_capsule(memory);
    torch::Tensor share = torch::tensor(active, torch::kFloat);
    context->mark_non_differentiable({share});
    return {y, torch::tensor(penalty, torch::kFloat), share};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list slopes) {
    const auto capsule = context->saved_data["memory"].toCapsule();
    auto& memory = static_cast<dsmoe_memory&>(*capsule);
    if (slopes[1].defined()) {
      const activity_penalty penalty = memory.penalty(slopes[1].item<double>());
      if (memory.settings.pushed == gate_push::all) {
        penalty.add_gradient(memory.remembered, straight_through{});
      } else {
        penalty.add_gradient(memory.remembered);
      }
    }
    const torch::Tensor of_y = slopes[0].defined() ? slopes[0].contiguous() : torch::zeros_like(memory.x);
    std::vector<torch::Tensor> made;
    for (const torch::Tensor* one : {&memory.x, &memory.gate, &memory.up, &memory.down, &memory.rows}) {
      made.push_back(torch::zeros_like(*one));
    }
    const ffn_gradients<float> into{.gate = view_of(made[1]),
                                    .up = view_of(made[2]),
                                    .down = view_of(made[3]),
                                    .router = view_of(made[4]),
                                    .tokens = view_of(made[0])};
    if (memory.settings.slope == gate_slope::straight_through) {
      memory.layer.backward(memory.remembered, view_of(of_y), into, straight_through{});
    } else {
      memory.layer.backward(memory.remembered, view_of(of_y), into, hard{});
    }
    made.emplace_back();  // the settings have no gradient
    return made;
  }
};

}  // namespace fissile::examples
