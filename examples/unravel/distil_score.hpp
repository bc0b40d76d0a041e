// Bits per byte of every contender, text by text, and the share of experts that really worked meanwhile.
#pragma once

#include "distil_contenders.hpp"
#include "score.hpp"
#include "workers.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fissile::unravel {

struct distil_row {
  std::string router, language;
  double asked = 1;
  score scored;
  std::uint64_t active = 0, possible = 0;  // uses of experts, over tokens and layers

  double share() const noexcept { return static_cast<double>(active) / static_cast<double>(possible); }
};

/// A model's layers behind a contender's routes, which are counted.
class contending_feed_forward {
public:
  contending_feed_forward(const contender& who, index_t text, workspace& work)
      : layers_(who.layers), choose_(who.make(text)), work_(&work) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    const packed_layer& run = (*layers_)[to_size(layer)];
    choose_(layer, tokens, *work_);
    for (const route& one : work_->routes()) active_ += static_cast<std::uint64_t>(one.length());
    possible_ += static_cast<std::uint64_t>(tokens.rows() * run.experts());
    run.accumulate(tokens, *work_, residual);
  }
  std::uint64_t active() const noexcept { return active_; }
  std::uint64_t possible() const noexcept { return possible_; }

private:
  layers_pointer layers_;
  chooser choose_;
  workspace* work_;
  std::uint64_t active_ = 0, possible_ = 0;
};

struct scored_text {
  std::string language;
  std::vector<window> windows;
};

/// Contenders outermost, texts in their order.
inline std::vector<distil_row> score_contenders(const engine::packed_model<float>& weights,
                                                const std::vector<contender>& contenders,
                                                const std::vector<scored_text>& texts, index_t threads,
                                                progress& told) {
  std::vector<distil_row> rows(contenders.size() * texts.size());
  run_jobs({.jobs = length(rows), .threads = threads}, told, [&] {
    return [&, desk = std::make_shared<reading_desk>(weights, contenders.front().layers->front())](index_t job) {
      const contender& who = contenders[to_size(job) / texts.size()];
      const std::size_t text = to_size(job) % texts.size();
      contending_feed_forward ffn{who, static_cast<index_t>(text), desk->work};
      const score found = score_windows(desk->read, texts[text].windows, ffn);
      rows[to_size(job)] = {who.name, texts[text].language, who.asked, found, ffn.active(), ffn.possible()};
    };
  });
  return rows;
}

}  // namespace fissile::unravel
