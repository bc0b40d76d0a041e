// expect: constraints not satisfied
// expect: observer
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

using namespace fissile;

struct eye {
#ifdef SHOULD_FAIL
  void token(const route&) {}  // may throw
#else
  void token(const route&) noexcept {}
#endif
};

void watch(const sparse_ffn<borrowed_experts<float>, silu>& run, workspace& work, matrix_view<float> memory) {
  eye one;
  run(memory.rows(0, 1), work, memory.rows(1, 1), one);
}

int main() {}
