// Distilled routers in a GGUF file with keys of our own: the result of a run, and, with what its optimiser remembers,
// the state of one that was stopped. For each fit (`routers.SHARE.blk.LAYER`, `experts.` where experts learned too):
//
//   NAME.router                       [experts x width]
//   NAME.ffn_gate, .ffn_up, .ffn_down as a LLaMA file has them, where experts learned
//   NAME.*_mean, NAME.*_square        while it is not done
#pragma once

#include "distil_plan.hpp"

#include <fissile/file/gguf.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// The sizes that a file speaks of.
struct distil_sizes {
  index_t layers = 0, width = 0, neurons = 0, experts = 0;
  friend bool operator==(const distil_sizes&, const distil_sizes&) = default;
};

struct distil_results {
  std::string run;  // to_string(plan, ...)
  float threshold = 0.5f;
  distil_sizes sizes;
  std::vector<double> shares;
  std::vector<std::pair<distil_fit, distil_state<float>>> fits;  // those begun; memories only of those not done

  const distil_state<float>* find(const distil_fit& wanted) const noexcept {
    for (const auto& [fit, state] : fits) {
      if (fit == wanted) return &state;
    }
    return nullptr;
  }
  /// Sorted as a file is read, whoever comes first.
  void put(const distil_fit& fit, distil_state<float> state) {
    const auto place = std::lower_bound(fits.begin(), fits.end(), fit,
                                        [](const auto& one, const distil_fit& other) { return one.first < other; });
    if (place != fits.end() && place->first == fit) {
      place->second = std::move(state);
    } else {
      fits.emplace(place, fit, std::move(state));
    }
  }
  friend bool operator==(const distil_results&, const distil_results&) = default;
};

/// Appears whole or not at all.
inline void write_distilled(const std::string& path, const distil_results& results) {
  const distil_sizes& sizes = results.sizes;
  gguf_writer out;
  out.set("general.architecture", "fissile-distil");
  out.set("fissile.distil.version", std::uint32_t{1});
  out.set("fissile.distil.run", results.run);
  out.set("fissile.distil.layers", static_cast<std::uint64_t>(sizes.layers));
  out.set("fissile.distil.width", static_cast<std::uint64_t>(sizes.width));
  out.set("fissile.distil.neurons", static_cast<std::uint64_t>(sizes.neurons));
  out.set("fissile.distil.experts", static_cast<std::uint64_t>(sizes.experts));
  out.set("fissile.distil.threshold", results.threshold);
  out.set("fissile.distil.shares", results.shares);
  for (const auto& [fit, state] : results.fits) {
    const std::string name = fit.name() + ".";
    out.set(name + "steps", static_cast<std::uint64_t>(state.steps));
    out.set(name + "undefined", static_cast<std::uint64_t>(state.undefined));
    out.set(name + "penalty", state.penalty_weight);
    const auto add = [&](const char* what, const std::vector<float>& numbers) {
      if (!numbers.empty()) out.add(name + what, vector_view<const float>{numbers});
    };
    out.add(name + "router", matrix_view<const float>{state.router.data(), sizes.experts, sizes.width});
    add("router_mean", state.of_router.mean);
    add("router_square", state.of_router.square);
    if (state.layer.empty()) continue;
    const index_t matrix = sizes.neurons * sizes.width;
    const float* layer = state.layer.data();
    out.add(name + "ffn_gate", matrix_view<const float>{layer, sizes.neurons, sizes.width});
    out.add(name + "ffn_up", matrix_view<const float>{layer + matrix, sizes.neurons, sizes.width});
    out.add(name + "ffn_down", matrix_view<const float>{layer + 2 * matrix, sizes.width, sizes.neurons});
    add("ffn_mean", state.of_layer.mean);
    add("ffn_square", state.of_layer.square);
  }
  out.save(path);
}

/// One fit of the file, which must be there.
inline distil_state<float> read_fit(const gguf_file& file, const distil_fit& fit, const distil_sizes& sizes) {
  const std::string name = fit.name() + ".";
  const auto append = [&](const char* what, index_t count, std::vector<float>& to) {
    const std::vector<float> got = file.read_floats(name + what);
    if (length(got) != count) {
      fail<file_error>({.argument = file.path() + ": " + name + what,
                        .expected = std::to_string(count) + " numbers",
                        .got = std::to_string(got.size())});
    }
    to.insert(to.end(), got.begin(), got.end());
  };
  const index_t rows = sizes.experts * sizes.width, matrix = sizes.neurons * sizes.width;
  const bool going_on = file.find_tensor(name + "router_mean") != nullptr;
  distil_state<float> state;
  state.steps = file.get<index_t>(name + "steps");
  state.undefined = file.get<index_t>(name + "undefined");
  state.penalty_weight = file.get<double>(name + "penalty");
  state.of_router.steps = state.of_layer.steps = state.steps - state.undefined;
  append("router", rows, state.router);
  if (going_on) {
    append("router_mean", rows, state.of_router.mean);
    append("router_square", rows, state.of_router.square);
  }
  if (fit.who == taught::routers) return state;
  for (const char* part : {"ffn_gate", "ffn_up", "ffn_down"}) append(part, matrix, state.layer);
  if (going_on) {
    append("ffn_mean", 3 * matrix, state.of_layer.mean);
    append("ffn_square", 3 * matrix, state.of_layer.square);
  }
  return state;
}

/// Throws file_error for another kind of file, and where a tensor is missing or of another size.
inline distil_results read_distilled(const std::string& path) {
  const gguf_file file{path};
  const auto kind = file.get<std::string>("general.architecture");
  const auto version = file.get_or<std::uint32_t>("fissile.distil.version", 0);
  if (kind != "fissile-distil" || version != 1) {
    fail<file_error>({.argument = path,
                      .expected = "a file of unravel distil, version 1",
                      .got = kind + ", version " + std::to_string(version)});
  }
  distil_results read{.run = file.get<std::string>("fissile.distil.run"),
                      .threshold = file.get<float>("fissile.distil.threshold"),
                      .sizes = {.layers = file.get<index_t>("fissile.distil.layers"),
                                .width = file.get<index_t>("fissile.distil.width"),
                                .neurons = file.get<index_t>("fissile.distil.neurons"),
                                .experts = file.get<index_t>("fissile.distil.experts")},
                      .shares = file.get<std::vector<double>>("fissile.distil.shares"),
                      .fits = {}};
  for (const index_t size : {read.sizes.layers, read.sizes.width, read.sizes.neurons, read.sizes.experts}) {
    if (size >= 1 && size <= index_t{1} << 20) continue;  // far above any model, far below what overflows
    fail<file_error>({.argument = path, .expected = "sizes from 1 to 2^20", .got = std::to_string(size)});
  }
  for (const taught who : {taught::routers, taught::experts_too}) {
    for (index_t share = 0; share < length(read.shares); ++share) {
      for (index_t layer = 0; layer < read.sizes.layers; ++layer) {
        const distil_fit fit{who, share, layer};
        if (file.find(fit.name() + ".steps") != nullptr) read.fits.emplace_back(fit, read_fit(file, fit, read.sizes));
      }
    }
  }
  return read;
}

}  // namespace fissile::unravel
