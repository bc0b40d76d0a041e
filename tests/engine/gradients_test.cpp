#include <engine/gradients.hpp>

#include <engine/feed_forward.hpp>
#include <engine/mixture.hpp>
#include <engine/session.hpp>

#include "gradients_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace fissile::engine {
namespace gradients_tests {
namespace {

static_assert(!std::is_constructible_v<wide_model<float>, const mixture<float>&>, "a mixture is not a dense model");

/// Heads with a number of their own, grouped by two and by three, heads that do not fill the width, half rotated.
const std::vector<architecture> shapes{
    {.context = 80, .width = 8, .layers = 2, .neurons = 12, .heads = 2, .key_heads = 2, .head_size = 4, .rotated = 4},
    {.context = 80, .width = 10, .layers = 3, .neurons = 7, .heads = 4, .key_heads = 2, .head_size = 2, .rotated = 2},
    {.context = 80, .width = 6, .layers = 1, .neurons = 9, .heads = 3, .key_heads = 1, .head_size = 6, .rotated = 2}};

std::vector<token_id> drawn_tokens(index_t count, std::uint64_t seed) {
  random_source random{seed};
  std::vector<token_id> tokens;
  for (index_t i = 0; i < count; ++i) tokens.push_back(static_cast<token_id>(random.below(shaped_model::words)));
  return tokens;
}

/// Keeps all that it hears.
template <class A>
struct all_heard {
  struct piece {
    index_t layer;
    component which;
    std::vector<A> outputs, gradients;
    index_t columns;
    bool operator==(const piece&) const = default;
  };
  std::vector<std::vector<A>> stream;
  std::vector<piece> pieces;

