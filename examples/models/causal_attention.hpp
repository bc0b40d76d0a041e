// Causal attention and its gradient, in blocks of queries, each against the keys up to its own end.
//
// The blocks skip most of the upper triangle and keep a block's scores in the cache. The gradient is written by hand
// because automatic differentiation would pad the gradient of every slice of keys and values with zeros to full length.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fissile::examples {

constexpr std::int64_t query_block = 128;

// [block x block]: minus infinity where the key lies after the query
inline torch::Tensor causal_mask(torch::ScalarType products) {
  return torch::full({query_block, query_block}, -std::numeric_limits<float>::infinity()).triu(1).to(products);
}

// q, k, v, result: [batch * heads x time x head size]
//   S = q k^T / sqrt(head size) where key <= query,   P = softmax(S),   result = P v
class causal_attention : public torch::autograd::Function<causal_attention> {
public:
  using context = torch::autograd::AutogradContext;

  static torch::Tensor forward(context* kept, const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& mask) {
    const auto time = q.size(1);
    const auto scaled = q / std::sqrt(static_cast<double>(q.size(2)));
    auto result = torch::empty_like(q);
    std::vector<torch::Tensor> saved{scaled, k, v};
    for (std::int64_t begin = 0; begin < time; begin += query_block) {
      const auto end = std::min(time, begin + query_block), rows = end - begin;
      auto scores = torch::bmm(scaled.slice(1, begin, end), k.slice(1, 0, end).transpose(1, 2));
      scores.slice(2, begin, end).add_(mask.slice(0, 0, rows).slice(1, 0, rows));
      const auto weights = torch::softmax(scores, -1);
      result.slice(1, begin, end).copy_(torch::bmm(weights, v.slice(1, 0, end)));
      saved.push_back(weights);
    }
    kept->save_for_backward(saved);
    return result;
  }

  // dP = dR v^T,  dS = P (dP - sum_key P dP),  dq = dS k / sqrt(head size),  dk = dS^T q / sqrt(head size),  dv = P^T
  // dR
  static torch::autograd::tensor_list backward(context* kept, torch::autograd::tensor_list gradients) {
    const auto saved = kept->get_saved_variables();
    const auto &scaled = saved[0], &k = saved[1], &v = saved[2], &d_result = gradients[0];
    const auto time = scaled.size(1);
    auto d_q = torch::empty_like(scaled), d_k = torch::zeros_like(k), d_v = torch::zeros_like(v);
    std::size_t block = 3;
    for (std::int64_t begin = 0; begin < time; begin += query_block, ++block) {
      const auto end = std::min(time, begin + query_block);
      const auto& weights = saved[block];
      const auto d_rows = d_result.slice(1, begin, end);
      const auto d_weights = torch::bmm(d_rows, v.slice(1, 0, end).transpose(1, 2));
      const auto d_scores = torch::_softmax_backward_data(d_weights, weights, -1, weights.scalar_type());
      d_q.slice(1, begin, end).copy_(torch::bmm(d_scores, k.slice(1, 0, end)));
      d_k.slice(1, 0, end).add_(torch::bmm(d_scores.transpose(1, 2), scaled.slice(1, begin, end)));
      d_v.slice(1, 0, end).add_(torch::bmm(weights.transpose(1, 2), d_rows));
    }
    return {d_q / std::sqrt(static_cast<double>(scaled.size(2))), d_k, d_v, torch::Tensor{}};
  }
};

}  // namespace fissile::examples
