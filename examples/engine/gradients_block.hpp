// One block of a dense model over a whole window, forward with memory and backward, in three steps that add to the
// residual stream x or read it:
//
//   attend    x += output . attention(turned query, turned key, value)     of norm(x)
//   activate  hidden = silu(gate) * up                                     of norm(x)
//   lead_out  x += down . hidden
#pragma once

#include <engine/gradients_attention.hpp>
#include <engine/gradients_rotation.hpp>
#include <engine/gradients_tape.hpp>
#include <engine/gradients_weights.hpp>

#include <fissile/train/linear_map.hpp>
#include <fissile/train/rms_norm.hpp>
#include <fissile/weights/activations.hpp>

#include <algorithm>

namespace fissile::engine {

/// The products of a pass need no room for weights of another number than A: `wide_model` has none.
template <std::floating_point A>
struct scratch_of_products {
  using element_type = A;
  using number_type = A;
  static constexpr index_t neurons() noexcept { return 1; }
  static constexpr index_t experts() noexcept { return 1; }
  static constexpr index_t width() noexcept { return 1; }
};

template <std::floating_point A>
class block_pass {
public:
  block_pass(const architecture& sizes, index_t context)
      : sizes_(sizes),
        scratch_(scratch_of_products<A>{}, {.batch = context}),
        rotation_(sizes, context),
        attention_(sizes, context),
        normed_gradient_(context, sizes.width),
        attended_gradient_(context, sizes.query_width()),
        query_gradient_(context, sizes.query_width()),
        key_gradient_(context, sizes.key_width()) {}

  product_space<A>& space() noexcept { return scratch_.space(); }
  rms_norm<A> norm(vector_view<const A> gain) const noexcept {
    return {gain, static_cast<double>(sizes_.norm_epsilon)};
  }

  /// stream: [tokens x width], here and below.
  void attend(const wide_block<A>& block, block_tape<A>& tape, matrix_view<A> stream) {
    const index_t tokens = stream.rows();
    const auto out = [&](component which) noexcept { return tape.outputs.of(which, tokens); };
    const matrix_view<A> input = tape.attention_input.rows(tokens);
    copy(stream, tape.before.rows(tokens));
    norm(block.attention_norm).forward(stream, tape.inverses.rows(2).row(0), input);
    apply(block.query, input, out(component::query));
    apply(block.key, input, out(component::key));
    apply(block.value, input, out(component::value));
    rotation_.turn(out(component::query), tape.turned_query.rows(tokens));
    rotation_.turn(out(component::key), tape.turned_key.rows(tokens));
    attention_.forward(turned(tape, tokens), space(), tape.attended.rows(tokens));
    apply(block.output, tape.attended.rows(tokens), out(component::attention_output));
    add(out(component::attention_output), stream);
    copy(stream, tape.middle.rows(tokens));
  }

  void activate(const wide_block<A>& block, block_tape<A>& tape, matrix_view<const A> stream) {
    const index_t tokens = stream.rows();
    const matrix_view<A> input = tape.ffn_input.rows(tokens);
    norm(block.ffn_norm).forward(stream, tape.inverses.rows(2).row(1), input);
    const matrix_view<A> gate = tape.outputs.of(component::gate, tokens), up = tape.outputs.of(component::up, tokens);
    const matrix_view<A> hidden = tape.outputs.of(component::hidden, tokens);
    apply(block.gate, input, gate);
    apply(block.up, input, up);
    for (index_t token = 0; token < tokens; ++token) {
      for (index_t j = 0; j < hidden.columns(); ++j) hidden(token, j) = silu{}(gate(token, j)) * up(token, j);
    }
  }

  void lead_out(const wide_block<A>& block, block_tape<A>& tape, matrix_view<A> stream) {
    const matrix_view<A> down = tape.outputs.of(component::down, stream.rows());
    apply(block.down, tape.outputs.of(component::hidden, stream.rows()), down);
    add(down, stream);
  }

