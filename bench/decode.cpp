// One token at a time: how near the sparse layer comes to one plain read of the weights it touches.
//
//   decode [--width 2048 --neurons 5632] [--experts 44] [--active 1,0.5,0.25,0.125] [--element float] [--threads 1,2]
#include "layer_bench.hpp"

int main(int count, char** arguments) {
  using namespace fissile::bench;
  clean_environment(arguments);
  return guarded([&] {
    options preset;
    preset.batch = {1};
    preset.active = {1, 0.5, 0.25, 0.125};
    const options given = read_options(count, arguments, "One token at a time, against a plain read", preset);
    run_layer_bench(given, usual_shapes());
  });
}
