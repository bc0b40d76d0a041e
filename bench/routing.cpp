// What choosing experts and counting them costs beside the sparse layer, and whether anything is allocated.
//
//   routing [--width 2048 --neurons 5632 --experts 64] [--active 0.25] [--batch 1]
//
// Routers, too, take turns over enough copies that none is in a cache, as the routers of a model's layers do.
#include "allocations.hpp"
#include "draws.hpp"
#include "layer_bench.hpp"
#include "weights.hpp"

#include <fissile/fissile.hpp>

namespace {

using namespace fissile;
using namespace fissile::bench;

/// All that routing needs, for one row of the table.
template <class Router>
struct routing_state {
  std::vector<Router> routers;
  workspace work;
  activation_counts counts;
  std::size_t next = 0;
};

struct sizes {
  row told;
  index_t width() const noexcept { return told.width; }
  index_t neurons() const noexcept { return told.neurons; }
  index_t experts() const noexcept { return told.experts; }
  index_t largest_expert() const noexcept { return told.neurons / told.experts; }
};

/// Scores, chooses and counts; `watched` tells how many allocations a call made.
template <class Router>
void add_router(contest& turns, row told, const std::vector<float>& tokens, std::vector<Router> routers) {
  auto state = std::make_shared<routing_state<Router>>(routing_state<Router>{
      std::move(routers), workspace{sizes{told}, {.batch = told.batch}},
      activation_counts{even_slices{}.split(told.neurons, told.experts), {.labels = {"text"}, .layers = 1}}});
  const double numbers = static_cast<double>(told.width * told.experts);
  const work_done work{4 * numbers, 2 * numbers * static_cast<double>(told.batch)};
  const auto call = [state, told, work, &tokens] {
    state->routers[state->next++ % state->routers.size()]({tokens.data(), told.batch, told.width}, state->work);
    auto counter = state->counts.at(0, 0);
    for (const route& chosen : state->work.routes()) counter.token(chosen);
    return work;
  };
  call();
  const long before = allocations;
  for (int again = 0; again < 100; ++again) call();
  fmt::print("  {}: {} allocations in 100 calls, target 0 {}\n", told.name, allocations - before,
             allocations == before ? "met" : "MISSED");
  turns.add({told, call, burst_for(best_instruction_set())});
}

void add_routers(contest& turns, row told, const std::vector<float>& tokens) {
  const index_t numbers = told.width * told.experts;
  const std::size_t copies = copies_needed(4 * static_cast<double>(numbers), 1);
  auto rows = std::make_shared<std::vector<float>>(to_size(numbers) * copies);
  random_source random{3};
  for (float& x : *rows) x = static_cast<float>(random.uniform() - 0.5);
  const top_k select{.k = std::llround(told.active * static_cast<double>(told.experts))};
  using linear = router<linear_scorer, sigmoid, top_k>;
  using packed = router<packed_scorer<float>, sigmoid, top_k>;
  std::vector<linear> borrowed;
  std::vector<packed> copied;
  for (std::size_t copy = 0; copy < copies; ++copy) {
    const matrix_view<const float> weights{rows->data() + to_size(numbers) * copy, told.experts, told.width};
    borrowed.emplace_back(linear_scorer{weights}, sigmoid{}, select);
    copied.emplace_back(packed_scorer{packed_matrix<float>{weights}}, sigmoid{}, select);
  }
  told.name = "router_packed";
  add_router(turns, told, tokens, std::move(copied));
  told.name = "router_linear";
  static std::vector<std::shared_ptr<std::vector<float>>> kept;  // the borrowed rows live as long as the program
  kept.push_back(rows);
  add_router(turns, told, tokens, std::move(borrowed));
}

}  // namespace

int main(int count, char** arguments) {
  clean_environment(arguments);
  return guarded([&] {
    options preset;
    preset.experts = 64;
    preset.batch = {1};
    preset.active = {0.25};
    preset.peers = {"onednn", "eigen"};
    const options given = read_options(count, arguments, "Choosing and counting experts, beside running them", preset);
    const std::vector<row> rows = run_layer_bench(given, {{2048, 5632, 64}}, add_routers);
    for (const row& routing : rows) {
      if (routing.name.rfind("router", 0) != 0) continue;
      for (const row& layer : rows) {
        const bool same = layer.element == routing.element && layer.active == routing.active &&
                          layer.batch == routing.batch && layer.threads == routing.threads &&
                          layer.width == routing.width;
        if (layer.name != "fissile" || !same) continue;
        const double share = routing.seconds / layer.seconds;
        fmt::print(
            "{}, {}, active {:.3f}, batch {}, threads {}: score, select and count take {:.2f} % of the layer{}\n",
            routing.name, routing.element, routing.active, routing.batch, routing.threads, 100 * share,
            routing.batch == 1 ? fmt::format(", target <= 3 % {}", share <= 0.03 ? "met" : "MISSED") : "");
      }
    }
  });
}