  /// stream: dL/dx after the block, which becomes dL/dx before it; into: dL/doutputs, written.
  void backward(const wide_block<A>& block, block_tape<A>& tape, component_numbers<A>& into, matrix_view<A> stream) {
    feed_forward_backward(block, tape, into, stream);
    attention_backward(block, tape, into, stream);
  }

private:
  void feed_forward_backward(const wide_block<A>& block, block_tape<A>& tape, component_numbers<A>& into,
                             matrix_view<A> stream) {
    const index_t tokens = stream.rows();
    const matrix_view<A> gate = into.of(component::gate, tokens), up = into.of(component::up, tokens);
    const matrix_view<A> hidden = into.of(component::hidden, tokens);
    copy(stream, into.of(component::down, tokens));
    linear_map<A>{}.start(hidden);
    add_back(block.down, stream, hidden);
    const matrix_view<const A> inner = tape.outputs.of(component::gate, tokens);
    const matrix_view<const A> outer = tape.outputs.of(component::up, tokens);
    for (index_t token = 0; token < tokens; ++token) {
      for (index_t j = 0; j < hidden.columns(); ++j) {
        gate(token, j) = hidden(token, j) * outer(token, j) * silu{}.derivative(inner(token, j));
        up(token, j) = hidden(token, j) * silu{}(inner(token, j));
      }
    }
    const matrix_view<A> normed = normed_gradient_.rows(tokens);
    linear_map<A>{}.start(normed);
    add_back(block.gate, gate, normed);
    add_back(block.up, up, normed);
    norm(block.ffn_norm).backward(tape.middle.rows(tokens), tape.inverses.rows(2).row(1), normed, {.in = stream});
  }

  void attention_backward(const wide_block<A>& block, block_tape<A>& tape, component_numbers<A>& into,
                          matrix_view<A> stream) {
    const index_t tokens = stream.rows();
    const matrix_view<A> attended = attended_gradient_.rows(tokens);
    copy(stream, into.of(component::attention_output, tokens));
    linear_map<A>{}.start(attended);
    add_back(block.output, stream, attended);
    const attention_sides<A> sides{query_gradient_.rows(tokens), key_gradient_.rows(tokens),
                                   into.of(component::value, tokens)};
    attention_.backward(turned(tape, tokens), attended, space(), sides);
    rotation_.turn_back(sides.query, into.of(component::query, tokens));
    rotation_.turn_back(sides.key, into.of(component::key, tokens));
    const matrix_view<A> normed = normed_gradient_.rows(tokens);
    linear_map<A>{}.start(normed);
    add_back(block.query, into.of(component::query, tokens), normed);
    add_back(block.key, into.of(component::key, tokens), normed);
    add_back(block.value, into.of(component::value, tokens), normed);
    norm(block.attention_norm).backward(tape.before.rows(tokens), tape.inverses.rows(2).row(0), normed, {.in = stream});
  }

  static attention_sides<const A> turned(block_tape<A>& tape, index_t tokens) noexcept {
    return {tape.turned_query.rows(tokens), tape.turned_key.rows(tokens), tape.outputs.of(component::value, tokens)};
  }
  void apply(matrix_view<const A> weights, matrix_view<const A> in, matrix_view<A> out) {
    linear_map<A>{weights}.forward(in, scratch_, out);
  }
  void add_back(matrix_view<const A> weights, matrix_view<const A> out_gradient, matrix_view<A> into) {
    linear_map<A>{weights}.backward(out_gradient, scratch_, into);
  }
  static void copy(matrix_view<const A> from, matrix_view<A> to) noexcept {
    for (index_t row = 0; row < from.rows(); ++row)
      std::copy_n(from.row(row).data(), from.columns(), to.row(row).data());
  }
  static void add(matrix_view<const A> more, matrix_view<A> to) noexcept {
    for (index_t row = 0; row < more.rows(); ++row) {
      for (index_t i = 0; i < more.columns(); ++i) to(row, i) += more(row, i);
    }
  }

  architecture sizes_;
  training_scratch<A> scratch_;
  wide_rotation<A> rotation_;
  window_attention<A> attention_;
  wide_grid<A> normed_gradient_;                     // [context x width]
  wide_grid<A> attended_gradient_, query_gradient_;  // [context x heads * head_size]
  wide_grid<A> key_gradient_;                        // [context x key_heads * head_size]
};

}  // namespace fissile::engine
