// A dense layer of fissile as a function of libtorch's autograd, which shows every neuron's activation and the loss's
// derivative by it to whoever asks; and the model whose feed-forward layers all are such functions.
#pragma once

#include <fissile/train/dense_layer.hpp>

#include <models/llama_module.hpp>
#include <models/tensor_view.hpp>

#include <functional>
#include <utility>

namespace fissile::examples {

/// Is told, in backward, of each layer: hidden and dL/dhidden, both [tokens x neurons].
using neuron_watch = std::function<void(std::size_t layer, matrix_view<const float>, matrix_view<const float>)>;

/// What one forward pass leaves for its backward.
struct ffn_memory : torch::CustomClassHolder {
  torch::Tensor x, gate, up, down;  // the layer below borrows them
  dense_layer<float, float, silu> layer;
  training_scratch<float> scratch;
  dense_tape<float> remembered;

  ffn_memory(const torch::Tensor& inputs, const torch::Tensor& gate_up, const torch::Tensor& down_weights)
      : x(inputs.contiguous()),
        gate(gate_up.slice(0, 0, gate_up.size(0) / 2).contiguous()),
        up(gate_up.slice(0, gate_up.size(0) / 2).contiguous()),
        down(down_weights.contiguous()),
        layer(ffn_weights<float>{view_of(gate), view_of(up), view_of(down)}, silu{}),
        scratch(layer, {.batch = x.size(0)}),
        remembered(layer, scratch) {}
};

/// apply(x, gate_up, down, watch of this layer) -> y
///   x, y: [tokens x width]; gate_up: [2 neurons x width], stacked; down: [width x neurons], all float
struct ffn_function : torch::autograd::Function<ffn_function> {
  using watch_of_layer = std::function<void(matrix_view<const float>, matrix_view<const float>)>;

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& gate_up, const torch::Tensor& down, const watch_of_layer& watch) {
    auto memory = c10::make_intrusive<ffn_memory>(x.detach(), gate_up.detach(), down.detach());
    torch::Tensor y = torch::empty_like(memory->x);
    memory->layer.forward(view_of(memory->x), memory->remembered, view_of(y));
    context->saved_data["memory"] = torch::IValue::make_capsule(memory);
    context->saved_data["watch"] = torch::IValue::make_capsule(c10::make_intrusive<kept_watch>(watch));
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list slopes) {
    const auto capsule = context->saved_data["memory"].toCapsule();
    const auto watcher = context->saved_data["watch"].toCapsule();
    auto& memory = static_cast<ffn_memory&>(*capsule);
    const torch::Tensor of_y = slopes[0].contiguous();
    const torch::Tensor of_x = torch::zeros_like(memory.x), of_down = torch::zeros_like(memory.down);
    const torch::Tensor of_gate_up = torch::zeros({2 * memory.gate.size(0), memory.gate.size(1)});
    const matrix_view<float> both = view_of(of_gate_up);
    const index_t neurons = memory.layer.neurons();
    memory.layer.backward(memory.remembered, view_of(of_y),
                          {.gate = both.rows(0, neurons),
                           .up = both.rows(neurons, neurons),
                           .down = view_of(of_down),
                           .tokens = view_of(of_x)});
    const dense_tape<float>& seen = memory.remembered;
    if (const auto& watch = static_cast<kept_watch&>(*watcher).watch) watch(seen.hidden(), seen.hidden_gradients());
    return {of_x, of_gate_up, of_down, torch::Tensor{}};
  }

private:
  struct kept_watch : torch::CustomClassHolder {
    watch_of_layer watch;
    explicit kept_watch(watch_of_layer given) : watch(std::move(given)) {}
  };
};

/// tokens: [1 x time] -> logits [time x 257]
inline torch::Tensor logits_of(llama_module& model, const torch::Tensor& tokens, const neuron_watch& watch = {}) {
  auto x = torch::embedding(model.embedding, tokens);
  const auto turn = model.rotary.slice(0, 0, tokens.size(1));
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    auto& part = *model.layers[layer];
    const auto middle = part.attend(x, turn, model.mask);
    const auto normed = rms_norm(middle, part.ffn_norm).reshape({-1, model.settings.width});
    ffn_function::watch_of_layer own;
    if (watch) own = [&watch, layer](auto hidden, auto gradients) { watch(layer, hidden, gradients); };
    x = middle + ffn_function::apply(normed, part.gate_up, part.down, own).view_as(middle);
  }
  return torch::linear(rms_norm(x, model.output_norm), model.embedding).squeeze(0);
}

}  // namespace fissile::examples
