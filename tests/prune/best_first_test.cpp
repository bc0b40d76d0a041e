#include <fissile/prune/best_first.hpp>

#include "file/temporary.hpp"
#include "prune/policies.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::single_neurons;

TEST(best_first, orders_the_unshared) {
  const std::vector<standing> given{{1, ""}, {3, ""}, {3, ""}, {9, ""}, {-1, ""}};
  EXPECT_EQ(best_first(given, single_neurons(5)[0], "x"), (std::vector<index_t>{3, 1, 2, 0, 4}));
  EXPECT_EQ(best_first(given, single_neurons(5, 1, {1, 3})[0], "x"), (std::vector<index_t>{2, 0, 4}));
}

TEST(best_first, names_the_judge_that_broke_its_law) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_says(message_of<setting_error>([&] {
                best_first({{1, ""}}, single_neurons(2)[0], "my judge");
              }),
              {"my judge", "2 standings", "got 1"});
  expect_says(message_of<setting_error>([&] {
                best_first({{1, ""}, {nan, ""}}, single_neurons(2)[0], "my judge");
              }),
              {"my judge: standing of expert 1", "NaN"});
  EXPECT_EQ(best_first({{1, ""}, {nan, ""}}, single_neurons(2, 1, {1})[0], "x"), (std::vector<index_t>{0}));
}

}  // namespace
}  // namespace fissile
