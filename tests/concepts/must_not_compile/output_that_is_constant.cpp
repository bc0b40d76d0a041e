// expect: matrix_view<float>
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

using namespace fissile;

#ifdef SHOULD_FAIL
using output = matrix_view<const float>;
#else
using output = matrix_view<float>;
#endif

void into(const sparse_ffn<borrowed_experts<float>, silu>& run, workspace& work, matrix_view<const float> in,
          output out) {
  run(in, work, out);
}

int main() {}
