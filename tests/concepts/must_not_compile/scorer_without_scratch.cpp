// expect: fissile::router, 1st policy: a scorer has
// expect: docs/concepts/scorer.md
#include <fissile/fissile.hpp>

using namespace fissile;

struct indifferent {
  index_t experts() const noexcept { return 1; }
  index_t width() const noexcept { return 1; }
#ifndef SHOULD_FAIL
  index_t scratch() const noexcept {
    return 0;
  }
#endif
  void score(matrix_view<const float>, matrix_view<float>, vector_view<float>) const noexcept {}
};

int main() {
  const router choose{indifferent{}, sigmoid{}, above{}};
  return static_cast<int>(choose.experts());
}
