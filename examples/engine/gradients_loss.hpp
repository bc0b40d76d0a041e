// The loss of a window, in nats, and its gradient through the output layer: the sum over positions of the next token's
// cross-entropy, the logits of a few positions at a time.
//
//   z = output . normed,  loss = sum over t of log sum over v of exp(z_tv) - z_t,next(t)
//   dL/dz_tv = softmax(z_t)_v - [v = next(t)],  dL/dnormed = dL/dz . output
#pragma once

#include <engine/gradients_components.hpp>
#include <engine/vocabulary.hpp>

#include <fissile/train/product.hpp>

#include <algorithm>
#include <cmath>

namespace fissile::engine {

template <std::floating_point A>
class next_token_loss {
public:
  /// Borrows the output layer. [vocabulary x width]
  explicit next_token_loss(matrix_view<const A> output) : output_(output), logits_(at_once, output.rows()) {}

  /// normed: [positions x width]; next: what stands after each of them. Adds dL/dnormed to `into` unless that is empty.
  double operator()(matrix_view<const A> normed, vector_view<const token_id> next, product_space<A>& space,
                    matrix_view<A> into) noexcept {
    Expects(normed.rows() == next.length());
    double loss = 0;
    for (index_t first = 0; first < normed.rows(); first += at_once) {
      const index_t count = std::min(at_once, normed.rows() - first);
      const matrix_view<A> logits = logits_.rows(count);
      for (index_t t = 0; t < count; ++t) std::fill(logits.row(t).begin(), logits.row(t).end(), A(0));
      space.add_product(pick(normed.rows(first, count)).swapped(), pick(output_).swapped(), pick(logits));
      for (index_t t = 0; t < count; ++t) loss += take_loss(logits.row(t), next[first + t]);
      if (into.empty()) continue;
      space.add_product(pick(matrix_view<const A>{logits}).swapped(), pick(output_), pick(into.rows(first, count)));
    }
    return loss;
  }

private:
  static constexpr index_t at_once = 64;

  /// Puts the gradient in the logits' place.
  static double take_loss(vector_view<A> logits, token_id next) noexcept {
    const A chosen = logits[next], largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (A& logit : logits) sum += static_cast<double>(logit = std::exp(logit - largest));
    for (A& share : logits) share = static_cast<A>(static_cast<double>(share) / sum);
    logits[next] -= A(1);
    return std::log(sum) - static_cast<double>(chosen - largest);
  }

  matrix_view<const A> output_;
  wide_grid<A> logits_;  // [at_once x vocabulary]
};

}  // namespace fissile::engine
