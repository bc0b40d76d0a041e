// Files of glm4moe: a sigmoid, a bias for the choice, a constant for the weights, shared experts, and heads whose
// halves stand apart.
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

constexpr index_t glm_experts = 5, glm_active = 2, glm_neurons = 12, glm_shared = 3;
constexpr float glm_scale = 1.5f;

/// The tiny model with other feed-forward layers, and its rows of q and k with the halves of what is rotated apart.
struct tiny_glm4moe {
  testing::temporary_directory directory;
  tiny_model mixed;
  std::deque<std::vector<float>> rows;  // borrowed by the writer

  explicit tiny_glm4moe(std::uint64_t seed = 7) : mixed(gguf_type::f32, seed) {
    mixed.out.save(directory / "dense.gguf");
    const gguf_file from{directory / "dense.gguf"};
    mixed.out = gguf_writer{};
    for (const gguf_entry& one : from.entries()) {
      const bool own = one.key.starts_with("llama.");
      mixed.out.set(own ? "glm4moe." + std::string{one.key.substr(6)} : std::string{one.key}, one.value);
    }
    mixed.out.set("general.architecture", "glm4moe");
    const auto set = [&](const char* key, index_t value) {
      mixed.out.set(std::string{"glm4moe."} + key, static_cast<std::uint32_t>(value));
    };
    set("expert_feed_forward_length", glm_neurons);
    set("expert_count", glm_experts);
    set("expert_used_count", glm_active);
    set("expert_shared_count", glm_shared);
    mixed.out.set("glm4moe.expert_weights_scale", glm_scale);
    mixed.add("token_embd.weight", tiny_model::words, tiny_model::width);
    mixed.add("output_norm.weight", 1, tiny_model::width);
    for (index_t layer = 0; layer < tiny_model::layers; ++layer) add_layer(from, "blk." + std::to_string(layer) + ".");
  }
  std::string save() const {
    mixed.out.save(directory / "glm4moe.gguf");
    return directory / "glm4moe.gguf";
  }

private:
  void add_layer(const gguf_file& from, const std::string& block) {
    const index_t width = tiny_model::width, together = glm_shared * glm_neurons;
    for (const char* name : {"attn_norm.weight", "post_attention_norm.weight"}) mixed.add(block + name, 1, width);
    for (const char* name : {"attn_q.weight", "attn_k.weight"}) add_apart(from, block + name);
    mixed.add(block + "attn_v.weight", tiny_model::key_heads * tiny_model::head_size, width);
    mixed.add(block + "attn_output.weight", width, tiny_model::heads * tiny_model::head_size);
    mixed.add(block + "ffn_gate_inp.weight", glm_experts, width);
    rows.push_back({-0.3f, 0.2f, 0.0f, 0.4f, -0.1f});
    mixed.out.add(block + "exp_probs_b.bias", vector_view<const float>{rows.back()});
    mixed.add(block + "ffn_gate_exps.weight", glm_experts * glm_neurons, width);
    mixed.add(block + "ffn_up_exps.weight", glm_experts * glm_neurons, width);
    mixed.add(block + "ffn_down_exps.weight", glm_experts * width, glm_neurons);
    mixed.add(block + "ffn_gate_shexp.weight", together, width);
    mixed.add(block + "ffn_up_shexp.weight", together, width);
    mixed.add(block + "ffn_down_shexp.weight", width, together);
  }
  /// Of 8 numbers of a head 4 are rotated: 0 1 2 3 become 0 2 1 3, the others stay.
  void add_apart(const gguf_file& from, const std::string& name) {
    const matrix_view<const float> whole = from.view<float>(name);
    std::vector<float>& apart = rows.emplace_back();
    for (index_t head = 0; head < whole.rows(); head += 8) {
      for (const index_t row : {0, 2, 1, 3, 4, 5, 6, 7}) {
        apart.insert(apart.end(), whole.row(head + row).begin(), whole.row(head + row).end());
      }
    }
    mixed.out.add(name, matrix_view<const float>{apart.data(), whole.rows(), whole.columns()});
  }
};

double glm_dot(vector_view<const float> row, const std::vector<double>& vector) {
  double sum = 0;
  for (index_t i = 0; i < row.length(); ++i) sum += static_cast<double>(row[i]) * vector[to_size(i)];
  return sum;
}

/// out += weight * down . (silu(gate . x) * (up . x))
void glm_add(const ffn_weights<float>& ffn, double weight, const std::vector<double>& x, std::vector<double>& out) {
  std::vector<double> hidden;
  for (index_t j = 0; j < ffn.neurons(); ++j) {
    const double gate = glm_dot(ffn.gate.row(j), x);
    hidden.push_back(gate / (1 + std::exp(-gate)) * glm_dot(ffn.up.row(j), x));
  }
  for (std::size_t row = 0; row < out.size(); ++row) {
    out[row] += weight * glm_dot(ffn.down.row(static_cast<index_t>(row)), hidden);
  }
}

