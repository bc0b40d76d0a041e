// expect: fissile::router, 2nd policy: a squash is
// expect: docs/concepts/squash.md
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/trainable_ffn.hpp>

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
