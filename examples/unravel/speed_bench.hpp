// The speed of one packed model, with a share of its experts drawn by lot, beside what the machine can do at most.
//
// One token at a time is bound by reading weights: its limit is a plain streaming read of as many bytes, taken right
// after each sample. A prompt is bound by arithmetic: its limit is the time of its FLOPs at the peak of independent
// chains of multiply-and-add, measured right before each sample. Weights are counted, embeddings and the cache of keys
// and values are not.
#pragma once

#include "drawn_feed_forward.hpp"

#include <engine/packing.hpp>
#include <engine/session.hpp>

#include <fissile/base/thread_pool.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace fissile::unravel {

struct speed_settings {
  index_t experts = 16;
  index_t threads = 1;
  engine::packing element = engine::packing::float32;
  double seconds = 2;    // for each row, or as long as three samples take
  index_t prompt = 512;  // tokens
  index_t before = 32;   // tokens already read when single ones are measured
  std::uint64_t seed = 1;
};

enum class speed_phase { decode, prompt };

constexpr const char* name_of(speed_phase phase) noexcept {
  return phase == speed_phase::decode ? "decode" : "prompt";
}

/// Medians over the samples.
struct speed_row {
  std::string name;  // "dense" or "split"
  speed_phase phase = speed_phase::decode;
  double active = 1;  // experts that work, of all
  double tokens_per_second = 0;
  double ffn_share_of_time = 0;
  double share_of_limit = 0;      // of all: the limit's time / the time it took
  double ffn_share_of_limit = 0;  // of the feed-forward layers alone
  double limit = 0;               // decode: bytes/s of the stream; prompt: FLOP/s of the peak that FFN products have
  index_t samples = 0;
};

/// FLOPs of reading `tokens` in a new text, a product and a sum counting as two; logits of the last token only.
struct prompt_work {
  double ffn, rest;
};
inline prompt_work work_of_prompt(const engine::architecture& sizes, index_t vocabulary, index_t tokens) noexcept {
  const auto n = static_cast<double>(tokens), layers = static_cast<double>(sizes.layers);
  const auto width = static_cast<double>(sizes.width), query = static_cast<double>(sizes.query_width());
  const double projections = 4 * width * (query + static_cast<double>(sizes.key_width()));
  return {.ffn = n * layers * 6 * width * static_cast<double>(sizes.neurons),
          .rest = layers * (n * projections + 2 * query * n * (n + 1)) + 2 * width * static_cast<double>(vocabulary)};
}

/// The higher middle one.
inline double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

/// Measures one packed model.
template <packed_element T>
class speed_bench {
public:
  /// Borrows all. stream: of about as many bytes as the model.
  speed_bench(const engine::packed_model<T>& weights, const speed_settings& chosen, stream_read& stream,
              thread_pool& pool)
      : model_(&weights),
        chosen_(chosen),
        stream_(&stream),
        pool_(&pool),
        read_(weights, {.context = std::max(chosen.prompt, chosen.before + 64), .batch = batch(), .scored = 1}, pool),
        work_(weights.ffn(0), {.batch = batch()}, pool) {
    random_source random{chosen.seed};
    for (index_t i = 0; i < read_.context(); ++i) {
      tokens_.push_back(static_cast<engine::token_id>(random.below(weights.vocabulary())));
    }
  }

  /// These tokens are read instead of random ones; as many as the context, or more.
  void read_from(std::vector<engine::token_id> tokens) {
    Expects(length(tokens) >= read_.context());
    tokens_ = std::move(tokens);
  }
  index_t context() const noexcept { return read_.context(); }
  workspace& work() noexcept { return work_; }

  /// `active` experts of each layer, drawn by lot.
  speed_row decode(const std::string& name, index_t active) {
    drawn_feed_forward ffn{*model_, active, work_, chosen_.seed};
    return decode(name, ffn, share_of(active));
  }
  speed_row prompt(const std::string& name, index_t active) {
    drawn_feed_forward ffn{*model_, active, work_, chosen_.seed};
    return prompt(name, ffn, share_of(active));
  }

