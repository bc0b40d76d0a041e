// expect: fissile::scaled wraps a selector
// expect: docs/concepts/selector.md
#include <fissile/fissile.hpp>

int main() {
#ifdef SHOULD_FAIL
  const fissile::scaled policy{fissile::sigmoid{}};
#else
  const fissile::scaled policy{fissile::top_k{.k = 2}};
#endif
  return sizeof policy > 0 ? 0 : 1;
}
