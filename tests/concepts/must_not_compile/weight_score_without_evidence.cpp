// expect: constraints not satisfied
// expect: weight_score
#include <fissile/prune/weight_mask.hpp>

using namespace fissile;

struct guess {
  std::string name() const { return "guess"; }
#ifndef SHOULD_FAIL
  evidence seen() const {
    return {};
  }
#endif
  void score(index_t, vector_view<const double>, vector_view<double>) const {}
};

weight_mask masked(matrix_view<const float> weights) {
  return mask_of(weights, guess{}, unstructured{.rate = 0.5});
}

int main() {}
