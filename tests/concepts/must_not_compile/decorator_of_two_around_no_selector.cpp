// expect: fissile::with_shared wraps a selector
#include <fissile/route/decorators.hpp>
#include <fissile/route/top_k.hpp>

int main() {
#ifdef SHOULD_FAIL
  const fissile::with_shared policy{8, {0}};  // a bare k
#else
  const fissile::with_shared policy{fissile::top_k{.k = 8}, {0}};
#endif
  return sizeof policy > 0 ? 0 : 1;
}
