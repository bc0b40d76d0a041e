#include <fissile/prune/budget.hpp>
#include <fissile/prune/sparsity.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

TEST(sparsity, counts_are_rounded_down) {
  EXPECT_EQ((unstructured{.rate = 0.3}).removed_of(7), 2);
  EXPECT_EQ((unstructured{.rate = 0.5}).removed_of(8), 4);
  EXPECT_EQ((unstructured{.rate = 0}).removed_of(8), 0);
  EXPECT_EQ((unstructured{.rate = 0.999}).removed_of(8), 7);
}

TEST(sparsity, an_exact_share_removes_exactly_as_many) {
  bool short_of_one = false;
  for (index_t count = 1; count <= 300; ++count) {
    for (index_t removed = 0; removed < count; ++removed) {
      const double quotient = static_cast<double>(removed) / static_cast<double>(count);
      const unstructured share = exact_share(removed, count);
      ASSERT_EQ(share.removed_of(count), removed);
      ASSERT_EQ(rounded_share(share.rate, count), removed) << "halves that go up";
      ASSERT_NEAR(share.rate, quotient, 1e-15);
      ASSERT_LT(share.rate, 1);
      short_of_one = short_of_one || unstructured{.rate = quotient}.removed_of(count) < removed;
    }
  }
  EXPECT_TRUE(short_of_one) << "as 29 / 100 * 100 is";
}

TEST(sparsity, has_a_name) {
  EXPECT_EQ((unstructured{.rate = 0.3}).name(), "unstructured(0.3)");
  EXPECT_EQ((n_of_m{.removed = 4, .of = 8}).name(), "4 of 8");
}

TEST(sparsity, refuses_what_cannot_be) {
  for (double rate : {-0.1, 1.0, 50.0}) {
    expect_says(message_of<setting_error>([&] { check_sparsity(unstructured{.rate = rate}, 8, "who"); }),
                {"who: rate", "less than 1", "50 % is 0.5"});
  }
  for (const n_of_m groups : {n_of_m{4, 4}, n_of_m{-1, 4}, n_of_m{0, 0}}) {
    expect_says(message_of<setting_error>([&] { check_sparsity(groups, 8, "who"); }), {"who: n_of_m", groups.name()});
  }
  expect_says(message_of<shape_error>([&] {
                check_sparsity(n_of_m{2, 4}, 10, "who");
              }),
              {"who: inputs", "multiple of 4", "got 10"});
  EXPECT_NO_THROW(check_sparsity(n_of_m{0, 4}, 8, "who"));
}

}  // namespace
}  // namespace fissile
