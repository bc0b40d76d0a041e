// expect: ffn_weights
// expect: element
#include <fissile/partition/even_slices.hpp>
#include <fissile/weights/dense_ffn.hpp>

/// ggml_fp16_t and its like are integers that hold the bits of a 16-bit float: fissile::f16 is what they are.
#ifdef SHOULD_FAIL
using stored = std::uint16_t;
#else
using stored = fissile::f16;
#endif

int main() {
  const fissile::ffn_weights<stored> ffn{};
  return static_cast<int>(ffn.width());
}