  void states(index_t layer, matrix_view<const A> numbers) {
    if (layer == 0) stream.clear();
    EXPECT_EQ(layer, length(stream));
    stream.push_back(copy(numbers));
  }
  void heard(index_t layer, component which, matrix_view<const A> outputs, matrix_view<const A> gradients) {
    EXPECT_EQ(shape_of(outputs), shape_of(gradients));
    pieces.push_back({layer, which, copy(outputs), copy(gradients), outputs.columns()});
  }
  static std::vector<A> copy(matrix_view<const A> from) {
    return {from.data(), from.data() + from.rows() * from.columns()};
  }
};

TEST(engine_gradients, loss_and_states_are_those_of_a_session) {
  for (const architecture& sizes : shapes) {
    const shaped_model file{sizes};
    const model<float> weights{file.path()};
    const std::vector<token_id> tokens = drawn_tokens(71, 5);
    const wide_model wide{weights};
    gradient_pass pass{wide};
    all_heard<float> heard;
    const double loss = pass.forward(tokens, heard);

    session read{weights};
    dense_feed_forward ffn{weights};
    std::vector<std::vector<float>> stream;
    read(tokens, ffn, [&](index_t, matrix_view<const float> states) { stream.push_back(heard.copy(states)); });
    ASSERT_EQ(stream.size(), heard.stream.size());
    for (std::size_t layer = 0; layer < stream.size(); ++layer) {
      for (std::size_t i = 0; i < stream[layer].size(); ++i)
        EXPECT_NEAR(stream[layer][i], heard.stream[layer][i], 2e-4);
    }
    double expected = 0;
    const matrix_view<const float> logits = read.logits();
    for (index_t t = 0; t + 1 < length(tokens); ++t) {
      double sum = 0;
      for (const float logit : logits.row(t)) sum += std::exp(static_cast<double>(logit));
      expected += std::log(sum) - static_cast<double>(logits(t, tokens[to_size(t + 1)]));
    }
    EXPECT_NEAR(loss, expected, 1e-3);
  }
}

/// dL/doutputs of every component, all of a short window and some of one that is longer than what is computed at once.
TEST(engine_gradients, are_what_small_changes_of_outputs_do_to_the_loss) {
  for (const architecture& sizes : shapes) {
    const shaped_model file{sizes};
    const model<float> weights{file.path()};
    const wide_model<double> wide{weights};
    gradient_pass pass{wide};
    for (const index_t count : {5, 70}) {
      const std::vector<token_id> tokens = drawn_tokens(count, static_cast<std::uint64_t>(count));
      all_heard<double> heard;
      EXPECT_NEAR(pass.forward(tokens, heard), plain_loss(weights, tokens, {}), 1e-10 * static_cast<double>(count));
      pass.backward(heard);
      ASSERT_EQ(length(heard.pieces), 8 * sizes.layers);
      random_source random{9};
      for (const auto& piece : heard.pieces) {
        EXPECT_EQ(piece.columns, width_of(piece.which, sizes));
        const index_t numbers = length(piece.gradients);
        for (index_t one = 0; one < (count == 5 ? numbers : 1); ++one) {
          const index_t at = count == 5 ? one : random.below(numbers);
          double seen = 0;
          const auto nudged = [&](double by) {
            return plain_loss(weights, tokens, [&](index_t layer, component which, index_t token, row& output) {
              if (layer != piece.layer || which != piece.which || token != at / piece.columns) return;
              double& number = output[to_size(at % piece.columns)];
              seen = number;
              number += by;
            });
          };
          const double step = 1e-5, slope = (nudged(step) - nudged(-step)) / (2 * step);
          EXPECT_NEAR(piece.gradients[to_size(at)], slope, 1e-7 * (1 + std::abs(slope)))
              << name_of(piece.which) << " of layer " << piece.layer << ", number " << at;
          EXPECT_NEAR(piece.outputs[to_size(at)], seen, 1e-9);
        }
      }
    }
  }
}

TEST(engine_gradients, a_silenced_neuron_costs_what_the_formulas_say_and_disturbs_nothing) {
  for (const architecture& sizes : shapes) {
    const shaped_model file{sizes, gguf_type::bf16};
    const model<bf16> weights{file.path()};
    const wide_model<double> wide{weights};
    gradient_pass pass{wide};
    const std::vector<token_id> tokens = drawn_tokens(9, 2);
    all_heard<double> before, after;
    const double loss = pass.forward(tokens, before);
    pass.backward(before);
    double largest = 0;
    for (index_t layer = 0; layer < sizes.layers; ++layer) {
      for (index_t neuron = 0; neuron < sizes.neurons; ++neuron) {
        const double expected = plain_loss(weights, tokens, [&](index_t at, component which, index_t, row& output) {
          if (at == layer && which == component::hidden) output[to_size(neuron)] = 0;
        });
        EXPECT_NEAR(pass.loss_without({layer, neuron}), expected, 1e-10);
        largest = std::max(largest, std::abs(expected - loss));
      }
    }
    EXPECT_GT(largest, 1e-2);
    pass.backward(after);
    EXPECT_EQ(before.pieces, after.pieces);
  }
}

TEST(engine_gradients, the_last_token_has_none_and_windows_do_not_know_of_each_other) {
  const shaped_model file{shapes[1]};
  const model<float> weights{file.path()};
  const wide_model wide{weights};
  gradient_pass used{wide}, fresh{wide, 30};
  EXPECT_EQ(used.context(), 80);
  EXPECT_EQ(fresh.context(), 30);
  used.forward(drawn_tokens(80, 1));
  used.backward(deaf{});
  const std::vector<token_id> tokens = drawn_tokens(30, 4);
  all_heard<float> again, first;
  EXPECT_EQ(used.forward(tokens, again), fresh.forward(tokens, first));
  used.backward(again);
  fresh.backward(first);
  EXPECT_EQ(again.stream, first.stream);
  EXPECT_EQ(again.pieces, first.pieces);
  for (const auto& piece : first.pieces) {
    double sum = 0;
    for (const float gradient : piece.gradients) sum += static_cast<double>(std::abs(gradient));
    EXPECT_GT(sum, 0) << name_of(piece.which);
    for (index_t i = 0; i < piece.columns; ++i) EXPECT_EQ(piece.gradients[to_size(29 * piece.columns + i)], 0.0f);
  }
  EXPECT_EQ(used.forward(drawn_tokens(1, 1)), 0.0);
  all_heard<float> alone;
  used.backward(alone);
  for (const auto& piece : alone.pieces) EXPECT_EQ(piece.gradients, std::vector<float>(to_size(piece.columns), 0.0f));
}

TEST(engine_gradients, float_is_near_to_double_whatever_weights_are_stored_as) {
  const shaped_model file{shapes[0], gguf_type::bf16};
  const model<bf16> weights{file.path()};
  const wide_model<float> narrow{weights};
  const wide_model<double> wide{weights};
  gradient_pass in_float{narrow};
  gradient_pass in_double{wide};
  const std::vector<token_id> tokens = drawn_tokens(70, 8);
  all_heard<float> rough;
  all_heard<double> fine;
  EXPECT_NEAR(in_float.forward(tokens, rough), in_double.forward(tokens, fine), 1e-3);
  in_float.backward(rough);
  in_double.backward(fine);
  for (std::size_t piece = 0; piece < fine.pieces.size(); ++piece) {
    double largest = 0;
    for (const double gradient : fine.pieces[piece].gradients) largest = std::max(largest, std::abs(gradient));
    for (std::size_t i = 0; i < fine.pieces[piece].gradients.size(); ++i) {
      EXPECT_NEAR(rough.pieces[piece].gradients[i], fine.pieces[piece].gradients[i], 1e-4 * (1 + largest));
    }
  }
}

}  // namespace
}  // namespace gradients_tests
}  // namespace fissile::engine
