// What the model card quotes: how a model was trained and how well it reads, as JSON beside the model.
#pragma once

#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "held_out_score.hpp"
#include "language_naming.hpp"
#include "training_settings.hpp"
#include "training_state.hpp"
#include "translation_sample.hpp"

namespace fissile::examples {

// How well it reads and what it answers.
struct judgement {
  std::vector<language_score> scores;
  std::vector<translation_sample> samples;
  naming_score named;
};

inline void write_record(const training_settings& chosen, const training_state& state, const judgement& found) {
  const auto thousandths = [](double value) { return std::round(value * 1000.0) / 1000.0; };
  nlohmann::ordered_json record;
  record["width"] = chosen.model.width;
  record["layers"] = chosen.model.layers;
  record["heads"] = chosen.model.heads;
  record["neurons"] = chosen.model.neurons;
  record["context"] = chosen.model.context;
  record["products"] = chosen.products;
  record["from"] = std::filesystem::path{chosen.from}.filename().string();  // empty: from random weights
  record["translations_of_ten"] = chosen.translations;
  record["instructions_of_ten"] = chosen.instructions;
  record["seed"] = chosen.seed;
  record["steps"] = state.step;
  record["steps_asked"] = chosen.steps;
  record["until_minutes"] = chosen.until_minutes;  // 0: no limit
  record["batch"] = chosen.batch;
  record["bytes_read"] = state.step * chosen.batch * chosen.model.context;
  record["peak_rate"] = chosen.peak_rate;
  record["weight_decay"] = chosen.weight_decay;
  record["cores"] = chosen.cores;
  record["seconds"] = std::llround(state.seconds);
  record["mean_bits_per_byte"] = thousandths(mean_bits_per_byte(found.scores));
  record["languages_named"] = {{"right", found.named.right}, {"asked", found.named.asked}};
  for (const auto& score : found.scores) {
    record["held_out"][score.language] = {{"bytes", score.bytes},
                                          {"bits_per_byte", thousandths(score.bits_per_byte())}};
  }
  for (const auto& sample : found.samples) {
    record["translations"].push_back({{"from", sample.from},
                                      {"to", sample.to},
                                      {"original", sample.original},
                                      {"reference", sample.reference},
                                      {"model", sample.model}});
  }
  const auto file = std::filesystem::path{chosen.out}.replace_extension(".json");
  std::ofstream stream{file};
  // A model may stop within a character: such bytes are written as the replacement character.
  stream << record.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace fissile::examples
