// The cheapest assignment costs as little as plain code finds, respects the room, and is the same each time.
#include <fissile/partition/cheapest_assignment.hpp>

#include "base/refusal.hpp"
#include "partition/plain_assignment.hpp"
#include "support/random_ffn.hpp"

#include <numeric>

namespace fissile {
namespace {

using testing::refusal;

struct random_assignment {
  std::vector<index_t> room;
  std::vector<std::vector<double>> rows;
  std::vector<double> costs;

  template <class Draw>
  random_assignment(random_source& random, index_t groups, index_t most, const Draw& draw) {
    for (index_t g = 0; g < groups; ++g) room.push_back(random.below(most + 1));
    room.front() += 1;
    for (index_t point = 0; point < places(); ++point) {
      rows.emplace_back();
      for (index_t g = 0; g < groups; ++g) rows.back().push_back(draw());
      costs.insert(costs.end(), rows.back().begin(), rows.back().end());
    }
  }
  index_t places() const { return std::accumulate(room.begin(), room.end(), index_t{0}); }
  matrix_view<const double> view(index_t points) const { return {costs.data(), points, length(room)}; }
};

double cost_of(const random_assignment& problem, const std::vector<std::vector<index_t>>& found, index_t points) {
  std::vector<index_t> seen(to_size(points), 0);
  double sum = 0;
  for (std::size_t g = 0; g < found.size(); ++g) {
    EXPECT_LE(length(found[g]), problem.room[g]);
    EXPECT_TRUE(std::is_sorted(found[g].begin(), found[g].end()));
    for (index_t point : found[g]) {
      ++seen[to_size(point)];
      sum += problem.rows[to_size(point)][g];
    }
  }
  EXPECT_EQ(seen, std::vector<index_t>(to_size(points), 1));
  return sum;
}

TEST(cheapest_assignment, of_whole_numbers_is_exactly_the_least) {
  random_source random{1};
  for (int trial = 0; trial < 300; ++trial) {
    const index_t bound = 1 + random.below(30);  // small ones are full of ties
    const random_assignment problem(random, 1 + random.below(7), 8,
                                    [&] { return static_cast<double>(random.below(bound)) - 5; });
    const index_t points = problem.places();
    const auto found = cheapest_assignment(problem.view(points), problem.room);
    ASSERT_EQ(cost_of(problem, found, points), testing::least_grouped_cost(problem.rows, problem.room));
    ASSERT_EQ(cheapest_assignment(problem.view(points), problem.room), found);
  }
}

TEST(cheapest_assignment, of_any_numbers_is_the_least_up_to_rounding) {
  random_source random{2};
  for (int trial = 0; trial < 100; ++trial) {
    const random_assignment problem(random, 2 + random.below(6), 10, [&] { return std::exp(3 * random.normal()); });
    const index_t points = problem.places();
    const double least = testing::least_grouped_cost(problem.rows, problem.room);
    ASSERT_NEAR(cost_of(problem, cheapest_assignment(problem.view(points), problem.room), points), least, 1e-9 * least);
  }
}

/// All ways to place a few points where there is more room than needed.
TEST(cheapest_assignment, with_room_to_spare_is_the_least_of_all_ways) {
  random_source random{3};
  for (int trial = 0; trial < 100; ++trial) {
    const random_assignment problem(random, 3, 3, [&] { return static_cast<double>(random.below(12)); });
    const index_t points = 1 + random.below(std::min<index_t>(problem.places(), 6));
    double least = std::numeric_limits<double>::infinity();
    index_t ways = 1;
    for (index_t point = 0; point < points; ++point) ways *= 3;
    for (index_t way = 0; way < ways; ++way) {
      std::vector<index_t> left = problem.room;
      double cost = 0;
      bool fits = true;
      index_t digits = way;
      for (index_t point = 0; point < points; ++point, digits /= 3) {
        fits = fits && --left[to_size(digits % 3)] >= 0;
        cost += problem.rows[to_size(point)][to_size(digits % 3)];
      }
      if (fits) least = std::min(least, cost);
    }
    ASSERT_EQ(cost_of(problem, cheapest_assignment(problem.view(points), problem.room), points), least);
  }
}

TEST(cheapest_assignment, gives_ties_to_the_lower_group) {
  const std::vector<double> equal(8, 1.0);
  EXPECT_EQ(cheapest_assignment({equal.data(), 4, 2}, {3, 3}), (std::vector<std::vector<index_t>>{{0, 1, 2}, {3}}));
}

TEST(cheapest_assignment, refuses_what_cannot_be) {
  const std::vector<double> costs{1, 2, 3, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_EQ(refusal<shape_error>([&] {
              cheapest_assignment({costs.data(), 2, 2}, {1, 0});
            }),
            "cheapest_assignment: room: expected 2 groups with room for 2 points, got 2 with room for 1");
  EXPECT_EQ(refusal<shape_error>([&] {
              cheapest_assignment({costs.data(), 1, 2}, {4});
            }),
            "cheapest_assignment: room: expected 2 groups with room for 1 points, got 1 with room for 4");
  EXPECT_EQ(refusal<setting_error>([&] {
              cheapest_assignment({costs.data(), 1, 2}, {4, -1});
            }),
            "cheapest_assignment: room: expected none below 0, got -1");
  EXPECT_EQ(refusal<setting_error>([&] {
              cheapest_assignment({costs.data(), 2, 2}, {1, 1});
            }),
            "cheapest_assignment: costs: expected finite numbers, got none for point 1");
}

}  // namespace
}  // namespace fissile
