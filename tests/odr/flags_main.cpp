// Files built for different instruction sets in one program: the same types, and the same layer within tolerance.
// Of equal inline functions the linker keeps the first file's, and plain.cpp comes first: a processor without AVX-512
// can run this program as long as it stays out of the other files.
#include "packed_layer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

int mistakes = 0;

void expect(bool good, const char* what, const char* file) {
  if (good) return;
  std::printf("%s: %s\n", file, what);
  ++mistakes;
}

void expect_same_layer(const outputs& found, const outputs& expected, const char* file) {
  constexpr std::size_t width = 70, tokens = 7, each = (tokens + 1) * width;
  expect(found.size() == 5 * each && found.size() == expected.size(), "another number of outputs", file);
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    const bool near = std::abs(found[i] - expected[i]) <= (i / each == 3 ? 1e-2f : 2e-5f);  // bf16_dot may round apart
    if (!near) return expect(false, "another layer", file);
  }
  for (std::size_t layer = 0; layer < 5; ++layer) {
    const float* first = found.data() + layer * each;
    expect(std::equal(first, first + width, first + tokens * width), "a token alone has other bits", file);
  }
}

#ifdef FISSILE_X86_FILES
void expect_file(const library_seen& seen, outputs (*run)(), fissile::instruction_set needs, const char* file) {
  expect(seen.sizes == seen_by_plain().sizes, "types of other sizes", file);
  expect_same_layer(run(), outputs_by_plain(), file);
  std::printf("%s agrees, by %s\n", file, fissile::name_of(needs));
}
#endif

}  // namespace

int main() {
  expect_same_layer(outputs_by_plain(), outputs_by_plain(), "plain.cpp");
#ifdef FISSILE_X86_FILES
  using fissile::instruction_set;
  if (available(instruction_set::avx2)) {
    expect(seen_by_avx2().fused, "a product and a sum are not fused", "avx2.cpp");
    expect_file(seen_by_avx2(), outputs_by_avx2, instruction_set::avx2, "avx2.cpp");
  } else {
    std::printf("avx2.cpp is skipped: this processor has no AVX2 and FMA\n");
  }
  if (available(instruction_set::avx512)) {
    expect(seen_by_avx512().fused, "a product and a sum are not fused", "avx512.cpp");
    expect_file(seen_by_avx512(), outputs_by_avx512, instruction_set::avx512, "avx512.cpp");
  } else {
    std::printf("avx512.cpp is skipped: this processor has no AVX-512\n");
  }
#else
  std::printf("avx2.cpp and avx512.cpp are skipped: they are for x86-64\n");
#endif
  return mistakes == 0 ? 0 : 1;
}
