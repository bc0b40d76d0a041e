// expect: executor_reference
#include <fissile/base/thread_pool.hpp>

using namespace fissile;

int main() {
#ifdef SHOULD_FAIL
  const executor_reference lent = thread_pool{2};  // ends here, while the reference stays
#else
  thread_pool pool{2};
  const executor_reference lent = pool;
#endif
  return static_cast<int>(lent.threads()) - 2;
}
