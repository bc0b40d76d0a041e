#include <fissile/detect/calibration_tally.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

TEST(calibration_tally, counts_what_the_rule_of_padding_lets_count) {
  const std::vector<char> padding{0, 1, 0, 1, 1};
  calibration_tally reference{{.width = 3, .padding = padding_rule::reference, .corpus = "guide"}, "test"};
  calibration_tally masked{{.width = 3, .corpus = "guide"}, "test"};
  EXPECT_EQ(masked.padding(), padding_rule::masked) << "the default";
  std::vector<bool> counted;
  for (index_t position = 0; position < 5; ++position) {
    EXPECT_TRUE(reference.counts(padding, position));
    counted.push_back(masked.counts(padding, position));
  }
  EXPECT_EQ(counted, (std::vector<bool>{true, false, true, false, false}));
  EXPECT_TRUE(masked.counts({}, 7)) << "no padding is told of";
  EXPECT_EQ(reference.positions(), 5u);
  EXPECT_EQ(masked.positions(), 3u);
}

TEST(calibration_tally, a_sample_without_positions_is_none) {
  calibration_tally read{{.width = 1}, "test"};
  read.sample_end();
  EXPECT_EQ(read.samples(), 0u);
  read.counts({}, 0);
  EXPECT_TRUE(read.open());
  read.sample_end();
  read.sample_end();
  EXPECT_EQ(read.samples(), 1u);
  EXPECT_FALSE(read.open());
}

TEST(calibration_tally, merging_adds_and_keeps_every_name) {
  calibration_tally a{{.width = 2, .corpus = "wiki"}, "test"}, b{{.width = 2, .corpus = "guide"}, "test"};
  for (calibration_tally* read : {&a, &b}) {
    read->counts({}, 0);
    read->sample_end();
  }
  b.add_undefined();
  a.merge(b);
  EXPECT_EQ(a.samples(), 2u);
  EXPECT_EQ(a.positions(), 2u);
  EXPECT_EQ(a.undefined(), 1u);
  EXPECT_EQ(a.corpus(), "guide + wiki");
}

TEST(calibration_tally, refuses_what_does_not_add_up) {
  expect_says(message_of<setting_error>([] { calibration_tally({.width = 0}, "test"); }),
              {"test: width", "at least 1"});
  calibration_tally read{{.width = 2}, "test"};
  const calibration_tally before = read;
  const calibration_tally wider{{.width = 3}, "other"};
  expect_says(message_of<shape_error>([&] { read.merge(wider); }), {"test::merge: width", "expected 2", "got 3"});
  const calibration_tally padded{{.width = 2, .padding = padding_rule::reference}, "other"};
  expect_says(message_of<setting_error>([&] { read.merge(padded); }), {"padding", "masked", "got reference"});
  calibration_tally open = read;
  open.counts({}, 0);
  expect_says(message_of<setting_error>([&] { read.merge(open); }), {"sample_end()"});
  EXPECT_EQ(read, before);
  EXPECT_THROW(open.merge(read), setting_error);
}

}  // namespace
}  // namespace fissile
