// expect: fissile::oracle_scorer, activation:
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/oracle_scorer.hpp>
#include <fissile/route/squashes.hpp>

using namespace fissile;

int main() {
#ifdef SHOULD_FAIL
  const oracle_scorer oracle{borrow(ffn_weights<float>{}, even_slices{}.split(8, 2)), sigmoid{}};
#else
  const oracle_scorer oracle{borrow(ffn_weights<float>{}, even_slices{}.split(8, 2)), silu{}};
#endif
  return static_cast<int>(oracle.width());
}
