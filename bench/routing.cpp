// What routing costs: scoring 64 experts and choosing 16, for tokens of 2048 numbers.
#include <fissile/fissile.hpp>

#include <benchmark/benchmark.h>

namespace {

struct layer_sizes {
  fissile::index_t width() const noexcept { return 2048; }
  fissile::index_t neurons() const noexcept { return 64; }
  fissile::index_t experts() const noexcept { return 64; }
  fissile::index_t largest_expert() const noexcept { return 1; }
};

template <class Selector>
void route_tokens(benchmark::State& state, Selector select) {
  const fissile::index_t batch = state.range(0);
  fissile::random_source random{1};
  const auto numbers = [&](fissile::index_t n) {
    std::vector<float> v(fissile::to_size(n));
    for (float& x : v) x = static_cast<float>(random.uniform() - 0.5);
    return v;
  };
  const auto rows = numbers(64 * 2048), tokens = numbers(batch * 2048);
  fissile::workspace work{layer_sizes{}, {.batch = batch}};
  const fissile::router choose{fissile::linear_scorer{{rows.data(), 64, 2048}}, fissile::sigmoid{}, select};
  for (auto _ : state) {
    choose({tokens.data(), batch, 2048}, work);
    benchmark::DoNotOptimize(work.routes().data());
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

BENCHMARK_CAPTURE(route_tokens, top_k, fissile::top_k{.k = 16})->Arg(1)->Arg(128);
BENCHMARK_CAPTURE(route_tokens, above, fissile::above{.threshold = 0.5f})->Arg(1)->Arg(128);

}  // namespace
