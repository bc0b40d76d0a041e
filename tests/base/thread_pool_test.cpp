#include <fissile/base/thread_pool.hpp>

#include "base/refusal.hpp"
#include "support/sanitized.hpp"

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <set>
#include <system_error>

namespace fissile {
namespace {

class thread_pools : public ::testing::TestWithParam<index_t> {};

/// Plain counters: every task touches its own, so that a task run twice at once would be a race TSan sees.
TEST_P(thread_pools, run_every_task_once_and_return_when_all_have_ended) {
  thread_pool pool{GetParam()};
  EXPECT_EQ(pool.threads(), GetParam());
  std::array<int, 40> runs{};
  std::array<int, 40> expected{};
  for (int round = 0; round < 2000; ++round) {
    const index_t tasks = round % 41;
    auto body = [&](index_t task) noexcept { ++runs[to_size(task)]; };
    pool(tasks, task_reference{body});
    for (index_t task = 0; task < tasks; ++task) ++expected[to_size(task)];
    ASSERT_EQ(runs, expected) << "round " << round;
  }
}

TEST_P(thread_pools, lend_no_more_threads_than_asked_for) {
  thread_pool pool{GetParam()};
  std::mutex mutex;
  std::set<std::thread::id> seen;
  auto body = [&](index_t) noexcept {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  };
  for (int round = 0; round < 50; ++round) pool(16, task_reference{body});
  EXPECT_LE(length(seen), GetParam());
  EXPECT_GE(length(seen), 1);
}

/// Between calls the threads first look for the next one and then sleep: calls come while they do either, and while
/// they are about to go from one to the other.
TEST_P(thread_pools, run_calls_that_come_at_once_soon_or_late) {
  thread_pool pool{GetParam()};
  std::array<int, 9> runs{};
  auto body = [&](index_t task) noexcept { ++runs[to_size(task)]; };
  int calls = 0;
  for (int round = 0; round < 300; ++round) {
    for (int again = 0; again < 3; ++again, ++calls) pool(9, task_reference{body});
    const auto start = std::chrono::steady_clock::now();
    const auto pause = std::chrono::microseconds(round % 20 == 0 ? 500 : round % 100);  // threads look for some 50
    while (std::chrono::steady_clock::now() - start < pause) {
    }
  }
  for (const int each : runs) EXPECT_EQ(each, calls);
}

/// The last thread to finish may still be telling the caller so when the pool is taken down.
TEST_P(thread_pools, may_end_right_after_a_call_and_before_any) {
  std::array<int, 8> runs{};
  auto body = [&](index_t task) noexcept { ++runs[to_size(task)]; };
  for (int round = 0; round < 100; ++round) {
    thread_pool pool{GetParam()};
    if (round % 3 == 0) continue;
    for (int call = 0; call < round % 3; ++call) pool(8, task_reference{body});
  }
  for (const int each : runs) EXPECT_EQ(each, 33 * 1 + 33 * 2);
}

/// A call may lie within memory that is gone when the next one comes: each has its own function.
TEST_P(thread_pools, run_each_calls_own_function) {
  thread_pool pool{GetParam()};
  index_t sum = 0;
  for (index_t round = 0; round < 500; ++round) {
    std::array<index_t, 8> results{};
    auto body = [&results, round](index_t task) noexcept { results[to_size(task)] = round * task; };
    pool(8, task_reference{body});
    for (const index_t result : results) sum += result;
  }
  EXPECT_EQ(sum, 28 * (499 * 500 / 2));
}

INSTANTIATE_TEST_SUITE_P(sizes, thread_pools, ::testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

/// Two tasks that wait for each other can only end when two threads run them.
TEST(thread_pool, tasks_run_at_the_same_time) {
  thread_pool pool{2};
  std::atomic<int> arrived = 0;
  auto body = [&](index_t) noexcept {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  };
  pool(2, task_reference{body});
  EXPECT_EQ(arrived, 2);
}

/// The caller's own task ends long before the other one.
TEST(thread_pool, returns_only_when_the_slowest_task_has_ended) {
  thread_pool pool{2};
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> arrived = 0;
  std::atomic<bool> ended = false;
  auto body = [&](index_t) noexcept {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    if (std::this_thread::get_id() == caller) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ended = true;
  };
  pool(2, task_reference{body});
  EXPECT_TRUE(ended);
}

TEST(thread_pool, an_unused_pool_ends) {
  const thread_pool pool{4};
  EXPECT_EQ(pool.threads(), 4);
}

TEST(thread_pool, refuses_less_than_the_callers_thread) {
  EXPECT_EQ(testing::refusal<setting_error>([] { thread_pool{0}; }),
            "thread_pool: threads: expected at least 1, the caller's own, got 0");
  EXPECT_EQ(testing::refusal<setting_error>([] { thread_pool{-2}; }),
            "thread_pool: threads: expected at least 1, the caller's own, got -2");
}

/// In a process of its own, whose address space has no room for so many stacks.
TEST(thread_pool_death, where_no_more_threads_are_given_those_that_began_end) {
  if (testing::sanitized) GTEST_SKIP() << "a sanitizer needs the address space";
  const auto ask_for_many = [] {
    const rlimit little{256u << 20u, 256u << 20u};
    if (setrlimit(RLIMIT_AS, &little) != 0) std::_Exit(2);
    try {
      const thread_pool many{4096};
    } catch (const std::system_error&) {
      std::_Exit(0);
    }
    std::_Exit(3);
  };
  EXPECT_EXIT(ask_for_many(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace fissile
