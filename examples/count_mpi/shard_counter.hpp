// Counts the experts that the pieces of a shard choose: the model reads each piece by itself, dense, while an oracle
// says which experts a token would choose.
#pragma once

#include "shards.hpp"

#include <unravel/feed_forwards.hpp>
#include <unravel/score.hpp>

#include <fissile/count/activation_counts.hpp>

#include <string>

namespace fissile::count_mpi {

struct counting_settings {
  index_t experts = 48;      // of each layer
  index_t active = 12;       // that a token chooses
  std::string corpus = "?";  // said in every report
};

class shard_counter {
public:
  /// Borrows the model. Throws setting_error for experts that cannot be.
  shard_counter(const engine::model<float>& weights, counting_settings chosen)
      : chosen_(std::move(chosen)),
        context_(unravel::window_tokens(weights.sizes())),
        words_(weights.file()),
        split_(weights, chosen_.experts),
        read_(weights, unravel::session_for(context_)),
        work_(split_.layer(0), {.batch = read_.batch()}),
        ffn_(split_, chosen_.active, work_) {}

  activation_counts count(const corpus_pieces& texts, shard mine) {
    activation_counts counts{split_.partitions(),
                             {.labels = texts.labels(), .layers = split_.layers(), .corpus = chosen_.corpus}};
    const piece_range range = share_of(mine, texts.pieces());
    for (index_t number = range.first; number < range.last; ++number) {
      const piece now = texts[number];
      for (const unravel::window& one : unravel::windows_of(now.content, words_, context_)) {
        ffn_.count_into(counts, now.label, one.text_begin);
        unravel::read_window(read_, one, ffn_, [](index_t, index_t) {});
      }
    }
    return counts;
  }

private:
  counting_settings chosen_;
  index_t context_;
  engine::tokenizer words_;
  unravel::split_model split_;
  engine::session<engine::model<float>> read_;
  workspace work_;
  unravel::counting_dense ffn_;
};

}  // namespace fissile::count_mpi
