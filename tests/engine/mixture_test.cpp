// A file of a mixture computes what its formulas say.
#include <engine/mixture.hpp>
#include <engine/model.hpp>
#include <engine/session.hpp>

#include "tiny_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fissile::engine {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::tiny_model;

constexpr index_t stacked_experts = 5, stacked_active = 2, stacked_neurons = 12;

/// The tiny model with mixtures for its feed-forward layers.
std::string save_mixture(const testing::temporary_directory& directory) {
  tiny_model dense;
  dense.out.save(directory / "dense.gguf");
  const gguf_file from{directory / "dense.gguf"};
  tiny_model mixed;
  mixed.out = gguf_writer{};
  mixed.out.copy_entries(from);
  mixed.out.set("llama.feed_forward_length", static_cast<std::uint32_t>(stacked_neurons));
  mixed.out.set("llama.expert_count", static_cast<std::uint32_t>(stacked_experts));
  mixed.out.set("llama.expert_used_count", static_cast<std::uint32_t>(stacked_active));
  for (const gguf_tensor& tensor : from.tensors()) {
    const bool replaced = tensor.name.ends_with("ffn_gate.weight") || tensor.name.ends_with("ffn_up.weight") ||
                          tensor.name.ends_with("ffn_down.weight");
    if (!replaced) mixed.out.copy(from, tensor.name);
  }
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".ffn_";
    mixed.add(block + "gate_inp.weight", stacked_experts, tiny_model::width);
    mixed.add(block + "gate_exps.weight", stacked_experts * stacked_neurons, tiny_model::width);
    mixed.add(block + "up_exps.weight", stacked_experts * stacked_neurons, tiny_model::width);
    mixed.add(block + "down_exps.weight", stacked_experts * tiny_model::width, stacked_neurons);
  }
  mixed.out.save(directory / "mixed.gguf");
  return directory / "mixed.gguf";
}

/// y = sum over the chosen of p_e / sum of chosen p * FFN_e(x), by the letter and in double.
std::vector<double> plain_mixture(const mixture<>& weights, index_t layer, vector_view<const float> x) {
  const auto times = [](auto row, const auto& vector) {
    double sum = 0;
    for (index_t i = 0; i < row.length(); ++i)
      sum += static_cast<double>(row[i]) * static_cast<double>(vector[to_size(i)]);
    return sum;
  };
  const std::vector<double> token(x.begin(), x.end());
  std::vector<double> p;
  for (index_t e = 0; e < stacked_experts; ++e) p.push_back(std::exp(times(weights.router_rows(layer).row(e), token)));
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  double chosen_sum = 0;
  for (index_t i = 0; i < stacked_active; ++i) chosen_sum += p[order[to_size(i)]];
  std::vector<double> out(x.size(), 0.0);
  for (index_t i = 0; i < stacked_active; ++i) {
    const ffn_weights<float> expert = weights.experts(layer).expert(static_cast<index_t>(order[to_size(i)]));
    std::vector<double> hidden;
    for (index_t j = 0; j < stacked_neurons; ++j) {
      const double gate = times(expert.gate.row(j), token);
      hidden.push_back(gate / (1 + std::exp(-gate)) * times(expert.up.row(j), token));
    }
    for (index_t row = 0; row < x.length(); ++row) {
      out[to_size(row)] += p[order[to_size(i)]] / chosen_sum * times(expert.down.row(row), hidden);
    }
  }
  return out;
}

TEST(engine_mixture, computes_what_the_formulas_say) {
  const testing::temporary_directory directory;
  const mixture<> weights{save_mixture(directory)};
  mixture_feed_forward ffn{weights, 16};
  random_source random{5};
  std::vector<float> numbers(16 * tiny_model::width), added(numbers.size(), 0.0f);
  for (float& x : numbers) x = static_cast<float>(random.normal());
  const matrix_view<float> tokens{numbers.data(), 16, tiny_model::width};
  const matrix_view<float> residual{added.data(), 16, tiny_model::width};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    std::fill(added.begin(), added.end(), 0.0f);
    ffn(layer, tokens, residual);
    for (index_t token = 0; token < 16; ++token) {
      const std::vector<double> plain = plain_mixture(weights, layer, tokens.row(token));
      for (index_t i = 0; i < tiny_model::width; ++i) EXPECT_NEAR(residual(token, i), plain[to_size(i)], 1e-5);
    }
  }
}

TEST(engine_mixture, a_session_reads_it_in_any_parts) {
  const testing::temporary_directory directory;
  const mixture<> weights{save_mixture(directory)};
  session whole{weights}, steps{weights};
  mixture_feed_forward ffn{weights, whole.batch()};
  const std::vector<token_id> words{1, 40, 77, 200, 3, 3, 150};
  whole(words, ffn);
  for (index_t i = 0; i < length(words); ++i) steps(vector_view<const token_id>{words}.part(i, 1), ffn);
  const vector_view<const float> a = whole.last_logits(), b = steps.last_logits();
  for (index_t i = 0; i < a.length(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4);
}

TEST(engine_mixture, and_dense_models_are_told_apart) {
  const testing::temporary_directory directory;
  const std::string mixed = save_mixture(directory);
  expect_says(message_of<file_error>([&] { model<>{mixed}; }), {"llama.expert_count", "a mixture of 5 experts"});
  expect_says(message_of<file_error>([&] { mixture<>{directory / "dense.gguf"}; }),
              {"llama.expert_count", "got a dense model"});
}

}  // namespace
}  // namespace fissile::engine
