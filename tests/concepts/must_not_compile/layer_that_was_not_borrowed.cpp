// expect: fissile::sparse_ffn, 1st policy: the experts, as `borrow(ffn, partition)` or `pack` makes them
// expect: docs/concepts/expert_storage.md
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

int main() {
  const fissile::ffn_weights<float> ffn{};
#ifdef SHOULD_FAIL
  const fissile::sparse_ffn run{ffn, fissile::silu{}};
#else
  const fissile::sparse_ffn run{fissile::borrow(ffn, fissile::even_slices{}.split(8, 2)), fissile::silu{}};
#endif
  return sizeof run > 0 ? 0 : 1;
}