TEST(engine_glm4moe, computes_what_the_formulas_say) {
  for (const std::uint64_t seed : {7u, 8u, 9u}) {
    const tiny_glm4moe file{seed};
    const mixture<> weights{file.save()};
    mixture_feed_forward ffn{weights, 16};
    random_source random{seed};
    std::vector<float> numbers(16 * tiny_model::width), added(numbers.size());
    for (float& x : numbers) x = static_cast<float>(random.normal());
    const matrix_view<float> tokens{numbers.data(), 16, tiny_model::width};
    int by_bias = 0;
    for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
      std::fill(added.begin(), added.end(), 0.0f);
      ffn(layer, tokens, {added.data(), 16, tiny_model::width});
      for (index_t token = 0; token < 16; ++token) {
        const std::vector<double> x(tokens.row(token).begin(), tokens.row(token).end());
        const double bias[] = {-0.3, 0.2, 0, 0.4, -0.1};
        std::vector<double> p;
        for (index_t e = 0; e < glm_experts; ++e) {
          p.push_back(1 / (1 + std::exp(-glm_dot(weights.router_rows(layer).row(e), x))));
        }
        std::vector<index_t> order{0, 1, 2, 3, 4};
        std::sort(order.begin(), order.end(),
                  [&](index_t a, index_t b) { return p[to_size(a)] + bias[a] > p[to_size(b)] + bias[b]; });
        by_bias += order[0] != std::max_element(p.begin(), p.end()) - p.begin() ? 1 : 0;
        std::vector<double> wanted(tiny_model::width, 0.0);
        for (index_t i = 0; i < glm_active; ++i) {
          const index_t e = order[to_size(i)];
          glm_add(weights.experts(layer).expert(e), static_cast<double>(glm_scale) * p[to_size(e)], x, wanted);
        }
        glm_add(weights.shared(layer), 1, x, wanted);
        for (index_t i = 0; i < tiny_model::width; ++i) {
          EXPECT_NEAR(added[to_size(token * tiny_model::width + i)], wanted[to_size(i)], 2e-5);
        }
      }
    }
    EXPECT_GT(by_bias, 0);
  }
}

TEST(engine_glm4moe, puts_neighbours_of_a_rotation_side_by_side) {
  const tiny_glm4moe file;
  const mixture<> weights{file.save()};
  const model<> dense{file.directory / "dense.gguf"};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    for (index_t row = 0; row < tiny_model::heads * tiny_model::head_size; ++row) {
      const auto got = weights.block(layer).query.row(row), wanted = dense.block(layer).query.row(row);
      EXPECT_TRUE(std::equal(got.begin(), got.end(), wanted.begin())) << row;
    }
    for (index_t row = 0; row < tiny_model::key_heads * tiny_model::head_size; ++row) {
      const auto got = weights.block(layer).key.row(row), wanted = dense.block(layer).key.row(row);
      EXPECT_TRUE(std::equal(got.begin(), got.end(), wanted.begin())) << row;
    }
  }
}

TEST(engine_glm4moe, is_read_in_any_parts_and_moves) {
  const tiny_glm4moe file;
  mixture<> first{file.save()};
  const mixture<> weights{std::move(first)};
  session whole{weights}, steps{weights};
  mixture_feed_forward ffn{weights, whole.batch()};
  const std::vector<token_id> words{1, 40, 77, 200, 3, 3, 150};
  whole(words, ffn);
  for (index_t i = 0; i < length(words); ++i) steps(vector_view<const token_id>{words}.part(i, 1), ffn);
  const vector_view<const float> a = whole.last_logits(), b = steps.last_logits();
  for (index_t i = 0; i < a.length(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4);
}

TEST(engine_glm4moe, refuses_what_it_would_compute_wrongly) {
  const auto refusal = [](const char* key, const auto& value) {
    tiny_glm4moe file;
    file.mixed.out.set(std::string{"glm4moe."} + key, value);
    return message_of<file_error>([&] { mixture<>{file.save()}; });
  };
  expect_says(refusal("expert_gating_func", 1), {"glm4moe.expert_gating_func: expected 2, sigmoid, got 1"});
  expect_says(refusal("expert_weights_norm", true), {"glm4moe.expert_weights_norm: expected false"});
  expect_says(refusal("leading_dense_block_count", 1), {"glm4moe.leading_dense_block_count", "every layer, got 1"});
  expect_says(refusal("expert_group_count", 2), {"glm4moe.expert_group_count: expected 1", "got 2"});
  tiny_glm4moe one_group;
  one_group.mixed.out.set("glm4moe.expert_group_count", 1);
  EXPECT_NO_THROW(mixture<>{one_group.save()});
  expect_says(refusal("expert_shared_count", 0), {"glm4moe.expert_shared_count: expected 1 to 65536, got 0"});
  expect_says(refusal("expert_shared_count", 2), {"blk.0.ffn_gate_shexp.weight", "[24 x 32]", "[36 x 32]"});
  tiny_glm4moe file;
  expect_says(message_of<file_error>([&] { model<>{file.save()}; }),
              {"glm4moe.expert_count: expected a dense model, got a mixture of 5 experts"});
  file.mixed.add("rope_freqs.weight", 1, 2);
  expect_says(message_of<file_error>([&] { mixture<>{file.save()}; }), {"rope_freqs.weight"});
}

}  // namespace
}  // namespace fissile::engine
