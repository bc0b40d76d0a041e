// The backward pass: what the loss of one window of a text hangs on, for every component of a dense model.
//
//   const wide_model weights{model};                  // float; wide_model<double> checks derivatives
//   gradient_pass pass{weights};
//   const double loss = pass.forward(tokens, listener);   // nats; the listener hears the residual stream
//   pass.backward(listener);                              // and every component's outputs with dL/doutputs
//   pass.loss_without({layer, neuron});                   // exact, where outputs times gradients tell the first order
//
// The weights get no gradients: nothing is trained here. All memory is taken at the start.
#pragma once

#include <engine/gradients_block.hpp>
#include <engine/gradients_loss.hpp>

#include <algorithm>
#include <vector>

namespace fissile::engine {

/// A hidden neuron: silenced, its activation is 0 for every token.
struct silenced_neuron {
  index_t layer = 0, neuron = 0;
};

/// Memory: layers + 1 times what a block_tape says, and about two of them more. One a thread; the weights are shared.
template <std::floating_point A = float>
class gradient_pass {
public:
  /// Borrows the weights. `context`: tokens of a window, at most; 0: as many as the model was trained for.
  explicit gradient_pass(const wide_model<A>& weights, index_t context = 0)
      : model_(&weights),
        context_(context > 0 ? context : weights.sizes().context),
        block_(weights.sizes(), context_),
        loss_(weights.output()),
        gradients_(weights.sizes(), context_),
        spare_(weights.sizes(), context_),
        stream_(context_, weights.sizes().width),
        spare_stream_(context_, weights.sizes().width),
        normed_(context_, weights.sizes().width),
        normed_gradient_(context_, weights.sizes().width),
        inverses_(2, context_) {
    for (index_t layer = 0; layer < layers(); ++layer) tapes_.emplace_back(weights.sizes(), context_);
    next_.reserve(to_size(context_));
  }

  index_t context() const noexcept { return context_; }
  index_t layers() const noexcept { return model_->sizes().layers; }

  /// Reads one window from its beginning and returns its loss in nats, summed over all tokens but the first.
  /// `listener.states(layer, residual)` sees the residual stream [tokens x width] before the first block (layer 0) and
  /// after each (1 ... layers).
  template <class Listener = const deaf>
  requires gradient_listener<Listener, A>
  double forward(vector_view<const token_id> tokens, Listener&& listener = {}) {
    Expects(!tokens.empty() && tokens.length() <= context_);
    next_.assign(tokens.begin() + 1, tokens.end());
    const matrix_view<A> stream = stream_.rows(tokens.length());
    for (index_t i = 0; i < tokens.length(); ++i) {
      Expects(tokens[i] >= 0 && tokens[i] < model_->vocabulary());
      const vector_view<const A> row = model_->embedding().row(tokens[i]);
      std::copy(row.begin(), row.end(), stream.row(i).data());
    }
    listener.states(index_t{0}, matrix_view<const A>{stream});
    for (index_t layer = 0; layer < layers(); ++layer) {
      read_block(layer, tapes_[to_size(layer)], stream);
      listener.states(layer + 1, matrix_view<const A>{stream});
    }
    const matrix_view<A> gradient = normed_gradient_.rows(scored());
    linear_map<A>{}.start(gradient);
    return loss_of(stream, inverses_.rows(2).row(0), gradient);
  }

  /// For the window of the last forward: `listener.heard(layer, which, outputs, gradients)` sees every component's
  /// outputs and dL/doutputs, [tokens x width_of(which)] both, layers descending. The last token predicts nothing and
  /// no other reads of it: its gradients are 0.
  template <class Listener>
  requires gradient_listener<Listener, A>
  void backward(Listener&& listener) {
    const index_t tokens = scored() + 1;
    const matrix_view<A> gradient = stream_gradient(tokens);
    for (index_t layer = layers(); layer-- > 0;) {
      block_tape<A>& tape = tapes_[to_size(layer)];
      block_.backward(model_->block(layer), tape, gradients_, gradient);
      for (const component which : all_components) {
        listener.heard(layer, which, matrix_view<const A>{tape.outputs.of(which, tokens)},
                       matrix_view<const A>{gradients_.of(which, tokens)});
      }
    }
  }

  /// The loss of the window of the last forward with one neuron silenced, computed by the same products.
  double loss_without(silenced_neuron one) {
    Expects(one.layer >= 0 && one.layer < layers() && one.neuron >= 0 && one.neuron < model_->sizes().neurons);
    const index_t tokens = scored() + 1;
    block_tape<A>& tape = tapes_[to_size(one.layer)];
    const matrix_view<A> stream = spare_stream_.rows(tokens), hidden = spare_.outputs.of(component::hidden, tokens);
    copy(tape.middle.rows(tokens), stream);
    copy(tape.outputs.of(component::hidden, tokens), hidden);
    for (index_t token = 0; token < tokens; ++token) hidden(token, one.neuron) = A(0);
    block_.lead_out(model_->block(one.layer), spare_, stream);
    for (index_t layer = one.layer + 1; layer < layers(); ++layer) read_block(layer, spare_, stream);
    return loss_of(stream, inverses_.rows(2).row(1), {});
  }

private:
  /// Tokens of the window that predict another one.
  index_t scored() const noexcept { return length(next_); }

  void read_block(index_t layer, block_tape<A>& tape, matrix_view<A> stream) {
    const wide_block<A>& block = model_->block(layer);
    block_.attend(block, tape, stream);
    block_.activate(block, tape, stream);
    block_.lead_out(block, tape, stream);
  }
  /// stream: [scored() + 1 x width] after the last block; adds dL/dnormed to `into`, unless that is empty.
  double loss_of(matrix_view<const A> stream, vector_view<A> inverses, matrix_view<A> into) {
    const matrix_view<A> normed = normed_.rows(scored());
    block_.norm(model_->output_norm()).forward(stream.rows(0, scored()), inverses, normed);
    return loss_(normed, next_, block_.space(), into);
  }
  /// dL/dstream after the last block.
  matrix_view<A> stream_gradient(index_t tokens) {
    const matrix_view<A> gradient = spare_stream_.rows(tokens);
    linear_map<A>{}.start(gradient);
    block_.norm(model_->output_norm())
        .backward(stream_.rows(scored()), inverses_.rows(2).row(0), normed_gradient_.rows(scored()),
                  {.in = gradient.rows(0, scored())});
    return gradient;
  }
  static void copy(matrix_view<const A> from, matrix_view<A> to) noexcept {
    for (index_t row = 0; row < from.rows(); ++row)
      std::copy_n(from.row(row).data(), from.columns(), to.row(row).data());
  }

  const wide_model<A>* model_;
  index_t context_;
  block_pass<A> block_;
  next_token_loss<A> loss_;
  std::vector<block_tape<A>> tapes_;    // [layers]
  component_numbers<A> gradients_;      // of the block that backward is at
  block_tape<A> spare_;                 // of blocks read again
  wide_grid<A> stream_, spare_stream_;  // [context x width]
  wide_grid<A> normed_, normed_gradient_;
  wide_grid<A> inverses_;       // [2 x context]: of the window, and of it with a neuron silenced
  std::vector<token_id> next_;  // of the last window
};
template <std::floating_point A>
explicit gradient_pass(const wide_model<A>&) -> gradient_pass<A>;
template <std::floating_point A>
gradient_pass(const wide_model<A>&, index_t) -> gradient_pass<A>;

}  // namespace fissile::engine
