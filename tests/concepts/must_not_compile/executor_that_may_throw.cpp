// expect: executor_reference
#include <fissile/base/thread_pool.hpp>

using namespace fissile;

int main() {
#ifdef SHOULD_FAIL
  auto run = [](index_t tasks, task_reference f) {
#else
  auto run = [](index_t tasks, task_reference f) noexcept {
#endif
    for (index_t task = 0; task < tasks; ++task) f(task);
  };
  const executor_reference lent = run;
  return static_cast<int>(lent.threads()) - 8;
}
