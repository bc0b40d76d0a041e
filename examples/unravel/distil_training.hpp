// Runs the fits of a distillation over threads, and keeps the file of its state up to date: after each layer and every
// so many steps it appears anew, whole or not at all.
#pragma once

#include "distil_file.hpp"
#include "distil_samples.hpp"
#include "progress.hpp"
#include "split_model.hpp"
#include "workers.hpp"

#include <fissile/train/distil.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

class distil_training {
public:
  /// Borrows all of them. `state_file`: empty, where nothing is to be saved on the way.
  distil_training(const split_model& split, const std::vector<layer_samples>& samples, const distil_plan& plan,
                  std::string state_file)
      : split_(&split), samples_(&samples), plan_(&plan), state_file_(std::move(state_file)) {}

  /// What `results` lacks is learned and added; fits that are done are left alone.
  void run(distil_results& results, progress_style style) {
    const std::vector<distil_fit> fits = fits_of(*plan_, split_->layers());
    progress told{"learning", length(fits), style};
    run_jobs({.jobs = length(fits), .threads = plan_->threads}, told,
             [&] { return [&, style](index_t job) { learn(fits[to_size(job)], results, style); }; });
  }

private:
  void learn(const distil_fit& fit, distil_results& results, progress_style style) {
    const distil_settings settings = settings_of(*plan_, fit);
    const layer_samples& samples = (*samples_)[to_size(fit.layer)];
    distiller pupil{split_->weights().ffn(fit.layer), split_->partitions()[to_size(fit.layer)], silu{}, settings};
    if (const auto begun = copy_of(fit, results)) {
      if (begun->steps >= settings.steps) return;
      pupil.resume(*begun);
    }
    drawn_batch batch{samples, std::min(settings.batch, samples.tokens())};
    distil_measure seen;
    while (!pupil.done()) {
      const index_t step = pupil.state().steps;
      batch.draw(settings.seed, step);
      seen = pupil.step(batch.inputs(), batch.outputs());
      if (!pupil.done() && (step + 1) % plan_->save_every == 0) keep(fit, pupil.state(), results);
    }
    distil_state<float> learned = pupil.state();  // done: the optimiser's memories are not needed any more
    for (adam_state<float>* memory : {&learned.of_router, &learned.of_layer}) {
      memory->mean.clear();
      memory->square.clear();
    }
    keep(fit, learned, results);
    if (style == progress_style::silent) return;
    std::fprintf(stderr, "%s layer %td for %g %%: %.1f %% of the output left, %.1f %% active\n",
                 std::string{name_of(fit.who)}.c_str(), fit.layer, 100 * settings.share.target, 100 * seen.loss,
                 100 * seen.active);
  }

  std::optional<distil_state<float>> copy_of(const distil_fit& fit, const distil_results& results) {
    const std::lock_guard lock{mutex_};
    const distil_state<float>* found = results.find(fit);
    return found == nullptr ? std::nullopt : std::optional{*found};
  }
  void keep(const distil_fit& fit, const distil_state<float>& state, distil_results& results) {
    const std::lock_guard lock{mutex_};
    results.put(fit, state);
    if (!state_file_.empty()) write_distilled(state_file_, results);
  }

  const split_model* split_;
  const std::vector<layer_samples>* samples_;
  const distil_plan* plan_;
  std::string state_file_;
  std::mutex mutex_;
};

}  // namespace fissile::unravel
