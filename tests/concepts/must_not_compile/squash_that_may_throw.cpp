// expect: fissile::router, 2nd policy: a squash is
// expect: docs/concepts/squash.md
#include <fissile/fissile.hpp>

struct doubled {
#ifdef SHOULD_FAIL
  void operator()(fissile::vector_view<float> scores) const {
#else
  void operator()(fissile::vector_view<float> scores) const noexcept {
#endif
      for (float& score
           : scores) score *= 2;
}
}
;

int main() {
  const fissile::router choose{fissile::linear_scorer{}, doubled{}, fissile::above{}};
  return static_cast<int>(choose.experts());
}
