// Speed of a gated model on a real text, beside the same weights without gates: all experts on, as one dense layer.
#pragma once

#include "gated_score.hpp"
#include "speed_bench.hpp"

#include <algorithm>
#include <vector>

namespace fissile::unravel {

/// The first tokens of a text, begun again where it is too short.
inline std::vector<engine::token_id> tokens_of(const gated_text& text, index_t count) {
  std::vector<engine::token_id> tokens;
  while (length(tokens) < count) {
    for (const window& one : text.windows) tokens.insert(tokens.end(), one.tokens.begin(), one.tokens.end());
  }
  return tokens;
}

/// Dense and gated, decode and prompt. dense: the model as one expert a layer; split: as the gates' experts.
template <packed_element T>
std::vector<speed_row> measure_gated_speed(const engine::packed_model<T>& dense, const engine::packed_model<T>& split,
                                           const examples::saved_gates& gates, const gated_text& text,
                                           const speed_settings& chosen) {
  thread_pool pool{chosen.threads};
  stream_read stream{std::min(dense.ffn_bytes() + dense.matrix_bytes(), index_t{1} << 29), pool};
  std::vector<speed_row> rows;
  {
    speed_bench bench{dense, chosen, stream, pool};
    rows.push_back(bench.decode("dense", 1));
    rows.push_back(bench.prompt("dense", 1));
  }
  speed_bench bench{split, chosen, stream, pool};
  bench.read_from(tokens_of(text, bench.context()));
  gated_feed_forward ffn{split, gates, bench.work()};
  // How many open, of what the rows below read; it stands in them and in their limit.
  bench.prompt("gated", ffn, 1);
  const double share = share_of(ffn.take_opened());
  rows.push_back(bench.decode("gated", ffn, share));
  rows.push_back(bench.prompt("gated", ffn, share));
  return rows;
}

}  // namespace fissile::unravel
