// The first file: includes everything as well, and asks the second.
#include <fissile/fissile.hpp>

double all_on_error(fissile::index_t experts);

int main() {
  return all_on_error(4) <= fissile::exactness_bound && all_on_error(7) <= fissile::exactness_bound ? 0 : 1;
}
