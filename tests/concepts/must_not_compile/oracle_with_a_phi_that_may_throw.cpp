// expect: fissile::oracle_scorer, phi:
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/oracle_scorer.hpp>

using namespace fissile;

struct doubled {
#ifdef SHOULD_FAIL
  float operator()(index_t, float hidden) const {
    return 2 * hidden;
  }
#else
  float operator()(index_t, float hidden) const noexcept {
    return 2 * hidden;
  }
#endif
};

int main() {
  const oracle_scorer oracle{borrow(ffn_weights<float>{}, even_slices{}.split(8, 2)), silu{}, doubled{}};
  return static_cast<int>(oracle.width());
}
