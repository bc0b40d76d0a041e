// Continues a small dense model with one kind of feed-forward layer, scores it on held-out pages, and writes one row:
// the runs that docs/results/dsmoe.md compares. The same seed and steps give the same data and, on one machine, the
// same scores.
#include <fissile/file/json.hpp>
#include <fissile/train/penalty_controller.hpp>

#include <models/gguf_export.hpp>
#include <models/gguf_import.hpp>
#include <models/held_out_score.hpp>
#include <models/memory_settings.hpp>
#include <models/training_recipe.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <numeric>

#include "gates_file.hpp"
#include "masks.hpp"
#include "settings.hpp"

namespace fissile::examples {
namespace {

torch::Tensor loss_of(const moe_pass& pass, const torch::Tensor& windows) {
  return torch::cross_entropy_loss(pass.logits.reshape({-1, byte_vocabulary}), windows.slice(1, 1).reshape({-1}));
}

double mean_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

/// Bits per byte of each language's held-out windows, and the share of active experts of each layer and language.
struct held_out {
  std::vector<language_score> scores;
  std::vector<std::vector<double>> active;  // [languages][layers]

  double mean_active() const {
    double sum = 0;
    for (const auto& layers : active) sum += mean_of(layers);
    return sum / static_cast<double>(active.size());
  }
};

held_out score(moe_model& model, const std::vector<guide::page>& pages, std::int64_t stride) {
  const torch::NoGradGuard no_gradient;
  held_out found;
  const auto context = model.base->settings.context;
  for (const std::string& language : guide::languages(pages)) {
    language_score one{.language = language};
    std::vector<double> active(static_cast<std::size_t>(model.base->settings.layers), 0.0);
    std::vector<std::int64_t> tokens{end_of_text};
    for (const char byte : guide::held_out_text(pages, language)) tokens.push_back(static_cast<unsigned char>(byte));
    const auto stream = torch::tensor(tokens, torch::kLong);
    const auto predicted = static_cast<std::int64_t>(tokens.size()) - 1;
    for (std::int64_t begin = 0; begin < predicted; begin += context * stride) {
      const auto length = std::min(context, predicted - begin);
      const auto window = stream.slice(0, begin, begin + length + 1).unsqueeze(0);
      const auto pass = model.forward(window.slice(1, 0, length));
      one.bits += loss_of(pass, window).item<double>() * static_cast<double>(length) / std::log(2.0);
      one.bytes += length;
      for (std::size_t layer = 0; layer < active.size(); ++layer) {
        active[layer] += pass.active[layer] * static_cast<double>(length);
      }
    }
    for (double& share : active) share /= static_cast<double>(one.bytes);
    found.scores.push_back(one);
    found.active.push_back(active);
  }
  return found;
}

class run {
public:
  run(const run_settings& chosen, const std::vector<guide::page>& pages)
      : chosen_(chosen), pages_(pages), windows_(pages, end_of_text), model_(chosen.training.model, chosen.moe) {
    if (!chosen.training.from.empty()) read_gguf(*model_.base, chosen.training.from);
    if (chosen.warm.order == neuron_order::clusters) order_by_clusters(model_);
    if (chosen.warm.gates == gate_start::distilled) distil_gates(model_, chosen.warm, samples());
    if (chosen.variant == "blocks") mask(block_masks(model_, chosen.training.seed));
    if (chosen.variant == "wanda" || chosen.variant == "sparsegpt") {
      mask(weight_masks(model_, chosen.variant, samples()));
    }
  }

