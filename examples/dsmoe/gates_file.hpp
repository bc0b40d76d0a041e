// Gates of a trained DSMoE model within its GGUF file, as metadata: tensors that nobody expects would keep other
// programs from reading the file.
//
//   fissile.dsmoe.experts     u32           n, equal slices of the neurons in stored order
//   fissile.dsmoe.threshold   f32           tau of the training
//   fissile.dsmoe.rescale     string        "by_active" or "none"
//   fissile.dsmoe.gates.L     array of f32  [experts * width], the gates' rows of layer L
#pragma once

#include <fissile/file/gguf.hpp>
#include <fissile/recipes/dsmoe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fissile::examples {

struct saved_gates {
  dsmoe::choices chosen;                 // of them: experts, threshold and rescale
  std::vector<std::vector<float>> rows;  // [layers] of [experts x width]

  matrix_view<const float> layer(index_t layer) const noexcept {
    const std::vector<float>& numbers = rows[to_size(layer)];
    return {numbers.data(), chosen.experts, length(numbers) / chosen.experts};
  }
};

inline std::string gates_key(index_t layer) {
  return "fissile.dsmoe.gates." + std::to_string(layer);
}

inline void set_gates(gguf_writer& out, const saved_gates& gates) {
  out.set("fissile.dsmoe.experts", static_cast<std::uint32_t>(gates.chosen.experts));
  out.set("fissile.dsmoe.threshold", gates.chosen.threshold);
  out.set("fissile.dsmoe.rescale", gates.chosen.rescale == rescaling::by_active ? "by_active" : "none");
  for (index_t layer = 0; layer < length(gates.rows); ++layer) out.set(gates_key(layer), gates.rows[to_size(layer)]);
}

/// Nothing where the file has no gates; throws file_error where it has some that do not fit the model.
inline std::optional<saved_gates> read_gates(const gguf_file& file, index_t layers, index_t width) {
  if (file.find("fissile.dsmoe.experts") == nullptr) return std::nullopt;
  const auto refuse = [&](const std::string& key, const std::string& expected, const std::string& got) {
    fail<file_error>({.argument = file.path() + ": " + key, .expected = expected, .got = got});
  };
  saved_gates read;
  read.chosen.experts = file.get<index_t>("fissile.dsmoe.experts");
  if (read.chosen.experts < 1) refuse("fissile.dsmoe.experts", "at least 1", std::to_string(read.chosen.experts));
  read.chosen.threshold = file.get<float>("fissile.dsmoe.threshold");
  const auto rescale = file.get<std::string>("fissile.dsmoe.rescale");
  if (rescale != "by_active" && rescale != "none") refuse("fissile.dsmoe.rescale", "by_active or none", rescale);
  read.chosen.rescale = rescale == "by_active" ? rescaling::by_active : rescaling::none;
  for (index_t layer = 0; layer < layers; ++layer) {
    read.rows.push_back(file.get<std::vector<float>>(gates_key(layer)));
    if (length(read.rows.back()) != read.chosen.experts * width) {
      refuse(gates_key(layer),
             std::to_string(read.chosen.experts) + " x " + std::to_string(width) + " numbers, experts x width",
             std::to_string(read.rows.back().size()));
    }
  }
  return read;
}

}  // namespace fissile::examples
