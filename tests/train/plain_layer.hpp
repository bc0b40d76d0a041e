// The layer in training in plain loops and doubles, written from the paper's formulas without the library's: expert
// outputs are written out, the chain rule is followed one expert at a time, and finite differences check both.
#pragma once

#include "train/problem.hpp"

#include <cmath>
#include <functional>
#include <vector>

namespace fissile::testing {

using table = std::vector<numbers>;  // [rows][columns]

/// What is held constant in the function whose true gradient is the straight-through rule: weight_i of a token is
/// factor * (constant_i + slope_function(value_i)).
struct frozen {
  numbers factor;  // [tokens]
  table constant;  // [tokens][experts]
  std::function<double(double)> slope_function;
};

struct plain_route {
  numbers values, weights;  // [experts]
  double factor = 1;
  std::vector<char> active;
};

template <class Activation>
struct plain_layer {
  table gate, up, down;
  numbers gate_bias, up_bias, down_bias;
  table router, tokens, out_gradient;
  std::vector<index_t> owner;
  Activation activate;
  threshold_gate rule;

  std::size_t width() const { return tokens.at(0).size(); }
  std::size_t neurons() const { return up.size(); }
  std::size_t experts() const { return router.size(); }

  static double dot(const numbers& a, const numbers& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }

  plain_route route_of(std::size_t token) const {
    plain_route r;
    std::size_t active = 0;
    for (const numbers& row : router) r.values.push_back(1 / (1 + std::exp(-dot(row, tokens[token]))));
    for (const double v : r.values) {
      const bool above = v > static_cast<double>(rule.threshold);
      r.active.push_back(above ? 1 : 0);
      active += above ? 1 : 0;
    }
    if (active == 0 && rule.if_none == nothing_active::strongest) {
      const auto strongest = std::max_element(r.values.begin(), r.values.end()) - r.values.begin();
      r.active[static_cast<std::size_t>(strongest)] = 1;
      active = 1;
    }
    if (active > 0 && rule.rescale == rescaling::by_active) {
      r.factor = static_cast<double>(experts()) / static_cast<double>(active);
    }
    for (std::size_t i = 0; i < experts(); ++i) r.weights.push_back(r.active[i] != 0 ? r.factor * r.values[i] : 0.0);
    return r;
  }

  double inner(std::size_t token, std::size_t j) const {
    if (gate.empty()) return outer(token, j);
    return dot(gate[j], tokens[token]) + (gate_bias.empty() ? 0 : gate_bias[j]);
  }
  double outer(std::size_t token, std::size_t j) const {
    return dot(up[j], tokens[token]) + (up_bias.empty() ? 0 : up_bias[j]);
  }
  double hidden(std::size_t token, std::size_t j) const {
    return activate(inner(token, j)) * (gate.empty() ? 1 : outer(token, j));
  }
  numbers expert_output(std::size_t token, std::size_t expert) const {
    numbers o(width());
    for (std::size_t j = 0; j < neurons(); ++j) {
      if (static_cast<std::size_t>(owner[j]) != expert) continue;
      const double h = hidden(token, j);
      for (std::size_t k = 0; k < width(); ++k) o[k] += h * down[k][j];
    }
    return o;
  }

  numbers output(std::size_t token, const numbers& weights) const {
    numbers y = down_bias.empty() ? numbers(width()) : down_bias;
    for (std::size_t i = 0; i < experts(); ++i) {
      const numbers o = expert_output(token, i);
      for (std::size_t k = 0; k < width(); ++k) y[k] += weights[i] * o[k];
    }
    return y;
  }
  numbers outputs() const {
    numbers all;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const numbers y = output(t, route_of(t).weights);
      all.insert(all.end(), y.begin(), y.end());
    }
    return all;
  }

  /// sum over tokens of out_gradient . y: a loss whose dL/dy is out_gradient.
  double loss() const { return dot(outputs(), flat(out_gradient)); }

