// What the programs that time layers share, compiled once.
#pragma once

#include "contest.hpp"

#include <exception>
#include <functional>

namespace fissile::bench {

/// Adds contestants of a program's own; what they need they keep alive. The row has names and sizes filled in.
using more_contestants = std::function<void(contest&, const row&, const std::vector<float>& tokens)>;

/// All that was asked for, as tables and as a file; returns the rows. Throws where ours is not exact.
std::vector<row> run_layer_bench(const options& given, const std::vector<layer_shape>& shapes,
                                 const more_contestants& more = {});

/// The shapes that are taken where none is asked for.
inline std::vector<layer_shape> usual_shapes() {
  return {{2048, 5632, 0}, {4096, 11008, 0}};
}

/// Runs `main`'s body; what goes wrong is told in one line.
template <class Body>
int guarded(const Body& body) {
  try {
    body();
    return 0;
  } catch (const std::exception& wrong) {
    fmt::print(stderr, "{}\n", wrong.what());
    return 1;
  }
}

}  // namespace fissile::bench
