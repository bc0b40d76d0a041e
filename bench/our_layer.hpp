// Our layer as the benches time it: packed once for each copy, with the draws of many calls.
#pragma once

#include "contest.hpp"
#include "draws.hpp"
#include "weights.hpp"

#include <fissile/fissile.hpp>

#include <cstring>
#include <memory>
#include <vector>

namespace fissile::bench {

/// What the sparse layer touches and multiplies for a draw, without padding. scale_bytes: int8's, of an expert.
template <packed_element T>
work_done work_of(const chosen_experts& chosen, const partition& split, index_t width) {
  work_done work;
  for (index_t e = 0; e < split.experts(); ++e) {
    const auto members = static_cast<double>(chosen.members[to_size(e)].size());
    if (members == 0) continue;
    const double numbers = 3 * static_cast<double>(split.size(e) * width);
    const double scales = std::same_as<T, int8> ? static_cast<double>(2 * split.size(e) + width) * 4 : 0;
    work += {numbers * sizeof(T) + scales, 2 * numbers * members};
  }
  return work;
}

/// Another one like it, bit by bit.
template <packed_element T>
packed_experts<T> copied(const packed_experts<T>& from) {
  packed_experts<T> to(from.width(), from.gated(), from.experts(), from.settings());
  std::memcpy(to.memory(0), from.panels(0).data, to_size(from.bytes()));
  return to;
}

/// Copies of one layer over any storage, and what calls of it need.
template <class Storage>
class layer_copies {
public:
  using layer = sparse_ffn<Storage, silu>;

  void add(Storage storage) { layers_.push_back(std::make_unique<const layer>(std::move(storage), silu{})); }
  const layer& operator[](std::size_t copy) const { return *layers_[copy % layers_.size()]; }
  std::size_t size() const noexcept { return layers_.size(); }

private:
  std::vector<std::unique_ptr<const layer>> layers_;
};

/// A call of the next copy with the next draw. `touches` says what a draw costs.
template <class Storage, class Touches>
std::function<work_done()> calls_of(std::shared_ptr<layer_copies<Storage>> copies, const draws& drawn,
                                    const std::vector<float>& tokens, executor_reference run, const Touches& touches) {
  const index_t width = (*copies)[0].width();
  const index_t batch = length(tokens) / width;
  struct state {
    workspace work;
    std::vector<float> out;
    std::vector<work_done> costs;
    std::size_t next = 0;
  };
  auto kept = std::make_shared<state>(
      state{workspace{(*copies)[0], {.batch = batch}, run}, std::vector<float>(tokens.size()), {}});
  for (std::size_t draw = 0; draw < draws::count; ++draw) kept->costs.push_back(touches(drawn[draw]));
  return [copies, kept, &drawn, &tokens, batch, width] {
    const std::size_t call = kept->next++;
    choose(drawn[call], batch, kept->work);
    (*copies)[call]({tokens.data(), batch, width}, kept->work, {kept->out.data(), batch, width});
    return kept->costs[call % draws::count];
  };
}

}  // namespace fissile::bench
