// A policy of your own: any type with the right functions fits, and is inlined as ours are.
#include <fissile/fissile.hpp>

#include <cstdio>

namespace {

using namespace fissile;

// [selector]
/// Chooses every expert whose key is at least half of the best one's: a rule the library does not have.
struct near_the_best {
  void select(selection scores, route& chosen) const noexcept {
    float best = 0;
    for (float key : scores.keys) best = std::max(best, key);
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      if (scores.keys[expert] >= best / 2) chosen.append({expert, 1.0f});
    }
  }
};
static_assert(selector<near_the_best>);
// [selector]

// [partitioner]
/// Deals neurons like cards: neuron j goes to expert j % experts.
struct dealt {
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    std::vector<std::vector<index_t>> members(to_size(experts));
    for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) members[to_size(neuron % experts)].push_back(neuron);
    return partition{std::move(members)};
  }
};
static_assert(partitioner<dealt>);
// [partitioner]

}  // namespace

int main() {
  constexpr index_t width = 16, neurons = 30, experts = 4;
  random_source random{3};
  std::vector<float> gate(neurons * width), up(neurons * width), down(width * neurons), x(width), y(width);
  for (std::vector<float>* numbers : {&gate, &up, &down, &x}) {
    for (float& number : *numbers) number = static_cast<float>(random.uniform() - 0.5);
  }
  const ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  const partition split = dealt{}.split(ffn, experts);
  const sparse_ffn run{borrow(ffn, split), silu{}};
  const router choose{oracle_scorer{borrow(ffn, split), silu{}}, softmax{}, with_shared{scaled{near_the_best{}}, {0}}};
  workspace work{run};
  choose(x, work);
  run({x.data(), 1, width}, work, {y.data(), 1, width});
  for (const choice& c : work.routes()[0])
    std::printf("expert %td at weight %.3f\n", c.expert, static_cast<double>(c.weight));
}
