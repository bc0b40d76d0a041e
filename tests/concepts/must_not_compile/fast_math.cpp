// expect: fissile: -ffast-math takes away NaN and the order of sums
#ifdef SHOULD_FAIL
#define __FAST_MATH__ 1 /* as the compilers do for -ffast-math */
#endif
#include <fissile/base/contract.hpp>

int main() {}
