#include <fissile/base/thread_pool.hpp>

#include "base/refusal.hpp"

#include <array>
#include <chrono>
#include <set>

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

INSTANTIATE_TEST_SUITE_P(sizes, thread_pools, ::testing::Values(1, 2, 3, 4));

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

}  // namespace
}  // namespace fissile
