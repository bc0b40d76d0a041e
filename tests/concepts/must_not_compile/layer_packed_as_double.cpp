// expect: no matching function for call to
// expect: packed_element
#include <fissile/pack/pack.hpp>
#include <fissile/partition/even_slices.hpp>

using namespace fissile;

/// References are in double; panels are not.
#ifdef SHOULD_FAIL
using stored = double;
#else
using stored = float;
#endif

index_t bytes_of(const ffn_weights<double>& ffn) {
  return pack<stored>(ffn).bytes();
}

int main() {}
