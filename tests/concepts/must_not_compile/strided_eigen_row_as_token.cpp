// expect: vector_view<const float>
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/trainable_ffn.hpp>

#include <Eigen/Core>

/// A row of a column-major matrix is strided: read as side by side it would be the wrong numbers.
void route_first(const fissile::router<fissile::linear_scorer, fissile::sigmoid, fissile::above>& choose,
                 fissile::workspace& work, const Eigen::MatrixXf& tokens) {
#ifdef SHOULD_FAIL
  const fissile::vector_view<const float> token = tokens.row(0);
#else
  const fissile::vector_view<const float> token{tokens.data(), tokens.rows()};  // a column, side by side
#endif
  choose(token, work);
}

int main() {}