  frozen freeze(const std::function<double(double)>& slope_function) const {
    frozen f{.factor = {}, .constant = {}, .slope_function = slope_function};
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const plain_route r = route_of(t);
      f.factor.push_back(r.factor);
      f.constant.emplace_back();
      for (std::size_t i = 0; i < experts(); ++i) {
        f.constant.back().push_back((r.active[i] != 0 ? r.values[i] : 0.0) - slope_function(r.values[i]));
      }
    }
    return f;
  }
  /// The same loss of y = sum over i of o_i * factor * (constant_i + slope_function(value_i)).
  double surrogate_loss(const frozen& f) const {
    double sum = 0;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      numbers weights;
      const plain_route r = route_of(t);
      for (std::size_t i = 0; i < experts(); ++i) {
        weights.push_back(f.factor[t] * (f.constant[t][i] + f.slope_function(r.values[i])));
      }
      sum += dot(output(t, weights), out_gradient[t]);
    }
    return sum;
  }

  /// Every number the loss depends on, in the order of gradient_store.
  std::vector<double*> parameters() {
    std::vector<double*> all;
    const auto add = [&](numbers& row) {
      for (double& value : row) all.push_back(&value);
    };
    for (table* matrix : {&gate, &up, &down}) std::for_each(matrix->begin(), matrix->end(), add);
    for (numbers* bias : {&gate_bias, &up_bias, &down_bias}) add(*bias);
    for (table* matrix : {&router, &tokens}) std::for_each(matrix->begin(), matrix->end(), add);
    return all;
  }
  /// The gradients by the chain rule, one expert at a time. slope(value, active) is dS/dv.
  numbers gradients(const std::function<double(double, bool)>& slope) const {
    plain_layer into = *this;
    for (double* parameter : into.parameters()) *parameter = 0;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const plain_route r = route_of(t);
      const numbers& dy = out_gradient[t];
      for (std::size_t k = 0; k < width() && !down_bias.empty(); ++k) into.down_bias[k] += dy[k];
      for (std::size_t i = 0; i < experts(); ++i) {
        const double dv = dot(dy, expert_output(t, i)) * r.factor * slope(r.values[i], r.active[i] != 0);
        const double ds = dv * r.values[i] * (1 - r.values[i]);
        add_scaled(ds, tokens[t], into.router[i]);
        add_scaled(ds, router[i], into.tokens[t]);
      }
      for (std::size_t j = 0; j < neurons(); ++j) {
        const double weight = r.weights[static_cast<std::size_t>(owner[j])];
        double dh = 0;
        for (std::size_t k = 0; k < width(); ++k) {
          dh += dy[k] * weight * down[k][j];
          into.down[k][j] += dy[k] * weight * hidden(t, j);
        }
        const double d_inner = dh * (gate.empty() ? 1 : outer(t, j)) * activate.derivative(inner(t, j));
        learn(t, j, d_inner, gate.empty() ? up : gate,
              {gate.empty() ? into.up : into.gate, into.tokens, gate.empty() ? into.up_bias : into.gate_bias});
        if (!gate.empty()) learn(t, j, dh * activate(inner(t, j)), up, {into.up, into.tokens, into.up_bias});
      }
    }
    numbers all;
    for (const double* parameter : into.parameters()) all.push_back(*parameter);
    return all;
  }

private:
  struct input_gradients {
    table& rows;
    table& tokens;
    numbers& bias;
  };
  void learn(std::size_t t, std::size_t j, double gradient, const table& rows, input_gradients into) const {
    add_scaled(gradient, tokens[t], into.rows[j]);
    add_scaled(gradient, rows[j], into.tokens[t]);
    if (!into.bias.empty()) into.bias[j] += gradient;
  }
  static void add_scaled(double factor, const numbers& from, numbers& to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += factor * from[i];
  }
  static numbers flat(const table& rows) {
    numbers all;
    for (const numbers& row : rows) all.insert(all.end(), row.begin(), row.end());
    return all;
  }
};

template <element T, std::floating_point A, class Activation>
plain_layer<Activation> plain(const problem<T, A, Activation>& given) {
  const auto rows = [](const auto& stored, index_t columns) {
    table out;
    for (std::size_t i = 0; i < stored.size(); ++i) {
      if (i % to_size(columns) == 0) out.emplace_back();
      out.back().push_back(widen<double>(stored[i]));
    }
    return out;
  };
  const index_t width = given.width();
  return {.gate = rows(given.ffn.gate, width),
          .up = rows(given.ffn.up, width),
          .down = rows(given.ffn.down, given.ffn.neurons),
          .gate_bias = in_double(given.ffn.gate_bias),
          .up_bias = in_double(given.ffn.up_bias),
          .down_bias = in_double(given.ffn.down_bias),
          .router = rows(given.router, width),
          .tokens = rows(given.tokens, width),
          .out_gradient = rows(given.out_gradient, width),
          .owner = given.split.owners(),
          .activate = given.activate,
          .rule = given.rule};
}

/// Whether a step of a finite difference may carry a value across the threshold.
template <class Activation>
bool near_threshold(const plain_layer<Activation>& layer, double margin = 1e-3) {
  for (std::size_t t = 0; t < layer.tokens.size(); ++t) {
    for (const double v : layer.route_of(t).values) {
      if (std::abs(v - static_cast<double>(layer.rule.threshold)) < margin) return true;
    }
  }
  return false;
}

}  // namespace fissile::testing
