// The controller brings a share to its target: on a plant that answers at once, from both sides, and within its bounds.
#include "train/problem.hpp"

#include <fissile/train/penalty_controller.hpp>

namespace fissile::testing {
namespace {

TEST(penalty_controller, comes_to_rest_at_the_target) {
  for (const double target : {0.1, 0.5, 0.9}) {
    for (const double first : {1e-4, 1.0, 100.0}) {
      const penalty_controller steer{.target = target, .gain = 0.5};
      double weight = first, share = 0;
      for (int step = 0; step < 2000; ++step) {
        share = 1 / (1 + weight);  // the more it costs, the fewer work
        weight = steer.next(weight, share);
      }
      EXPECT_NEAR(share, target, 1e-3);
    }
  }
}

TEST(penalty_controller, rests_where_the_share_is_right_and_stays_within_its_bounds) {
  const penalty_controller steer{.target = 0.25, .gain = 1, .least = 0.5, .most = 2};
  EXPECT_EQ(steer.next(1, 0.25), 1);
  EXPECT_NEAR(steer.next(1, 0.35), std::exp(0.1), 1e-12);
  EXPECT_NEAR(steer.next(1, 0.15), std::exp(-0.1), 1e-12);
  EXPECT_EQ(steer.next(1.9, 1), 2);
  EXPECT_EQ(steer.next(0.51, 0), 0.5);
}

TEST(penalty_controller, refuses_settings_that_are_none) {
  for (const penalty_controller wrong :
       {penalty_controller{.target = 0}, penalty_controller{.target = 1.5}, penalty_controller{.target = std::nan("")},
        penalty_controller{.gain = -1}, penalty_controller{.least = 0}, penalty_controller{.least = 2, .most = 1}}) {
    EXPECT_NE(refusal_of<setting_error>([&] { wrong.check(); }).find("penalty_controller"), std::string::npos);
  }
  penalty_controller{}.check();
}

}  // namespace
}  // namespace fissile::testing
