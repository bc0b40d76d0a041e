// Observers see every route and every chosen expert's hidden activations, in order, and change nothing.
#include <fissile/base/thread_pool.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace fissile {
namespace {

struct event {
  index_t token;  // -1: a route
  route chosen;
  choice expert;
  std::vector<float> hidden;
};

/// Writes down all it is told, and on which thread.
struct listener {
  std::vector<event> events;
  std::thread::id told_on;

  void token(const route& chosen) noexcept {
    told_on = std::this_thread::get_id();
    events.push_back({-1, chosen, {}, {}});
  }
  void expert(index_t token, choice chosen, vector_view<const float> hidden) noexcept {
    events.push_back({token, {}, chosen, {hidden.begin(), hidden.end()}});
  }
};
struct route_counter {
  index_t tokens = 0, chosen = 0;
  void token(const route& r) noexcept {
    ++tokens;
    chosen += r.length();
  }
};
struct hidden_sum {
  double sum = 0;
  void expert(index_t, choice, vector_view<const float> hidden) noexcept {
    for (float h : hidden) sum += static_cast<double>(h);
  }
};

class observing : public ::testing::Test {
protected:
  static constexpr index_t tokens = 21;
  random_source random{1};
  owned_ffn<float> ffn = testing::random_ffn<float>(random, {.width = 9, .neurons = 80});
  partition split = shuffled{.seed = 5}.split(80, 7);
  sparse_ffn<borrowed_experts<float>, silu> run{borrow(ffn.view(), split), silu{}};
  thread_pool pool{3};
  workspace work{run, {.batch = tokens}, pool};
  std::vector<float> x = testing::random_numbers<float>(random, tokens * 9), y = std::vector<float>(x.size());
  matrix_view<const float> in{x.data(), tokens, 9};
  matrix_view<float> out{y.data(), tokens, 9};

  void SetUp() override { testing::random_routes(random, work, tokens, 0.4); }
};

TEST_F(observing, tells_tokens_ascending_and_experts_ascending_within) {
  listener heard;
  run(in, work, out, heard);
  EXPECT_EQ(heard.told_on, std::this_thread::get_id());
  std::size_t at = 0;
  for (index_t token = 0; token < tokens; ++token) {
    ASSERT_LT(at, heard.events.size());
    ASSERT_EQ(heard.events[at].token, -1);
    ASSERT_EQ(heard.events[at++].chosen, work.routes()[token]);
    for (const choice& c : work.routes()[token]) {
      ASSERT_LT(at, heard.events.size());
      const event& told = heard.events[at++];
      ASSERT_EQ(told.token, token);
      ASSERT_EQ(told.expert, c);
      ASSERT_EQ(length(told.hidden), split.size(c.expert));
      for (index_t j = 0; j < length(told.hidden); ++j) {
        const index_t neuron = split.expert(c.expert)[j];
        // before the route's weight
        ASSERT_NEAR(static_cast<double>(told.hidden[to_size(j)]),
                    static_cast<double>(testing::plain_hidden(ffn, silu{}, neuron, in.row(token).data())), 1e-5);
      }
    }
  }
  EXPECT_EQ(at, heard.events.size());
}

TEST_F(observing, changes_no_output) {
  run(in, work, out);
  const std::vector<float> unseen = y;
  listener heard;
  hidden_sum sum;
  run(in, work, out, heard);
  EXPECT_EQ(std::memcmp(y.data(), unseen.data(), y.size() * sizeof(float)), 0);
  run(in, work, out, observers{heard, sum});
  EXPECT_EQ(std::memcmp(y.data(), unseen.data(), y.size() * sizeof(float)), 0);
  std::fill(y.begin(), y.end(), 0.0f);
  run.accumulate(in, work, out, sum);
  EXPECT_EQ(std::memcmp(y.data(), unseen.data(), y.size() * sizeof(float)), 0);
}

TEST_F(observing, several_are_told_in_their_order_and_only_what_they_ask_for) {
  listener alone, heard;
  route_counter counter;
  hidden_sum sum;
  run(in, work, out, alone);
  run(in, work, out, observers{counter, heard, sum});
  index_t chosen = 0;
  double hidden = 0;
  for (const event& told : alone.events) {
    chosen += told.chosen.length();
    for (float h : told.hidden) hidden += static_cast<double>(h);
  }
  EXPECT_EQ(counter.tokens, tokens);
  EXPECT_EQ(counter.chosen, chosen);
  EXPECT_EQ(sum.sum, hidden);
  EXPECT_EQ(heard.events.size(), alone.events.size());
}

TEST_F(observing, of_no_tokens_tells_nothing) {
  work.start(0);
  listener heard;
  run({x.data(), 0, 9}, work, {y.data(), 0, 9}, heard);
  EXPECT_TRUE(heard.events.empty());
}

struct order_taker {
  std::vector<int>* order;
  int name;
  void token(const route&) noexcept { order->push_back(name); }
};

TEST(observers, keep_the_order_they_were_given_in) {
  std::vector<int> order;
  order_taker first{&order, 1}, second{&order, 2};
  observers both{first, second};
  both.token(route{});
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(observers, ask_for_hidden_only_where_one_of_them_does) {
  static_assert(!hidden_observer<observers<route_counter>> && route_observer<observers<route_counter>>);
  static_assert(hidden_observer<observers<route_counter, hidden_sum>>);
  static_assert(observer<hidden_sum> && !route_observer<hidden_sum> && observer<no_observer>);
  static_assert(!hidden_observer<no_observer> && !observer<int>);
  SUCCEED();
}

}  // namespace
}  // namespace fissile
