// Speed: tokens a second of a model, dense, split with all experts on, and with a share of them drawn by lot; one token
// at a time and a prompt at once.
#pragma once

#include "progress.hpp"
#include "speed_bench.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace fissile::unravel {

/// A half, a quarter and an eighth of the experts; shares that come to the same number of experts count once.
inline std::vector<index_t> active_numbers(index_t experts) {
  std::vector<index_t> numbers;
  for (const index_t part : {2, 4, 8}) {
    const index_t active = std::max<index_t>(1, (experts + part / 2) / part);
    if (active < experts && (numbers.empty() || active < numbers.back())) numbers.push_back(active);
  }
  return numbers;
}

/// A source for `packed_model` that tells how far the packing is.
template <class Source>
class told_source {
public:
  told_source(Source& source, progress& told) : source_(&source), told_(&told) {}
  decltype(auto) sizes() const { return source_->sizes(); }
  decltype(auto) embedding() const { return source_->embedding(); }
  decltype(auto) output_norm() const { return source_->output_norm(); }
  decltype(auto) output() const { return source_->output(); }
  decltype(auto) block(index_t layer) const { return source_->block(layer); }
  decltype(auto) ffn(index_t layer) const {
    told_->piece_done();
    return source_->ffn(layer);
  }

private:
  Source* source_;
  progress* told_;
};

/// All rows of a model: dense, then split. Only one of them is in memory at a time. Throws setting_error for settings
/// that do not serve.
template <class Source>
std::vector<speed_row> measure_speed(Source& source, const speed_settings& chosen, progress_style style) {
  if (chosen.prompt < 1) {
    fail<setting_error>({.argument = "--prompt", .expected = "at least 1 token", .got = std::to_string(chosen.prompt)});
  }
  if (chosen.experts < 2 || chosen.experts > source.sizes().neurons) {
    fail<setting_error>({.argument = "--experts",
                         .expected = "from 2 to " + std::to_string(source.sizes().neurons) + ", the neurons of a layer",
                         .got = std::to_string(chosen.experts)});
  }
  return engine::with_packing(chosen.element, [&]<class T>(std::type_identity<T>, pack_settings panels) {
    std::vector<speed_row> rows;
    thread_pool pool{chosen.threads};
    std::unique_ptr<stream_read> stream;
    for (const index_t experts : {index_t{1}, chosen.experts}) {
      std::unique_ptr<engine::packed_model<T>> weights;
      {
        progress told{"packing", source.sizes().layers, style};
        weights = std::make_unique<engine::packed_model<T>>(
            told_source{source, told}, engine::packed_settings{.experts = experts, .panels = panels});
      }
      if (!stream) {  // beyond half a gigabyte no cache helps
        const index_t bytes = weights->ffn_bytes() + weights->matrix_bytes();
        stream = std::make_unique<stream_read>(std::min(bytes, index_t{1} << 29), pool);
      }
      std::vector<index_t> numbers{experts};
      if (experts > 1) {
        for (const index_t active : active_numbers(experts)) numbers.push_back(active);
      }
      const std::string name = experts == 1 ? "dense" : "split";
      speed_bench bench{*weights, chosen, *stream, pool};
      progress told{"measuring", 2 * length(numbers), style};
      for (const index_t active : numbers) {
        rows.push_back(bench.decode(name, active));
        told.piece_done();
        rows.push_back(bench.prompt(name, active));
        told.piece_done();
      }
    }
    return rows;
  });
}

}  // namespace fissile::unravel
