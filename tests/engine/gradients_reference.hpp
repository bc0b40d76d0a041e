// What gradients are compared with: models of random numbers of any shape, and their loss by the formulas.
#pragma once

#include <engine/gradients_components.hpp>
#include <engine/model.hpp>
#include <engine/vocabulary.hpp>

#include <fissile/base/random.hpp>

#include "../file/temporary.hpp"

#include <cmath>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::engine::gradients_tests {

/// A model of random numbers, of any shape, in a file.
class shaped_model {
public:
  explicit shaped_model(architecture sizes, gguf_type ffn_type = gguf_type::f32, std::uint64_t seed = 3)
      : random_(seed) {
    const auto set = [&](const char* key, index_t value) {
      out_.set(std::string{"llama."} + key, static_cast<std::uint32_t>(value));
    };
    out_.set("general.architecture", "llama");
    set("context_length", sizes.context);
    set("embedding_length", sizes.width);
    set("block_count", sizes.layers);
    set("feed_forward_length", sizes.neurons);
    set("attention.head_count", sizes.heads);
    set("attention.head_count_kv", sizes.key_heads);
    set("attention.key_length", sizes.head_size);
    set("attention.value_length", sizes.head_size);
    set("rope.dimension_count", sizes.rotated);
    out_.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    add("token_embd.weight", words, sizes.width);
    add("output.weight", words, sizes.width);
    add("output_norm.weight", 1, sizes.width);
    for (index_t layer = 0; layer < sizes.layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      add(block + "attn_norm.weight", 1, sizes.width);
      add(block + "attn_q.weight", sizes.query_width(), sizes.width);
      add(block + "attn_k.weight", sizes.key_width(), sizes.width);
      add(block + "attn_v.weight", sizes.key_width(), sizes.width);
      add(block + "attn_output.weight", sizes.width, sizes.query_width());
      add(block + "ffn_norm.weight", 1, sizes.width);
      add(block + "ffn_gate.weight", sizes.neurons, sizes.width, ffn_type);
      add(block + "ffn_up.weight", sizes.neurons, sizes.width, ffn_type);
      add(block + "ffn_down.weight", sizes.width, sizes.neurons, ffn_type);
    }
    out_.save(path());
  }
  std::string path() const { return directory_ / "shaped.gguf"; }

  static constexpr index_t words = 11;

private:
  void add(const std::string& name, index_t rows, index_t columns, gguf_type type = gguf_type::f32) {
    std::string bytes;
    for (index_t i = 0; i < rows * columns; ++i) {
      const double drawn = 1.5 * random_.normal() / std::sqrt(static_cast<double>(columns));
      const auto number = static_cast<float>(rows == 1 ? 1 + drawn : drawn);
      const auto append = [&](auto x) { bytes.append(reinterpret_cast<const char*>(&x), sizeof x); };
      if (type == gguf_type::bf16) append(to_bf16(number));
      if (type == gguf_type::f32) append(number);
    }
    gguf_tensor shape{.name = name, .type = type, .dimensions = rows == 1 ? 1u : 2u};
    shape.extents = {columns, rows, 1, 1};
    out_.add(shape, data_.emplace_back(std::move(bytes)));
  }

  testing::temporary_directory directory_;
  random_source random_;
  gguf_writer out_;
  std::deque<std::string> data_;
};

using row = std::vector<double>;
/// Told each component's output of each token, which it may change.
using change = std::function<void(index_t layer, component which, index_t token, row& output)>;

/// The loss of a window by the formulas, token by token in double; shares nothing with the engine but the weights.
template <class T>
double plain_loss(const model<T>& weights, const std::vector<token_id>& tokens, const change& touch) {
  const architecture& sizes = weights.sizes();
  const auto norm = [&](const row& x, vector_view<const float> gain) {
    double squares = 0;
    for (const double number : x) squares += number * number;
    row out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = x[i] * static_cast<double>(gain.data()[i]) /
               std::sqrt(squares / static_cast<double>(x.size()) + static_cast<double>(sizes.norm_epsilon));
    }
    return out;
  };
  const auto times = [](const auto& matrix, const row& x) {
    row out(to_size(matrix.rows()), 0.0);
    for (index_t r = 0; r < matrix.rows(); ++r) {
      for (index_t c = 0; c < matrix.columns(); ++c) out[to_size(r)] += widen<double>(matrix(r, c)) * x[to_size(c)];
    }
    return out;
  };
  const auto turned = [&](row x, index_t position) {
    for (std::size_t at = 0; at < x.size(); at += to_size(sizes.head_size)) {
      for (index_t i = 0; i < sizes.rotated / 2; ++i) {
        const double angle =
            static_cast<double>(position) / std::pow(static_cast<double>(sizes.rotation_base),
                                                     2.0 * static_cast<double>(i) / static_cast<double>(sizes.rotated));
        double *pair = x.data() + at + 2 * to_size(i), first = pair[0], second = pair[1];
        pair[0] = std::cos(angle) * first - std::sin(angle) * second;
        pair[1] = std::sin(angle) * first + std::cos(angle) * second;
      }
    }
    return x;
  };
  const auto plus = [](row& to, const row& more) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += more[i];
  };
  std::vector<row> stream;
  for (const token_id token : tokens) {
    stream.emplace_back(weights.embedding().row(token).begin(), weights.embedding().row(token).end());
  }
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    const block_weights& block = weights.block(layer);
    std::vector<row> keys, values;
    for (index_t t = 0; t < length(tokens); ++t) {
      row& x = stream[to_size(t)];
      const auto told = [&](component which, row output) {
        if (touch) touch(layer, which, t, output);
        return output;
      };
      const row input = norm(x, block.attention_norm);
      const row query = turned(told(component::query, times(block.query, input)), t);
      keys.push_back(turned(told(component::key, times(block.key, input)), t));
      values.push_back(told(component::value, times(block.value, input)));
      row attended(query.size(), 0.0);
      for (index_t head = 0; head < sizes.heads; ++head) {
        const index_t of_query = head * sizes.head_size;
        const index_t of_key = head / (sizes.heads / sizes.key_heads) * sizes.head_size;
        row powers;
        double sum = 0;
        for (const row& key : keys) {
          double score = 0;
          for (index_t i = 0; i < sizes.head_size; ++i)
            score += query[to_size(of_query + i)] * key[to_size(of_key + i)];
          powers.push_back(std::exp(score / std::sqrt(static_cast<double>(sizes.head_size))));
          sum += powers.back();
        }
        for (std::size_t seen = 0; seen < keys.size(); ++seen) {
          for (index_t i = 0; i < sizes.head_size; ++i) {
            attended[to_size(of_query + i)] += powers[seen] / sum * values[seen][to_size(of_key + i)];
          }
        }
      }
      plus(x, told(component::attention_output, times(block.output, attended)));
      const row between = norm(x, block.ffn_norm);
      const row gate = told(component::gate, times(weights.ffn(layer).gate, between));
      const row up = told(component::up, times(weights.ffn(layer).up, between));
      row hidden;
      for (std::size_t j = 0; j < up.size(); ++j) hidden.push_back(gate[j] / (1 + std::exp(-gate[j])) * up[j]);
      plus(x, told(component::down, times(weights.ffn(layer).down, told(component::hidden, hidden))));
    }
  }
  double loss = 0;
  for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
    const row logits = times(weights.output(), norm(stream[t], weights.output_norm()));
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit);
    loss += std::log(sum) - logits[to_size(tokens[t + 1])];
  }
  return loss;
}

}  // namespace fissile::engine::gradients_tests
