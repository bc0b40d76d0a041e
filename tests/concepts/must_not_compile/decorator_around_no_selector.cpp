// expect: fissile::scaled wraps a selector
// expect: docs/concepts/selector.md
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/trainable_ffn.hpp>

int main() {
#ifdef SHOULD_FAIL
  const fissile::scaled policy{fissile::sigmoid{}};
#else
  const fissile::scaled policy{fissile::top_k{.k = 2}};
#endif
  return sizeof policy > 0 ? 0 : 1;
}
