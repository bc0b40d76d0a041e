// Trains a small model on one pair's aligned paragraphs, all of it or some of its neurons, scores that pair, the others
// and plain text on held-out pages before, on the way and after, and writes one row: the runs that
// docs/results/landermt.md compares. The same seed gives the same data and, on one machine, the same row.
#include <fissile/file/json.hpp>

#include <models/gguf_import.hpp>
#include <models/held_out_score.hpp>
#include <models/memory_settings.hpp>
#include <models/training_windows.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>

#include "detection.hpp"
#include "settings.hpp"

namespace fissile::examples {
namespace {

/// The numbers of one layer, or their gradients, where they lie.
ffn_gradients<float> parts_of(const torch::Tensor& gate_up, const torch::Tensor& down) {
  const matrix_view<float> both = view_of(gate_up);
  const index_t neurons = both.rows() / 2;
  return {.gate = both.rows(0, neurons), .up = both.rows(neurons, neurons), .down = view_of(down)};
}
ffn_gradients<float> parts_of(const llama_module& model, std::size_t layer) {
  const auto& part = *model.layers[layer];
  return parts_of(part.gate_up, part.down);
}

bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.contiguous(), y = b.contiguous();
  return x.nbytes() == y.nbytes() && std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

class run {
public:
  run(const run_settings& chosen, const std::vector<guide::page>& pages)
      : chosen_(chosen), pages_(pages), model_(chosen.model), before_(chosen.model) {
    read_gguf(model_, chosen.from);
    read_gguf(before_, chosen.from);
    const auto& pairs = language_pairs();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (pairs[i].name() == chosen.pair) pair_ = i;
      streams_.emplace_back(pages, pairs[i], false, chosen.lines);
      held_out_.push_back(pair_stream{pages, pairs[i], true, chosen.lines}.spread(chosen.scored, chosen.model.context));
    }
  }

