#include <fissile/base/executor.hpp>
#include <fissile/base/thread_pool.hpp>

#include <gtest/gtest.h>

#include <concepts>
#include <vector>

namespace fissile {
namespace {

/// How often each task ran, and in which order, when run on the caller's thread.
std::vector<index_t> order_of(const executor_reference& run, index_t tasks) {
  std::vector<index_t> order;
  run(tasks, [&](index_t task) noexcept { order.push_back(task); });
  return order;
}

TEST(executor, serial_ascends) {
  const serial run;
  std::vector<index_t> order;
  auto body = [&](index_t task) noexcept { order.push_back(task); };
  run(4, task_reference{body});
  EXPECT_EQ(order, (std::vector<index_t>{0, 1, 2, 3}));
  EXPECT_EQ(run.threads(), 1);
}

TEST(executor, a_reference_to_nothing_is_serial) {
  EXPECT_EQ(order_of({}, 3), (std::vector<index_t>{0, 1, 2}));
  EXPECT_EQ(order_of({}, 0), std::vector<index_t>{});
  EXPECT_EQ(executor_reference{}.threads(), 1);
}

TEST(executor, a_callable_of_the_users_is_used) {
  index_t calls = 0;
  auto descending = [&](index_t tasks, task_reference f) noexcept {
    ++calls;
    while (tasks > 0) f(--tasks);
  };
  const executor_reference run = descending;
  EXPECT_EQ(order_of(run, 3), (std::vector<index_t>{2, 1, 0}));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(run.threads(), 8);  // unknown
  EXPECT_EQ(order_of(run, 1), std::vector<index_t>{0});
  EXPECT_EQ(calls, 1) << "one task needs nobody";
}

TEST(executor, constant_callables_are_executors_and_tasks_too) {
  index_t calls = 0;
  const auto plain = [&calls](index_t tasks, task_reference f) noexcept {
    ++calls;
    for (index_t task = 0; task < tasks; ++task) f(task);
  };
  const executor_reference run = plain;
  index_t sum = 0;
  const auto body = [&sum](index_t task) noexcept { sum += task; };
  run(5, body);
  EXPECT_EQ(sum, 10);
  EXPECT_EQ(calls, 1);
  const serial constant;
  EXPECT_EQ(order_of(constant, 2), (std::vector<index_t>{0, 1}));
}

TEST(executor, copies_refer_to_the_same_executor) {
  thread_pool pool{3};
  const executor_reference first = pool;
  const executor_reference second = first;  // NOLINT(performance-unnecessary-copy-initialization)
  executor_reference third;
  third = second;
  EXPECT_EQ(second.threads(), 3);
  EXPECT_EQ(third.threads(), 3);
}

TEST(executor, what_may_throw_or_is_a_temporary_is_refused) {
  auto throwing = [](index_t, task_reference) {};
  auto wrong = [](index_t) noexcept {};
  static_assert(!executor<decltype(throwing)> && !executor<decltype(wrong)> && !executor<int>);
  static_assert(!std::is_convertible_v<decltype(throwing)&, executor_reference>);
  static_assert(executor<serial> && executor<const serial> && executor<thread_pool> && !executor<const thread_pool>);
  static_assert(!std::is_constructible_v<executor_reference, thread_pool>);  // it would not outlive the reference
  EXPECT_TRUE((std::is_convertible_v<thread_pool&, executor_reference>));
}

}  // namespace
}  // namespace fissile
