// What pruning saved: parameters, bytes and arithmetic before and after.
#pragma once

#include <fissile/prune/short_number.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <cstdint>
#include <string>

namespace fissile {

/// What one or more layers cost.
struct layer_cost {
  std::uint64_t experts = 0;
  std::uint64_t neurons = 0;
  std::uint64_t parameters = 0;  // numbers stored, biases included
  std::uint64_t bytes = 0;       // of these numbers
  /// Floating point operations for one token with all neurons at work: 2 (multiply, add) for every number of gate, up
  /// and down. Biases and activations are not counted; a router that runs fewer experts does less.
  std::uint64_t flops_per_token = 0;

  layer_cost& operator+=(const layer_cost& other) noexcept {
    experts += other.experts;
    neurons += other.neurons;
    parameters += other.parameters;
    bytes += other.bytes;
    flops_per_token += other.flops_per_token;
    return *this;
  }
  friend bool operator==(const layer_cost&, const layer_cost&) = default;
};

template <element T>
layer_cost cost_of(const ffn_weights<T>& ffn, index_t experts) noexcept {
  const auto numbers = [](index_t rows, index_t columns) { return static_cast<std::uint64_t>(rows * columns); };
  const std::uint64_t weights = numbers(ffn.gated() ? 3 : 2, ffn.neurons() * ffn.width());
  const std::uint64_t biases = ffn.gate_bias.size() + ffn.up_bias.size() + ffn.down_bias.size();
  return {.experts = static_cast<std::uint64_t>(experts),
          .neurons = static_cast<std::uint64_t>(ffn.neurons()),
          .parameters = weights + biases,
          .bytes = weights * sizeof(T) + biases * sizeof(bias_of<T>),
          .flops_per_token = 2 * weights};
}

/// Of the feed-forward layers alone; add the reports of several layers up with +=.
struct prune_report {
  std::uint64_t layers = 0;
  layer_cost before;
  layer_cost after;

  prune_report& operator+=(const prune_report& other) noexcept {
    layers += other.layers;
    before += other.before;
    after += other.after;
    return *this;
  }
  friend bool operator==(const prune_report&, const prune_report&) = default;
};

/// A line for each kind of cost: "parameters        27648 ->    20736  (75 %)".
inline std::string to_string(const prune_report& report) {
  std::string text = std::to_string(report.layers) + (report.layers == 1 ? " layer\n" : " layers\n");
  const auto line = [&](std::string name, std::uint64_t before, std::uint64_t after) {
    const auto column = [](std::string words) {
      return std::string(words.size() < 14 ? 14 - words.size() : 0, ' ') + words;
    };
    name.resize(16, ' ');
    text += name + column(std::to_string(before)) + " -> " + column(std::to_string(after));
    if (before > 0) {
      text += "  (" + short_number(100.0 * static_cast<double>(after) / static_cast<double>(before)) + " %)";
    }
    text += "\n";
  };
  line("experts", report.before.experts, report.after.experts);
  line("neurons", report.before.neurons, report.after.neurons);
  line("parameters", report.before.parameters, report.after.parameters);
  line("bytes", report.before.bytes, report.after.bytes);
  line("FLOPs per token", report.before.flops_per_token, report.after.flops_per_token);
  return text;
}

}  // namespace fissile
