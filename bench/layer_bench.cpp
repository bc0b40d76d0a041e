// The contests of `decode`, `prefill` and `routing`.
#include "layer_bench.hpp"

#include "element_bench.hpp"

namespace fissile::bench {
namespace {

bool same_work(const row& a, const row& b) {
  return a.width == b.width && a.neurons == b.neurons && a.experts == b.experts && a.element == b.element &&
         a.active == b.active && a.batch == b.batch;
}

const char* met(bool is_so) {
  return is_so ? "met" : "MISSED";
}

/// Ours against ggml's mixture, and more threads against one.
void print_comparisons(const std::vector<row>& rows) {
  for (const row& ours : rows) {
    if (ours.name != "fissile") continue;
    for (const row& other : rows) {
      if (!same_work(ours, other)) continue;
      if (other.name == "ggml_moe" && other.threads == ours.threads) {
        const double times = other.seconds / ours.seconds;
        fmt::print(
            "{} {} x {}, active {:.3f}, batch {}, threads {}: {:.2f} times as fast as ggml's mixture{}\n", ours.element,
            ours.width, ours.neurons, ours.active, ours.batch, ours.threads, times,
            ours.element == "int8" && ours.batch == 1 ? fmt::format(", target >= 1.30 {}", met(times >= 1.3)) : "");
      }
      if (other.name == "fissile" && other.threads == 1 && ours.threads > 1) {
        const double times = other.seconds / ours.seconds;
        fmt::print("{} {} x {}, active {:.3f}, batch {}: {} threads are {:.2f} times as fast as one{}\n", ours.element,
                   ours.width, ours.neurons, ours.active, ours.batch, ours.threads, times,
                   ours.batch >= 128 && ours.threads == 2 ? fmt::format(", target >= 1.80 {}", met(times >= 1.8)) : "");
      }
    }
  }
}

}  // namespace

std::vector<row> run_layer_bench(const options& given, const std::vector<layer_shape>& shapes,
                                 const more_contestants& more) {
  const auto rows = run_all(given, shapes, [&](auto& layer, crew& threads, stream_read& stream, index_t batch) {
    const std::vector<float> tokens = random_tokens(batch, layer.told(threads, batch).width);
    return layer.run(threads, stream, tokens, [&](contest& turns, const row& told, const draws&) {
      if (more) more(turns, told, tokens);
    });
  });
  print_comparisons(rows);
  return rows;
}

}  // namespace fissile::bench