  void operator()() {
    const auto began = std::chrono::steady_clock::now();
    row_["variant"] = chosen_.variant;
    row_["pair"] = chosen_.pair;
    row_["seed"] = chosen_.seed;
    row_["steps"] = chosen_.steps;
    row_["batch"] = chosen_.batch;
    row_["rate"] = chosen_.rate;
    choose();
    row_["path"] = json_value::array();
    score(0);
    learn();
    row_["tokens"] = tokens_;
    row_["predicted"] = predicted_;
    check_others();
    row_["others_unchanged"] = true;
    row_["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    write_json(chosen_.json, row_);
  }

private:
  void choose() {
    if (chosen_.variant == "everything") return;
    const detected_neurons found = detect(model_, streams_, chosen_);
    const auto pair = static_cast<index_t>(pair_);
    row_["layer_changes"] = landermt::layer_changes(found.activity[pair_]);
    for (std::size_t layer = 0; layer < found.layers.size(); ++layer) {
      const auto theta = found.layers[layer].theta();
      const auto groups = landermt::groups_of(theta, chosen_.chosen);
      row_["general"].push_back(groups.general.size());
      row_["specific"].push_back(groups.specific[pair_].size());
      for (index_t other = 0; other < theta.rows(); ++other) {
        row_["overlap"][language_pairs()[to_size(other)].name()].push_back(
            jaccard(landermt::top_neurons(theta.row(pair), chosen_.chosen),
                    landermt::top_neurons(theta.row(other), chosen_.chosen)));
      }
    }
    for (const auto& learning : learning_neurons(found, pair, chosen_)) {
      masks_.emplace_back(chosen_.model.neurons, learning);
      row_["learning"].push_back(learning.size());
    }
  }

  std::vector<torch::Tensor> learning_weights() const {
    if (masks_.empty()) return model_.parameters();
    for (const torch::Tensor& weight : model_.parameters()) weight.set_requires_grad(false);
    std::vector<torch::Tensor> weights;
    for (const auto& layer : model_.layers) {
      for (const torch::Tensor& weight : {layer->gate_up, layer->down}) weights.push_back(weight.requires_grad_());
    }
    return weights;
  }

  torch::optim::AdamW optimizer_of(const std::vector<torch::Tensor>& weights) const {
    std::vector<torch::Tensor> matrices, norms;
    for (const torch::Tensor& weight : weights) (weight.dim() == 1 ? norms : matrices).push_back(weight);
    const auto options = [&](double decay) {
      return torch::optim::AdamWOptions(chosen_.rate).betas({0.9, 0.95}).weight_decay(decay);
    };
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(matrices, std::make_unique<torch::optim::AdamWOptions>(options(chosen_.weight_decay)));
    groups.emplace_back(norms, std::make_unique<torch::optim::AdamWOptions>(options(0)));
    return torch::optim::AdamW{groups, options(chosen_.weight_decay)};
  }

  void learn() {
    const auto weights = learning_weights();
    auto optimizer = optimizer_of(weights);
    for (std::int64_t step = 0; step < chosen_.steps; ++step) {
      const double warm = static_cast<double>(step + 1) / static_cast<double>(chosen_.warmup);
      for (auto& group : optimizer.param_groups()) {
        static_cast<torch::optim::AdamWOptions&>(group.options()).lr(chosen_.rate * std::min(1.0, warm));
      }
      optimizer.zero_grad();
      const double loss = gradient(step);
      for (std::size_t layer = 0; layer < masks_.size(); ++layer) {
        auto& part = *model_.layers[layer];
        masks_[layer].silence_others(parts_of(part.gate_up.grad(), part.down.grad()));
      }
      torch::nn::utils::clip_grad_norm_(weights, 1.0);
      optimizer.step();
      for (std::size_t layer = 0; layer < masks_.size(); ++layer) {
        masks_[layer].restore_others(parts_of(before_, layer), parts_of(model_, layer));
      }
      if ((step + 1) % 10 == 0) {
        std::printf("%s %s %llu: step %lld  %.3f bits per byte\n", chosen_.variant.c_str(), chosen_.pair.c_str(),
                    static_cast<unsigned long long>(chosen_.seed), static_cast<long long>(step + 1),
                    loss / std::log(2.0));
        std::fflush(stdout);
      }
      const auto done = step + 1;
      if (done == chosen_.steps || done == chosen_.steps / 2 || done == chosen_.steps / 4) score(done);
    }
  }

  /// Of the mean loss over a batch's windows, which is returned.
  double gradient(std::int64_t step) {
    double loss = 0;
    for (std::int64_t i = 0; i < chosen_.batch; ++i) {
      auto chance = draws_of(chosen_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(i));
      const pair_window window = streams_[pair_].drawn(chance, chosen_.model.context);
      tokens_ += static_cast<std::int64_t>(window.counts.size());
      predicted_ += window.predicted();
      const auto part = loss_of(model_, window) / static_cast<double>(chosen_.batch);
      part.backward();
      loss += part.item<double>();
    }
    return loss;
  }

  /// Bits per byte: of those lines of each pair that are predicted, and of each language's plain text.
  void score(std::int64_t step) {
    const torch::NoGradGuard no_gradient;
    json_value made;
    made["step"] = step;
    for (std::size_t pair = 0; pair < held_out_.size(); ++pair) {
      double nats = 0, bytes = 0;
      for (const pair_window& window : held_out_[pair]) {
        const auto predicted = static_cast<double>(window.predicted());
        nats += loss_of(model_, window).item<double>() * predicted;
        bytes += predicted;
      }
      made["pairs"][language_pairs()[pair].name()] = nats / bytes / std::log(2.0);
    }
    std::vector<language_score> plain;
    for (const std::string& language : guide::languages(pages_)) {
      const std::string text = guide::held_out_text(pages_, language);
      const auto stride = std::max<std::int64_t>(1, length(text) / (chosen_.plain * chosen_.model.context));
      plain.push_back(score_language(model_, language, text, stride));
      made["languages"][language] = plain.back().bits_per_byte();
    }
    made["plain"] = mean_bits_per_byte(plain);
    std::printf("%s %s %llu: after %lld steps %.3f on the pair, %.3f on plain text\n", chosen_.variant.c_str(),
                chosen_.pair.c_str(), static_cast<unsigned long long>(chosen_.seed), static_cast<long long>(step),
                made["pairs"][chosen_.pair].get<double>(), made["plain"].get<double>());
    std::fflush(stdout);
    row_["path"].push_back(std::move(made));
  }

  /// Throws unless every weight of the model that belongs to no neuron that learns has the bits it was read with. Uses
  /// up the model as it was read: with the neurons that learned in it, it must be the model as it is.
  void check_others() {
    if (masks_.empty()) return;
    for (std::size_t layer = 0; layer < masks_.size(); ++layer) {
      masks_[layer].visit_chosen(parts_of(before_, layer), parts_of(model_, layer),
                                 [](float& earlier, float now) { earlier = now; });
    }
    const auto expected = before_.named_parameters();
    for (const auto& weight : model_.named_parameters()) {
      if (same_bits(weight.value(), expected[weight.key()])) continue;
      throw std::runtime_error(weight.key() + " has changed where no neuron learns: no row is written");
    }
  }

  const run_settings& chosen_;
  const std::vector<guide::page>& pages_;
  llama_module model_, before_;  // that learns, and as it was read
  std::size_t pair_ = 0;
  std::vector<pair_stream> streams_;                // [pairs], of training pages
  std::vector<std::vector<pair_window>> held_out_;  // [pairs]
  std::vector<neuron_mask> masks_;                  // [layers]; none where everything learns
  std::int64_t tokens_ = 0, predicted_ = 0;
  json_value row_;
};

int train(const run_settings& chosen) {
  keep_freed_memory();
  at::set_num_threads(1);
  const auto pages = guide::read_found(chosen.guide);
  run{chosen, pages}();
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  try {
    return fissile::examples::train(fissile::examples::parse_run(count, words));
  } catch (const std::exception& error) {
    std::cerr << "train_landermt: " << error.what() << '\n';
    return 1;
  }
}
