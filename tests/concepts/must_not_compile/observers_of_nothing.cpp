// expect: fissile::observers joins observers
// expect: docs/concepts/observer.md
#include <fissile/run/observer.hpp>

struct eye {
#ifdef SHOULD_FAIL
  void token(fissile::route&) noexcept {}  // would be allowed to change the route
#else
  void token(const fissile::route&) noexcept {}
#endif
};

int main() {
  eye one, other;
  fissile::observers both{one, other};
  return sizeof both > 0 ? 0 : 1;
}
