// The threads of an engine as an executor: every task once, whatever the number of threads, one op after another.
#include <ggml_observer/crew.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace fissile::ggml_observer {
namespace {

static_assert(executor<crew>);

/// What ggml does: each of its threads passes through the ops in order.
template <class Op>
void on_threads(int count, const Op& op) {
  std::vector<std::thread> others;
  for (int ith = 1; ith < count; ++ith) others.emplace_back([&op, ith, count] { op(ith, count); });
  op(0, count);
  for (std::thread& other : others) other.join();
}

TEST(crew, every_task_of_every_op_is_done_once) {
  for (const int threads : {1, 2, 3, 5}) {
    crew shared{3};
    constexpr index_t ops = 40, tasks = 7;
    std::vector<std::atomic<int>> done(to_size(ops * 2 * tasks));
    on_threads(threads, [&](int ith, int nth) {
      for (index_t op = 0; op < ops; ++op) {
        shared.run(ith, nth, [&] {
          for (index_t part = 0; part < 2; ++part) {  // a layer has two parallel parts
            const executor_reference lent{shared};
            lent(tasks, [&](index_t task) noexcept { ++done[to_size((op * 2 + part) * tasks + task)]; });
            for (index_t task = 0; task < tasks; ++task) {
              EXPECT_EQ(done[to_size((op * 2 + part) * tasks + task)], 1) << "not done when the call returned";
            }
          }
        });
      }
    });
    for (const std::atomic<int>& one : done) EXPECT_EQ(one, 1);
  }
}

TEST(crew, the_number_of_threads_may_change_between_graphs_and_no_task_is_fine) {
  crew shared{2};
  std::atomic<int> done{0};
  for (const int threads : {4, 1, 3, 2}) {
    on_threads(threads, [&](int ith, int nth) {
      shared.run(ith, nth, [&] {
        const auto count = [&](index_t) noexcept { ++done; };
        shared(0, task_reference{count});
        shared(5, task_reference{count});
      });
    });
  }
  EXPECT_EQ(done, 20);
}

}  // namespace
}  // namespace fissile::ggml_observer
