// A LLaMA-architecture language model over bytes, as a libtorch module that trains on two CPU cores.
//
// RMSNorm, rotary positions over neighbouring pairs, SwiGLU, no biases, output tied to the embedding: what llama.cpp
// calls architecture "llama". Norms, residual stream and output stay in float. The large products run in
// `settings.products`: bfloat16 is four times as fast on cores with AMX or AVX512-BF16, and no faster than float
// elsewhere.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "causal_attention.hpp"

namespace fissile::examples {

inline constexpr std::int64_t byte_vocabulary = 257;  // 256 bytes and the end of a text
inline constexpr std::int64_t end_of_text = 256;

struct llama_settings {
  std::int64_t width = 192;
  std::int64_t layers = 4;
  std::int64_t heads = 6;
  std::int64_t neurons = 768;
  std::int64_t context = 512;
  torch::ScalarType products = torch::kFloat;

  std::int64_t head_size() const { return width / heads; }
};

constexpr double norm_epsilon = 1e-5;
constexpr double rotary_base = 10000.0;

// tokens y = x W^T, in the element of `products`
inline torch::Tensor project(const torch::Tensor& x, const torch::Tensor& weight, torch::ScalarType products) {
  return torch::linear(x.to(products), weight.to(products));
}

inline torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight) {
  return x * torch::rsqrt(x.square().mean(-1, true) + norm_epsilon) * weight;
}

// g sigmoid(g) u: written out because the gradient of libtorch's own silu is slow in bfloat16
inline torch::Tensor swiglu(const torch::Tensor& gate, const torch::Tensor& up) {
  return torch::sigmoid(gate) * gate * up;
}

// One layer: x + attention(norm x), then x + feed-forward(norm x).
struct llama_layer_module : torch::nn::Module {
  llama_settings settings;
  torch::Tensor attention_norm, ffn_norm;  // [width]
  torch::Tensor query_key_value;           // [3 width x width], stacked so that one product makes all three
  torch::Tensor attention_output;          // [width x width]
  torch::Tensor gate_up;                   // [2 neurons x width], stacked
  torch::Tensor down;                      // [width x neurons]

  explicit llama_layer_module(const llama_settings& chosen) : settings(chosen) {
    const auto w = settings.width, n = settings.neurons;
    // Every layer adds twice to the residual stream; scaling its outputs keeps the sum's size independent of depth.
    const double spread = 0.6 / std::sqrt(static_cast<double>(w));
    const double narrow = spread / std::sqrt(2.0 * static_cast<double>(settings.layers));
    attention_norm = register_parameter("attention_norm", torch::ones({w}));
    ffn_norm = register_parameter("ffn_norm", torch::ones({w}));
    query_key_value = register_parameter("query_key_value", torch::randn({3 * w, w}) * spread);
    attention_output = register_parameter("attention_output", torch::randn({w, w}) * narrow);
    gate_up = register_parameter("gate_up", torch::randn({2 * n, w}) * spread);
    down = register_parameter("down", torch::randn({w, n}) * narrow);
  }

  // x + attention(norm x). x: [batch x time x width]; rotary: complex [time x 1 x head size / 2]; mask: [block x block]
  torch::Tensor attend(const torch::Tensor& x, const torch::Tensor& rotary, const torch::Tensor& mask) {
    const auto batch = x.size(0), time = x.size(1), heads = settings.heads, size = settings.head_size();
    const auto products = settings.products;
    const auto qkv =
        project(rms_norm(x, attention_norm), query_key_value, products).view({batch, time, 3, heads, size});
    const auto turned = torch::view_as_real(
        torch::view_as_complex(qkv.slice(2, 0, 2).to(torch::kFloat).reshape({batch, time, 2 * heads, size / 2, 2})) *
        rotary);
    // [2 x batch * heads x time x head size]
    const auto qk = turned.to(products)
                        .view({batch, time, 2, heads, size})
                        .permute({2, 0, 3, 1, 4})
                        .reshape({2, batch * heads, time, size});
    const auto v = qkv.select(2, 2).permute({0, 2, 1, 3}).reshape({batch * heads, time, size});
    const auto seen = causal_attention::apply(qk[0], qk[1], v, mask)
                          .view({batch, heads, time, size})
                          .transpose(1, 2)
                          .reshape({batch, time, settings.width});
    return x + project(seen, attention_output, products);
  }

  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& rotary, const torch::Tensor& mask) {
    const auto middle = attend(x, rotary, mask);
    const auto hidden = project(rms_norm(middle, ffn_norm), gate_up, settings.products).chunk(2, -1);
    return middle + project(swiglu(hidden[0], hidden[1]), down, settings.products);
  }
};
TORCH_MODULE_IMPL(llama_layer, llama_layer_module);

struct llama_module : torch::nn::Module {
  llama_settings settings;
  torch::Tensor embedding;    // [257 x width], also the output layer
  torch::Tensor output_norm;  // [width]
  std::vector<llama_layer> layers;
  torch::Tensor rotary, mask;

  explicit llama_module(const llama_settings& chosen) : settings(chosen) {
    embedding = register_parameter("embedding", torch::randn({byte_vocabulary, settings.width}) * 0.05);
    output_norm = register_parameter("output_norm", torch::ones({settings.width}));
    for (std::int64_t layer = 0; layer < settings.layers; ++layer) {
      layers.push_back(register_module("layer" + std::to_string(layer), llama_layer(settings)));
    }
    prepare();
  }

  // The constants of position: the angle of pair i at time t is t * base^(-2 i / head size).
  void prepare() {
    const auto half = settings.head_size() / 2;
    const auto pair = torch::arange(half, torch::kDouble);
    const auto angle =
        torch::outer(torch::arange(settings.context, torch::kDouble), torch::pow(rotary_base, -pair / half));
    rotary = torch::polar(torch::ones_like(angle), angle).to(torch::kComplexFloat).unsqueeze(1);
    mask = causal_mask(settings.products);
  }

  std::int64_t weights() const {
    std::int64_t sum = 0;
    for (const auto& weight : parameters()) sum += weight.numel();
    return sum;
  }

  // tokens: [batch x time] -> logits [batch x time x 257]
  torch::Tensor forward(const torch::Tensor& tokens) {
    auto x = torch::embedding(embedding, tokens);
    const auto turn = rotary.slice(0, 0, tokens.size(1));
    for (auto& layer : layers) x = layer->forward(x, turn, mask);
    return torch::linear(rms_norm(x, output_norm), embedding);
  }
};

// The model as a file of 16-bit matrices gives it back, computing in float: what users will meet, and what is scored.
inline std::unique_ptr<llama_module> as_stored(const llama_module& model) {
  auto settings = model.settings;
  settings.products = torch::kFloat;
  auto stored = std::make_unique<llama_module>(settings);
  const auto from = model.parameters();
  auto to = stored->parameters();
  for (std::size_t weight = 0; weight < from.size(); ++weight) {
    const auto exact = from[weight].detach();
    to[weight].set_data(exact.dim() == 1 ? exact.clone() : exact.to(torch::kHalf).to(torch::kFloat));
  }
  return stored;
}

}  // namespace fissile::examples