  void operator()() {
    const auto began = std::chrono::steady_clock::now();
    json_value row;
    row["variant"] = chosen_.variant;
    row["seed"] = chosen_.training.seed;
    row["steps"] = chosen_.training.steps;
    row["tokens"] = chosen_.training.steps * chosen_.training.batch * chosen_.training.model.context;
    row["penalty"] = chosen_.moe.gates.chosen.penalty;
    row["target"] = chosen_.target;
    row["peak_rate"] = chosen_.training.peak_rate;
    row["router_rate"] = chosen_.router_rate;
    row["gate_scale"] = chosen_.moe.gates.chosen.init_scale;
    row["before"] = mean_bits_per_byte(score(model_, pages_, 4 * chosen_.stride).scores);
    learn();
    row["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    row["training_active"] = active_;
    const bool gated = chosen_.moe.kind == ffn_kind::dsmoe;
    row["score"] = row_of(gated ? chosen_.threshold : 0, chosen_.stride);
    row["sweep"] = json_value::array();
    for (int tenth = 2; gated && tenth <= 8; ++tenth) {  // only compared with each other: a quarter will do
      row["sweep"].push_back(row_of(tenth / 10.0, 4 * chosen_.stride));
    }
    write_json(chosen_.json, row);
    if (!chosen_.save.empty()) save();
  }

private:
  /// Windows that no step reads.
  std::vector<torch::Tensor> samples() const {
    std::vector<torch::Tensor> made;
    for (std::int64_t i = 0; i < chosen_.windows; ++i) {
      made.push_back(next_batch(windows_, chosen_.training, -1 - i).narrow(0, 0, 1));
    }
    return made;
  }

  void mask(std::vector<layer_masks> made) {
    model_.masks = std::move(made);
    model_.settings.kind = ffn_kind::masked;
  }

  void learn() {
    const training_settings& training = chosen_.training;
    std::vector<torch::Tensor> weights = model_.base->parameters();
    const auto options = [&](double decay) {
      return std::make_unique<torch::optim::AdamWOptions>(
          torch::optim::AdamWOptions(training.peak_rate).betas({0.9, 0.95}).weight_decay(decay));
    };
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(weights, options(training.weight_decay));
    groups.emplace_back(model_.rows, options(0));
    torch::optim::AdamW optimizer{groups, *options(training.weight_decay)};
    weights.insert(weights.end(), model_.rows.begin(), model_.rows.end());
    const penalty_controller steer{.target = chosen_.target > 0 ? chosen_.target : 0.5, .gain = chosen_.gain};
    double loss = 0;
    for (std::int64_t step = 0; step < training.steps; ++step) {
      const double progress = static_cast<double>(step) / static_cast<double>(training.steps);
      const double rate = rate_at(training, step, progress);
      set_rate(optimizer, 0, rate);
      set_rate(optimizer, 1, chosen_.router_rate > 0 ? rate * chosen_.router_rate / training.peak_rate : rate);
      optimizer.zero_grad();
      const auto batch = next_batch(windows_, training, step);
      active_ = 0;
      for (std::int64_t window = 0; window < training.batch; ++window) {  // one at a time: a quarter of the memory
        const auto part = batch.narrow(0, window, 1);
        const auto pass = model_.forward(part.slice(1, 0, part.size(1) - 1));
        const auto read = loss_of(pass, part);
        ((read + pass.penalty) / static_cast<double>(training.batch)).backward();
        loss += read.item<double>() / static_cast<double>(training.batch);
        active_ += mean_of(pass.active) / static_cast<double>(training.batch);
      }
      torch::nn::utils::clip_grad_norm_(weights, 1.0);
      optimizer.step();
      double& penalty = model_.settings.gates.chosen.penalty;
      if (chosen_.target > 0) penalty = steer.next(penalty, active_);
      if ((step + 1) % 25 == 0) {
        std::printf("%s %llu: step %lld  %.3f bits per byte  %.3f active  penalty %.3g\n", chosen_.variant.c_str(),
                    static_cast<unsigned long long>(training.seed), static_cast<long long>(step + 1),
                    loss / 25 / std::log(2.0), active_, penalty);
        std::fflush(stdout);
        loss = 0;
      }
    }
  }

  void save() {
    saved_gates gates{.chosen = chosen_.moe.gates.chosen, .rows = {}};
    for (const auto& rows : model_.rows) {
      const auto numbers = rows.detach().contiguous();
      gates.rows.emplace_back(numbers.data_ptr<float>(), numbers.data_ptr<float>() + numbers.numel());
    }
    write_gguf(*model_.base, chosen_.save, [&](gguf_writer& out) { set_gates(out, gates); });
  }

  static void set_rate(torch::optim::AdamW& optimizer, std::size_t group, double rate) {
    static_cast<torch::optim::AdamWOptions&>(optimizer.param_groups()[group].options()).lr(rate);
  }

  /// The scores at a threshold; 0: of a kind that has none.
  json_value row_of(double threshold, std::int64_t stride) {
    if (threshold > 0) model_.settings.gates.chosen.threshold = static_cast<float>(threshold);
    const held_out found = score(model_, pages_, stride);
    json_value made;
    made["threshold"] = threshold;
    made["active"] =
        model_.settings.kind == ffn_kind::masked
            ? static_cast<double>(chosen_.moe.active) / static_cast<double>(chosen_.moe.gates.chosen.experts)
            : found.mean_active();
    made["bits_per_byte"] = mean_bits_per_byte(found.scores);
    for (std::size_t i = 0; i < found.scores.size(); ++i) {
      made["languages"][found.scores[i].language] = {{"bits_per_byte", found.scores[i].bits_per_byte()},
                                                     {"active", found.active[i]}};
    }
    std::printf("%s %llu: threshold %.1f  %.3f bits per byte  %.3f active\n", chosen_.variant.c_str(),
                static_cast<unsigned long long>(chosen_.training.seed), threshold, made["bits_per_byte"].get<double>(),
                made["active"].get<double>());
    return made;
  }

  const run_settings& chosen_;
  const std::vector<guide::page>& pages_;
  training_windows windows_;
  moe_model model_;
  double active_ = 1;
};

int train(const run_settings& chosen) {
  keep_freed_memory();
  at::set_num_threads(1);
  torch::manual_seed(chosen.training.seed);
  const auto pages = guide::read_found(chosen.training.guide);
  run{chosen, pages}();
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  try {
    return fissile::examples::train(fissile::examples::parse_run(count, words));
  } catch (const std::exception& error) {
    std::cerr << "train_dsmoe: " << error.what() << '\n';
    return 1;
  }
}