  /// One token at a time, logits included. `ffn` tells its seconds as drawn_feed_forward does; `share` of the experts
  /// work for a token in the mean.
  template <class Ffn>
  speed_row decode(const std::string& name, Ffn& ffn, double share) {
    const double ffn_bytes = static_cast<double>(model_->ffn_bytes()) * share;
    const double bytes = ffn_bytes + static_cast<double>(model_->matrix_bytes());
    read_text(chosen_.before, ffn);
    const double once = seconds_of([&] { next_token(ffn); });
    const index_t together = std::clamp<index_t>(static_cast<index_t>(0.005 / once), 1, 32);
    return measured({.name = name, .phase = speed_phase::decode, .active = share}, together, [&] {
      read_.rewind(chosen_.before);
      ffn.take_seconds();
      sample one;
      one.seconds = seconds_of([&] {
        for (index_t i = 0; i < together; ++i) next_token(ffn);
      });
      one.ffn_seconds = ffn.take_seconds();
      const double all = bytes * static_cast<double>(together);
      one.limit_seconds = stream_->seconds(static_cast<index_t>(all));
      one.ffn_limit_seconds = one.limit_seconds * ffn_bytes / bytes;
      one.limit = all / one.limit_seconds;
      return one;
    });
  }

  /// A text of `prompt` tokens from its beginning to the logits of its last token.
  template <class Ffn>
  speed_row prompt(const std::string& name, Ffn& ffn, double share) {
    const prompt_work flops = work_of_prompt(model_->sizes(), model_->vocabulary(), chosen_.prompt);
    const bool pairs = chosen_.element == engine::packing::bf16_dot;
    return measured({.name = name, .phase = speed_phase::prompt, .active = share}, chosen_.prompt, [&] {
      const double peak = measured_peak(peak_of::floats, *pool_);
      sample one;
      one.limit = pairs ? measured_peak(peak_of::bf16_pairs, *pool_) : peak;
      one.seconds = seconds_of([&] {
        read_text(chosen_.prompt, ffn);
        read_.last_logits();
      });
      one.ffn_seconds = ffn.take_seconds();
      one.ffn_limit_seconds = flops.ffn * share / one.limit;
      one.limit_seconds = one.ffn_limit_seconds + flops.rest / peak;
      return one;
    });
  }

private:
  struct sample {
    double seconds = 0, ffn_seconds = 0;
    double limit_seconds = 0, ffn_limit_seconds = 0;  // what the machine would need at least
    double limit = 0;
  };

  double share_of(index_t active) const noexcept {
    return static_cast<double>(active) / static_cast<double>(model_->ffn(0).experts());
  }
  index_t batch() const noexcept { return std::clamp<index_t>(std::max(chosen_.prompt, chosen_.before), 1, 512); }

  template <class Ffn>
  void read_text(index_t count, Ffn& ffn) {
    read_.rewind(0);
    for (index_t first = 0; first < count; first += read_.batch()) {
      const index_t part = std::min(read_.batch(), count - first);
      read_(vector_view<const engine::token_id>{tokens_}.part(first, part), ffn);
    }
  }
  template <class Ffn>
  void next_token(Ffn& ffn) {
    read_(vector_view<const engine::token_id>{tokens_}.part(read_.position(), 1), ffn);
    read_.last_logits();
  }

  template <class Take>
  speed_row measured(speed_row row, index_t tokens, const Take& take) const {
    std::vector<double> speeds, times, limits, ffn_limits, machine;
    const auto start = std::chrono::steady_clock::now();
    while (row.samples < 3 ||
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < chosen_.seconds) {
      const sample one = take();
      speeds.push_back(static_cast<double>(tokens) / one.seconds);
      times.push_back(one.ffn_seconds / one.seconds);
      limits.push_back(one.limit_seconds / one.seconds);
      ffn_limits.push_back(one.ffn_limit_seconds / one.ffn_seconds);
      machine.push_back(one.limit);
      ++row.samples;
    }
    row.tokens_per_second = median(std::move(speeds));
    row.ffn_share_of_time = median(std::move(times));
    row.share_of_limit = median(std::move(limits));
    row.ffn_share_of_limit = median(std::move(ffn_limits));
    row.limit = median(std::move(machine));
    return row;
  }

  const engine::packed_model<T>* model_;
  speed_settings chosen_;
  stream_read* stream_;
  thread_pool* pool_;
  engine::session<engine::packed_model<T>> read_;
  workspace work_;
  std::vector<engine::token_id> tokens_;  // [context]
};

}  // namespace fissile::unravel
