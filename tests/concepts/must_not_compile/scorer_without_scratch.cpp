// expect: fissile::router, 1st policy: a scorer has
// expect: docs/concepts/scorer.md
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/trainable_ffn.hpp>

using namespace fissile;

struct indifferent {
  index_t experts() const noexcept { return 1; }
  index_t width() const noexcept { return 1; }
#ifndef SHOULD_FAIL
  index_t scratch() const noexcept {
    return 0;
  }
#endif
  void score(matrix_view<const float>, matrix_view<float>, vector_view<float>) const noexcept {}
};

int main() {
  const router choose{indifferent{}, sigmoid{}, above{}};
  return static_cast<int>(choose.experts());
}
