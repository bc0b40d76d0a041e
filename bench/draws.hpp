// Which experts each token uses: drawn at random, one draw after the other for successive calls.
#pragma once

#include "options.hpp"
#include "peers/peer.hpp"

#include <fissile/base/random.hpp>
#include <fissile/route/workspace.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile::bench {

/// max(1, round(share * experts))
inline index_t experts_of_a_token(double share, index_t experts) {
  return std::clamp<index_t>(std::llround(share * static_cast<double>(experts)), 1, experts);
}

/// Routes of whole batches. Every token draws its experts for itself, all sets being equally likely.
class draws {
public:
  static constexpr std::size_t count = 32;

  draws(index_t experts, index_t each, index_t batch) {
    random_source random{static_cast<std::uint64_t>(1000 * each + batch)};
    std::vector<index_t> all(to_size(experts));
    for (std::size_t e = 0; e < all.size(); ++e) all[e] = static_cast<index_t>(e);
    for (chosen_experts& one : batches_) {
      one.each = each;
      one.members.resize(to_size(experts));
      for (index_t token = 0; token < batch; ++token) {
        shuffle(all, random);
        std::sort(all.begin(), all.begin() + each);
        for (index_t i = 0; i < each; ++i) {
          one.of_token.push_back(static_cast<std::int32_t>(all[to_size(i)]));
          one.members[to_size(all[to_size(i)])].push_back(token);
        }
      }
    }
  }

  const chosen_experts& operator[](std::size_t call) const noexcept { return batches_[call % count]; }

private:
  chosen_experts batches_[count];
};

/// Writes a draw into a workspace, as a router would.
inline void choose(const chosen_experts& chosen, index_t batch, workspace& work) noexcept {
  work.start(batch);
  const std::int32_t* expert = chosen.of_token.data();
  for (route& r : work.routes()) {
    for (index_t i = 0; i < chosen.each; ++i) r.append({*expert++, 1.0f});
  }
}

}  // namespace fissile::bench
