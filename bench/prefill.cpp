// Batches: how near the sparse layer comes to the processor's arithmetic, or to reading what the batch touches.
//
//   prefill [--width 2048 --neurons 5632] [--experts 44] [--active 1,0.5,0.25,0.125] [--batch 128,512] [--element bf16]
#include "layer_bench.hpp"

int main(int count, char** arguments) {
  using namespace fissile::bench;
  clean_environment(arguments);
  return guarded([&] {
    options preset;
    preset.batch = {128};
    preset.active = {1, 0.5, 0.25, 0.125};
    const options given = read_options(count, arguments, "Batches, against the processor's arithmetic", preset);
    run_layer_bench(given, usual_shapes());
  });
}
