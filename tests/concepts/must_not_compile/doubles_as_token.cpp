// expect: vector_view<const float>
#include <fissile/run/observer.hpp>

#include <vector>

int main() {
#ifdef SHOULD_FAIL
  const std::vector<double> numbers(8);
#else
  const std::vector<float> numbers(8);
#endif
  const fissile::vector_view<const float> token = numbers;
  return static_cast<int>(token.length()) - 8;
}
