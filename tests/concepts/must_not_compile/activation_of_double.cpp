// expect: fissile::sparse_ffn, 2nd policy: an activation is
// expect: docs/concepts/activation.md
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

struct halved {
#ifdef SHOULD_FAIL
  double operator()(double z) const noexcept {
    return z / 2;
  }
#else
  float operator()(float z) const noexcept {
    return z / 2;
  }
#endif
};

int main() {
  const fissile::sparse_ffn run{fissile::borrow(fissile::ffn_weights<float>{}, fissile::even_slices{}.split(8, 2)),
                                halved{}};
  return static_cast<int>(run.width());
}
