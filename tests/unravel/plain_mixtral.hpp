// Mixtral as its description has it, in double, one token after another: knows only what the files of a folder say.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/file/json.hpp>
#include <fissile/file/safetensors.hpp>
#include <fissile/partition/partition.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace fissile::testing {

using double_row = std::vector<double>;

class plain_mixtral {
public:
  explicit plain_mixtral(const std::string& folder)
      : model_(folder), config_(read_json(folder + "/config.json")), layers_(number("num_hidden_layers")) {}

  double_row logits(const std::vector<index_t>& tokens) const {
    std::vector<double_row> x;
    for (const index_t token : tokens) x.push_back(row_of("model.embed_tokens.weight", token));
    for (index_t layer = 0; layer < layers_; ++layer) {
      const std::string block = "model.layers." + std::to_string(layer) + ".";
      attend(block, x);
      for (double_row& token : x)
        add(token, mixture(block + "block_sparse_moe.", normed(token, block + "post_attention_layernorm.weight")));
    }
    const bool tied = config_.at("tie_word_embeddings").get<bool>();
    return product(tied ? "model.embed_tokens.weight" : "lm_head.weight", normed(x.back(), "model.norm.weight"));
  }

private:
  index_t number(const char* key) const { return config_.at(key).get<index_t>(); }
  static void add(double_row& to, const double_row& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  }
  double_row row_of(const std::string& name, index_t r) const {
    const std::vector<float> all = model_.read_floats(name);
    const index_t columns = model_.tensor(name).columns();
    return {all.begin() + r * columns, all.begin() + (r + 1) * columns};
  }
  double_row product(const std::string& name, const double_row& x) const {
    const std::vector<float> w = model_.read_floats(name);
    double_row y(w.size() / x.size(), 0.0);
    for (std::size_t i = 0; i < w.size(); ++i) y[i / x.size()] += static_cast<double>(w[i]) * x[i % x.size()];
    return y;
  }
  double_row normed(const double_row& x, const std::string& name) const {
    double squares = 0;
    for (const double v : x) squares += v * v;
    const double scale =
        1 / std::sqrt(squares / static_cast<double>(x.size()) + config_.at("rms_norm_eps").get<double>());
    const double_row weight = row_of(name, 0);
    double_row y;
    for (std::size_t i = 0; i < x.size(); ++i) y.push_back(x[i] * scale * weight[i]);
    return y;
  }
  /// Each half of a head is turned against the other: x * cos + rotate_half(x) * sin.
  void rotate(double_row& x, std::size_t position) const {
    const auto size = static_cast<std::size_t>(number("head_dim")), half = size / 2;
    for (std::size_t head = 0; head < x.size(); head += size) {
      for (std::size_t i = 0; i < half; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(size);
        const double angle = static_cast<double>(position) * std::pow(config_.at("rope_theta").get<double>(), exponent);
        const double a = x[head + i], b = x[head + half + i];
        x[head + i] = a * std::cos(angle) - b * std::sin(angle);
        x[head + half + i] = b * std::cos(angle) + a * std::sin(angle);
      }
    }
  }
  void attend(const std::string& block, std::vector<double_row>& x) const {
    const auto size = static_cast<std::size_t>(number("head_dim"));
    const auto group = static_cast<std::size_t>(number("num_attention_heads") / number("num_key_value_heads"));
    std::vector<double_row> keys, values, out;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const double_row in = normed(x[t], block + "input_layernorm.weight");
      double_row query = product(block + "self_attn.q_proj.weight", in);
      rotate(query, t);
      rotate(keys.emplace_back(product(block + "self_attn.k_proj.weight", in)), t);
      values.push_back(product(block + "self_attn.v_proj.weight", in));
      double_row attended(query.size(), 0.0);
      for (std::size_t head = 0; head < query.size(); head += size) {
        const std::size_t shared = head / size / group * size;
        double_row weights;
        double sum = 0;
        for (const double_row& key : keys) {
          double dot = 0;
          for (std::size_t i = 0; i < size; ++i) dot += query[head + i] * key[shared + i];
          sum += weights.emplace_back(std::exp(dot / std::sqrt(static_cast<double>(size))));
        }
        for (std::size_t s = 0; s <= t; ++s) {
          for (std::size_t i = 0; i < size; ++i) attended[head + i] += weights[s] / sum * values[s][shared + i];
        }
      }
      out.push_back(product(block + "self_attn.o_proj.weight", attended));
    }
    for (std::size_t t = 0; t < x.size(); ++t) add(x[t], out[t]);
  }
  double_row mixture(const std::string& block, const double_row& x) const {
    const double_row scores = product(block + "gate.weight", x);
    std::vector<index_t> order = ascending(length(scores));
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return scores[to_size(a)] > scores[to_size(b)]; });
    order.resize(to_size(number("num_experts_per_tok")));
    double sum = 0;
    for (const index_t e : order) sum += std::exp(scores[to_size(e)]);
    double_row y(x.size(), 0.0);
    for (const index_t e : order) {
      const std::string expert = block + "experts." + std::to_string(e) + ".";
      const double_row gate = product(expert + "w1.weight", x), up = product(expert + "w3.weight", x);
      double_row hidden;
      for (std::size_t i = 0; i < gate.size(); ++i) hidden.push_back(gate[i] / (1 + std::exp(-gate[i])) * up[i]);
      const double_row out = product(expert + "w2.weight", hidden);
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += std::exp(scores[to_size(e)]) / sum * out[i];
    }
    return y;
  }

  safetensors_model model_;
  json_value config_;
  index_t layers_;
};

}  // namespace fissile::testing
