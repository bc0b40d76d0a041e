// A random layer in training with a batch and the gradient of a loss, and what the library makes of it.
#pragma once

#include "support/random_ffn.hpp"

#include <fissile/train/trainable_ffn.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace fissile::testing {

/// Any partition at all: neurons in random order, experts of random sizes, none empty.
inline partition random_partition(random_source& random, index_t neurons, index_t experts) {
  std::vector<index_t> order = ascending(neurons);
  shuffle(order, random);
  std::vector<std::vector<index_t>> members(to_size(experts));
  for (index_t i = 0; i < neurons; ++i) {
    const index_t expert = i < experts ? i : random.below(experts);
    members[to_size(expert)].push_back(order[to_size(i)]);
  }
  return partition{std::move(members)};
}

/// Memory for all gradients of a layer, zero at first.
template <std::floating_point A>
struct gradient_store {
  std::vector<A> gate, up, down, gate_bias, up_bias, down_bias, router, tokens;
  index_t neurons, width, experts, batch;

  template <element T>
  gradient_store(const owned_ffn<T>& ffn, index_t experts_, index_t batch_)
      : gate(ffn.gate.size()),
        up(ffn.up.size()),
        down(ffn.down.size()),
        gate_bias(ffn.gate_bias.size()),
        up_bias(ffn.up_bias.size()),
        down_bias(ffn.down_bias.size()),
        router(to_size(experts_ * ffn.width)),
        tokens(to_size(batch_ * ffn.width)),
        neurons(ffn.neurons),
        width(ffn.width),
        experts(experts_),
        batch(batch_) {}

  ffn_gradients<A> view() {
    return {.gate = gate.empty() ? matrix_view<A>{} : matrix_view<A>{gate.data(), neurons, width},
            .up = {up.data(), neurons, width},
            .down = {down.data(), width, neurons},
            .gate_bias = gate_bias,
            .up_bias = up_bias,
            .down_bias = down_bias,
            .router = {router.data(), experts, width},
            .tokens = {tokens.data(), batch, width}};
  }
  /// All of them one after the other, in the order of their declaration.
  std::vector<double> flat() const {
    std::vector<double> all;
    for (const std::vector<A>* part : {&gate, &up, &down, &gate_bias, &up_bias, &down_bias, &router, &tokens}) {
      for (const A value : *part) all.push_back(static_cast<double>(value));
    }
    return all;
  }
};

template <element T, std::floating_point A, class Activation>
struct problem {
  owned_ffn<T> ffn;
  partition split;
  Activation activate;
  threshold_gate rule;
  std::vector<A> router, tokens, out_gradient;

  index_t width() const { return ffn.width; }
  index_t experts() const { return split.experts(); }
  index_t batch() const { return length(tokens) / ffn.width; }
  matrix_view<const A> router_view() const { return {router.data(), experts(), width()}; }
  matrix_view<const A> tokens_view() const { return {tokens.data(), batch(), width()}; }
  matrix_view<const A> out_gradient_view() const { return {out_gradient.data(), batch(), width()}; }
  auto layer() const { return trainable_ffn{borrow(ffn.view(), split), router_view(), activate, rule}; }

  /// Every number the loss depends on, in the order of gradient_store.
  std::vector<A*> parameters() requires std::same_as<T, A> {
    std::vector<A*> all;
    for (std::vector<A>* part :
         {&ffn.gate, &ffn.up, &ffn.down, &ffn.gate_bias, &ffn.up_bias, &ffn.down_bias, &router, &tokens}) {
      for (A& value : *part) all.push_back(&value);
    }
    return all;
  }

  std::vector<A> outputs() const {
    const auto trained = layer();
    training_scratch scratch{trained, {.batch = batch()}};
    tape remembered{trained, scratch};
    std::vector<A> out(tokens.size());
    trained.forward(tokens_view(), remembered, {out.data(), batch(), width()});
    return out;
  }
  template <class Surrogate = straight_through>
  gradient_store<A> gradients(const Surrogate& slopes = {}) const {
    const auto trained = layer();
    training_scratch scratch{trained, {.batch = batch()}};
    tape remembered{trained, scratch};
    std::vector<A> out(tokens.size());
    trained.forward(tokens_view(), remembered, {out.data(), batch(), width()});
    gradient_store<A> into{ffn, experts(), batch()};
    trained.backward(remembered, out_gradient_view(), into.view(), slopes);
    return into;
  }
};

struct problem_shape {
  layer_shape layer = {.width = 5, .neurons = 11, .gated = gate::present, .biased = biases::present};
  index_t experts = 3;
  index_t batch = 4;
};

inline problem_shape random_problem_shape(random_source& random) {
  problem_shape shape{.layer = random_shape(random)};
  shape.experts = 1 + random.below(std::min<index_t>(shape.layer.neurons, 12));
  shape.batch = 1 + random.below(9);
  return shape;
}

template <element T, std::floating_point A, class Activation>
problem<T, A, Activation> random_problem(random_source& random, problem_shape shape, const Activation& activate,
                                         threshold_gate rule = {}) {
  const index_t width = shape.layer.width;
  owned_ffn<T> ffn = random_ffn<T>(random, shape.layer);
  partition split = random_partition(random, shape.layer.neurons, shape.experts);
  const double scale = 1.5 / std::sqrt(static_cast<double>(width));
  std::vector<A> router = random_numbers<A>(random, shape.experts * width, scale);
  std::vector<A> tokens = random_numbers<A>(random, shape.batch * width);
  std::vector<A> out_gradient = random_numbers<A>(random, shape.batch * width);
  return {.ffn = std::move(ffn),
          .split = std::move(split),
          .activate = activate,
          .rule = rule,
          .router = std::move(router),
          .tokens = std::move(tokens),
          .out_gradient = std::move(out_gradient)};
}

using numbers = std::vector<double>;

/// Central differences of a function by each of its parameters.
inline numbers differences(const std::vector<double*>& parameters, const std::function<double()>& function,
                           double step = 1e-5) {
  numbers found;
  for (double* parameter : parameters) {
    const double before = *parameter;
    *parameter = before + step;
    const double above = function();
    *parameter = before - step;
    const double below = function();
    *parameter = before;
    found.push_back((above - below) / (2 * step));
  }
  return found;
}

/// The largest difference between two lists, as a share of the largest number in the second.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double worst = 0;
  double scale = 1e-300;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double apart = std::abs(a[i] - b[i]);
    worst = apart <= worst ? worst : apart;  // a NaN stays
    scale = std::max(scale, std::abs(b[i]));
  }
  return worst / scale;
}

template <class A>
numbers in_double(const std::vector<A>& given) {
  return numbers(given.begin(), given.end());
}

template <class F>
void for_each_activation(const F& f) {
  f(silu{});
  f(gelu{});
  f(gelu_tanh{});
  f(relu{});
  f(relu2{});
}

inline std::vector<threshold_gate> all_rules() {
  std::vector<threshold_gate> rules;
  for (const float threshold : {-0.5f, 0.3f, 0.5f, 0.8f, 0.999f}) {
    for (const rescaling rescale : {rescaling::by_active, rescaling::none}) {
      for (const nothing_active if_none : {nothing_active::zero, nothing_active::strongest}) {
        rules.push_back({.threshold = threshold, .rescale = rescale, .if_none = if_none});
      }
    }
  }
  return rules;
}

/// What the refusal of `call` says; empty where it is none.
template <class Error, class Call>
std::string refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& refused) {
    return refused.what();
  }
  return {};
}

}  // namespace fissile::testing
