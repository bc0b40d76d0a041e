// Trains a small multilingual byte-level language model on the Debian installation guide and writes it as GGUF.
//
// The same seed, steps and cores on the same machine give the same model, unless --until-minutes ends the run by the
// clock: then the learning rate follows the time as well, and no two runs are equal to the bit.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>

#include "gguf_export.hpp"
#include "gguf_import.hpp"
#include "held_out_score.hpp"
#include "memory_settings.hpp"
#include "training_recipe.hpp"
#include "training_record.hpp"
#include "training_settings.hpp"
#include "training_state.hpp"

namespace fissile::examples {
namespace {

// Seconds of this run and the ones it goes on from.
class stopwatch {
public:
  explicit stopwatch(double before) : before_(before) {}
  double seconds() const { return before_ + std::chrono::duration<double>(clock::now() - began_).count(); }

private:
  using clock = std::chrono::steady_clock;
  double before_;
  clock::time_point began_ = clock::now();
};

// One run of training: steps, a line for every hundred of them, and a score and a checkpoint every few minutes.
class training_run {
public:
  training_run(const training_settings& chosen, const std::vector<guide::page>& pages, training_state& state)
      : chosen_(chosen), pages_(pages), state_(state), windows_(pages, end_of_text) {}

  void operator()() {
    const double first = progress();
    while (progress() < 1.0) {
      step();
      if (state_.step % 100 == 0) print_line((progress() - first) / (state_.seconds - began_));
      if (state_.seconds > next_report_) report();
      std::fflush(stdout);
    }
  }

private:
  // Of the steps or of the time, whichever is further.
  double progress() const {
    const double by_steps = static_cast<double>(state_.step) / static_cast<double>(chosen_.steps);
    return chosen_.until_minutes > 0.0 ? std::max(by_steps, watch_.seconds() / 60.0 / chosen_.until_minutes) : by_steps;
  }

  void step() {
    rate_ = rate_at(chosen_, state_.step, progress());
    for (auto& group : state_.optimizer.param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate_);
    }
    loss_ += batch_gradient(state_.model, next_batch(windows_, chosen_, state_.step), chosen_.cores);
    torch::nn::utils::clip_grad_norm_(state_.model.parameters(), 1.0);
    state_.optimizer.step();
    ++state_.step;
    state_.seconds = watch_.seconds();
  }

  void print_line(double progress_a_second) {
    const double steps = static_cast<double>(state_.step - line_step_);
    const double bytes = steps * static_cast<double>(chosen_.batch * chosen_.model.context);
    std::printf("step %lld  %.3f bits per byte  rate %.2e  %.0f bytes/s  %.0f minutes left\n",
                static_cast<long long>(state_.step), loss_ / steps / std::log(2.0), rate_,
                bytes / (state_.seconds - line_began_), (1.0 - progress()) / progress_a_second / 60.0);
    line_began_ = state_.seconds;
    line_step_ = state_.step;
    loss_ = 0.0;
  }

  // An eighth of the held-out windows says well enough how training goes.
  void report() {
    const double score = mean_bits_per_byte(score_held_out(state_.model, pages_, chosen_.cores, 8));
    std::printf("step %lld: about %.3f bits per byte on held-out pages\n", static_cast<long long>(state_.step), score);
    if (!chosen_.checkpoint.empty()) state_.save(chosen_.checkpoint);
    if (score < best_) write_gguf(state_.model, chosen_.out);
    best_ = std::min(best_, score);
    next_report_ = watch_.seconds() + chosen_.report_minutes * 60.0;
  }

  const training_settings& chosen_;
  const std::vector<guide::page>& pages_;
  training_state& state_;
  training_windows windows_;
  stopwatch watch_{state_.seconds};
  double rate_ = 0.0, loss_ = 0.0;
  double began_ = state_.seconds, line_began_ = state_.seconds, next_report_ = state_.seconds + 60.0;
  std::int64_t line_step_ = state_.step;
  double best_ = std::numeric_limits<double>::infinity();
};

// The finished model, as users will meet it: every held-out page, a few translations, and the record of both.
void judge(const training_settings& chosen, const std::vector<guide::page>& pages, const training_state& state) {
  const auto model = as_stored(state.model);
  judgement found;
  found.scores = score_held_out(*model, pages, chosen.cores, 1);
  for (const auto& score : found.scores) {
    std::printf("%-6s %.3f bits per byte of %lld\n", score.language.c_str(), score.bits_per_byte(),
                static_cast<long long>(score.bytes));
  }
  std::printf("mean   %.3f after %lld steps in %.0f s\n", mean_bits_per_byte(found.scores),
              static_cast<long long>(state.step), state.seconds);
  found.samples = sample_translations(*model, pages);
  for (const auto& sample : found.samples) {
    std::printf("\n%s: %s\n%s: %s\nmodel: %s\n", sample.from.c_str(), sample.original.c_str(), sample.to.c_str(),
                sample.reference.c_str(), sample.model.c_str());
  }
  found.named = name_languages(*model, pages);
  std::printf("\nlanguages named: %d of %d\n", found.named.right, found.named.asked);
  write_record(chosen, state, found);
}

int train(const training_settings& chosen) {
  keep_freed_memory();
  at::set_num_threads(1);  // threads are ours: see batch_gradient
  torch::manual_seed(chosen.seed);
  const auto pages = guide::read_found(chosen.guide);
  llama_module model{chosen.model};
  if (!chosen.from.empty()) read_gguf(model, chosen.from);
  auto optimizer = make_optimizer(model, chosen);
  training_state state{model, optimizer};
  if (chosen.resume) state.load(chosen.checkpoint);
  std::printf("%lld weights, %zu languages\n", static_cast<long long>(model.weights()), guide::languages(pages).size());
  training_run{chosen, pages, state}();
  if (!chosen.checkpoint.empty()) state.save(chosen.checkpoint);
  write_gguf(model, chosen.out);
  judge(chosen, pages, state);
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  try {
    return fissile::examples::train(fissile::examples::parse_training(count, words));
  } catch (const std::exception& error) {
    std::cerr << "train_babel: " << error.what() << '\n';
    return 1;
  }
}
