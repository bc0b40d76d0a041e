// The instruction sets this processor has, for tests that run once for each.
#pragma once

#include <fissile/pack/instruction_set.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace fissile::testing {

/// Prints, once a program, what is skipped for want of it.
inline const std::vector<instruction_set>& machine_sets() {
  static const std::vector<instruction_set> sets = [] {
    std::vector<instruction_set> found;
    for (const instruction_set set : all_instruction_sets) {
      if (available(set)) {
        found.push_back(set);
      } else {
        std::printf("[  SKIPPED ] this processor has no %s: nothing is tested with it\n", name_of(set));
      }
    }
    return found;
  }();
  return sets;
}

}  // namespace fissile::testing
