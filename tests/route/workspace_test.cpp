#include <fissile/base/thread_pool.hpp>
#include <fissile/route/workspace.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace {

struct roomy_sizes {
  index_t width_ = 5, neurons_ = 12, experts_ = 4, largest_ = 6;
  index_t width() const noexcept { return width_; }
  index_t neurons() const noexcept { return neurons_; }
  index_t experts() const noexcept { return experts_; }
  index_t largest_expert() const noexcept { return largest_; }
};
static_assert(sized_layer<roomy_sizes>);

TEST(workspace, knows_the_layer_it_was_made_for) {
  const workspace work{roomy_sizes{}, {.batch = 7}};
  EXPECT_EQ(work.batch(), 7);
  EXPECT_EQ(work.width(), 5);
  EXPECT_EQ(work.neurons(), 12);
  EXPECT_EQ(work.experts(), 4);
  EXPECT_EQ(work.tasks(), 1);
  EXPECT_EQ(work.routes().length(), 0) << "nothing was started";
  EXPECT_EQ(workspace{roomy_sizes{}}.batch(), 1);
}

TEST(workspace, has_a_tile_for_each_task) {
  thread_pool pool{3};
  workspace work{roomy_sizes{}, {.batch = 2}, pool};
  EXPECT_EQ(work.tasks(), 3);
  for (index_t task = 0; task < 3; ++task) EXPECT_EQ(work.tile(task).length(), 2 * 64);
  for (index_t task = 1; task < 3; ++task) EXPECT_EQ(work.tile(task).data(), work.tile(task - 1).end());
  workspace wide{roomy_sizes{.width_ = 9}};
  EXPECT_EQ(wide.tile(0).length(), 9 * lanes) << "a tile of the widest rows, where that is more than 64 a token";
}

TEST(workspace, starts_batches_of_empty_routes) {
  workspace work{roomy_sizes{}, {.batch = 3}};
  work.choose_all(3, 4);
  work.routes()[1].undefined_scores = 2;
  work.start(2);
  ASSERT_EQ(work.routes().length(), 2);
  for (const route& chosen : work.routes()) {
    EXPECT_TRUE(chosen.empty());
    EXPECT_EQ(chosen.undefined_scores, 0);
    EXPECT_EQ(chosen.capacity(), 4);
  }
  work.start(0);
  EXPECT_EQ(work.routes().length(), 0);
}

TEST(workspace, chooses_all_or_these) {
  workspace work{roomy_sizes{}, {.batch = 3}};
  work.choose_all(2, 3);
  for (const route& chosen : work.routes()) {
    EXPECT_EQ((std::vector<choice>{chosen.begin(), chosen.end()}), (std::vector<choice>{{0, 1.f}, {1, 1.f}, {2, 1.f}}));
  }
  const std::vector<index_t> these{0, 3};
  work.choose_these(3, vector_view<const index_t>(these));
  ASSERT_EQ(work.routes().length(), 3);
  for (const route& chosen : work.routes()) {
    EXPECT_EQ((std::vector<choice>{chosen.begin(), chosen.end()}), (std::vector<choice>{{0, 1.f}, {3, 1.f}}));
  }
}

TEST(workspace, groups_the_same_choices_by_expert) {
  random_source random{1};
  for (int trial = 0; trial < 200; ++trial) {
    workspace work{roomy_sizes{.experts_ = 1 + random.below(9)}, {.batch = 12}};
    testing::random_routes(random, work, random.below(13), random.uniform());
    work.group();
    for (index_t e = 0; e < work.experts(); ++e) {
      std::vector<std::pair<index_t, float>> expected, found;
      for (index_t token = 0; token < work.routes().length(); ++token) {
        for (const choice& c : work.routes()[token]) {
          if (c.expert == e) expected.emplace_back(token, c.weight);
        }
      }
      for (const workspace::member& m : work.group(e)) found.emplace_back(m.token, m.weight);
      ASSERT_EQ(found, expected);
    }
  }
}

TEST(workspace, a_copy_stands_alone) {
  workspace work{roomy_sizes{}, {.batch = 2}};
  work.choose_all(2, 4);
  workspace copy = work;
  copy.start(1);
  copy.choose_all(1, 4);
  EXPECT_EQ(work.routes().length(), 2);
  EXPECT_NE(copy.routes().data(), work.routes().data());
  EXPECT_NE(copy.tile(0).data(), work.tile(0).data());
}

TEST(workspace, one_that_is_assigned_to_is_as_large_as_the_other) {
  workspace small{roomy_sizes{}};
  const workspace large{roomy_sizes{.experts_ = 32}, {.batch = 2}};
  small.choose_all(1, 4);
  small = large;
  EXPECT_EQ(small.batch(), 2);
  small.choose_all(2, 32);
  EXPECT_EQ(small.routes()[1].length(), 32);
  const workspace& self = small;
  small = self;
  EXPECT_EQ(small.routes()[1].length(), 32);
}

TEST(workspace, a_route_of_the_callers_leaves_the_room_there_was) {
  workspace work{roomy_sizes{.experts_ = 32}};
  work.start(1);
  work.routes()[0] = route{4};
  work.choose_all(1, 32);
  EXPECT_EQ(work.routes()[0].length(), 32);
}

TEST(workspace, refuses_an_empty_batch) {
  EXPECT_EQ(testing::refusal<setting_error>([] {
              workspace{roomy_sizes{}, {.batch = 0}};
            }),
            "workspace: batch: expected at least 1 token, got 0");
}

TEST(workspace_death, what_is_larger_than_it_breaks_the_contract) {
  workspace work{roomy_sizes{}, {.batch = 2}};
  EXPECT_CONTRACT(work.start(3));
  EXPECT_CONTRACT(work.start(-1));
  EXPECT_CONTRACT(work.choose_all(1, 5));
}

/// Callers may write routes; what they may not write is found before memory is touched by it.
TEST(workspace_death, routes_that_do_not_ascend_or_name_no_expert_break_the_contract) {
  workspace work{roomy_sizes{}, {.batch = 2}};
  const auto grouped = [&](std::initializer_list<choice> choices) {
    work.start(1);
    for (const choice& c : choices) work.routes()[0].append(c);
    work.group();
  };
  EXPECT_CONTRACT(grouped({{4, 1.0f}}));
  EXPECT_CONTRACT(grouped({{-1, 1.0f}}));
  EXPECT_CONTRACT(grouped({{2, 1.0f}, {1, 1.0f}}));
  EXPECT_CONTRACT(grouped({{2, 1.0f}, {2, 1.0f}}));
  grouped({{0, 1.0f}, {3, 1.0f}});
  EXPECT_EQ(work.group(3).length(), 1);
}

}  // namespace
}  // namespace fissile
