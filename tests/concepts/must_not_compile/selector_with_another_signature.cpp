// expect: fissile::router, 3rd policy: a selector has
// expect: docs/concepts/selector.md
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>

struct nobody {
#ifdef SHOULD_FAIL
  void select(fissile::vector_view<const float>, fissile::route&) const noexcept {}
#else
  void select(fissile::selection, fissile::route&) const noexcept {}
#endif
};

int main() {
  const fissile::router choose{fissile::linear_scorer{}, fissile::sigmoid{}, nobody{}};
  return static_cast<int>(choose.experts());
}
