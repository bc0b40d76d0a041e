#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_mask.hpp>
#include <fissile/prune/weight_scores.hpp>

#include "file/temporary.hpp"
#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::random_numbers;

/// Of `count` scores from `first` on: the places in the order in which the authors' stable sort has them.
std::vector<index_t> sorted_places(const std::vector<double>& scores, index_t first, index_t count,
                                   removal_order order) {
  std::vector<index_t> places(to_size(count));
  std::iota(places.begin(), places.end(), first);
  std::stable_sort(places.begin(), places.end(), [&](index_t a, index_t b) {
    return order == removal_order::lowest_first ? scores[to_size(a)] < scores[to_size(b)]
                                                : scores[to_size(a)] > scores[to_size(b)];
  });
  return places;
}

TEST(weight_mask, rows_lose_exact_counts_as_a_stable_sort_has_them) {
  random_source random{221};
  for (index_t round = 0; round < 200; ++round) {
    const index_t outputs = 1 + random.below(9);
    const index_t inputs = 1 + random.below(40);
    std::vector<float> numbers(to_size(outputs * inputs));
    for (float& number : numbers) number = static_cast<float>(random.below(7) - 3);  // many ties
    const unstructured share{.rate = random.uniform()};
    const auto order = random.below(2) == 0 ? removal_order::lowest_first : removal_order::highest_first;
    const matrix_view<const float> weights{numbers.data(), outputs, inputs};
    const weight_mask made = mask_of(weights, weight_magnitude{}, share, order);
    const std::vector<double> scores = scores_of(weights, weight_magnitude{});
    const auto removed = static_cast<index_t>(std::floor(static_cast<double>(inputs) * share.rate));
    std::vector<char> expected(numbers.size(), 1);
    for (index_t output = 0; output < outputs; ++output) {
      const auto places = sorted_places(scores, output * inputs, inputs, order);
      for (index_t i = 0; i < removed; ++i) expected[to_size(places[to_size(i)])] = 0;
      ASSERT_EQ(made.removed(output), removed);
    }
    ASSERT_EQ(made.kept, expected);
    ASSERT_EQ(made.removed(), removed * outputs);
    ASSERT_EQ(made.undefined, 0u);
  }
}

TEST(weight_mask, groups_lose_exact_counts_as_a_stable_sort_has_them) {
  random_source random{222};
  for (index_t round = 0; round < 200; ++round) {
    const index_t group = 1 + random.below(8);
    const n_of_m share{.removed = random.below(group), .of = group};
    const index_t inputs = group * (1 + random.below(6));
    std::vector<bf16> numbers(to_size(3 * inputs));
    for (bf16& number : numbers) number = to_bf16(static_cast<float>(random.below(7) - 3));
    const matrix_view<const bf16> weights{numbers.data(), 3, inputs};
    const auto order = random.below(2) == 0 ? removal_order::lowest_first : removal_order::highest_first;
    const weight_mask made = mask_of(weights, weight_magnitude{}, share, order);
    const std::vector<double> scores = scores_of(weights, weight_magnitude{});
    std::vector<char> expected(numbers.size(), 1);
    for (index_t first = 0; first < 3 * inputs; first += group) {
      const auto places = sorted_places(scores, first, group, order);
      for (index_t i = 0; i < share.removed; ++i) expected[to_size(places[to_size(i)])] = 0;
    }
    ASSERT_EQ(made.kept, expected);
  }
}

TEST(weight_mask, says_what_it_was_made_of) {
  random_source random{223};
  const auto samples = testing::random_samples(random, 8, 3);
  const auto found = testing::measured<input_moments>(samples, "de");
  const auto numbers = random_numbers<float>(random, 16);
  const weight_mask made = mask_of(matrix_view<const float>{numbers.data(), 2, 8}, wanda{found}, n_of_m{});
  EXPECT_EQ(made.score, "wanda(de)");
  EXPECT_EQ(made.sparsity, "2 of 4");
  EXPECT_EQ(made.from, (evidence{"de", found.read().positions()}));
  EXPECT_TRUE(made.keeps(0, 0) == (made.kept[0] == 1) && made.keeps(1, 7) == (made.kept[15] == 1));
}

TEST(weight_mask, the_order_of_calibration_samples_does_not_matter) {
  random_source random{224};
  auto samples = testing::random_samples(random, 24, 30);
  const auto numbers = random_numbers<float>(random, 10 * 24);
  const matrix_view<const float> weights{numbers.data(), 10, 24};
  const weight_mask made = mask_of(weights, wanda{testing::measured<input_moments>(samples)}, unstructured{0.5});
  shuffle(samples, random);
  EXPECT_EQ(mask_of(weights, wanda{testing::measured<input_moments>(samples)}, unstructured{0.5}), made);
}

TEST(weight_mask, what_is_no_number_goes_last_from_either_end) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> numbers{nan, 3, 1, nan, 2};
  const matrix_view<const float> weights{numbers.data(), 1, 5};
  const auto kept = [&](double rate, removal_order order) {
    return mask_of(weights, weight_magnitude{}, unstructured{rate}, order).kept;
  };
  EXPECT_EQ(kept(0.4, removal_order::lowest_first), (std::vector<char>{1, 1, 0, 1, 0}));
  EXPECT_EQ(kept(0.4, removal_order::highest_first), (std::vector<char>{1, 0, 1, 1, 0}));
  EXPECT_EQ(kept(0.8, removal_order::lowest_first), (std::vector<char>{0, 0, 0, 1, 0}));
  EXPECT_EQ(mask_of(weights, weight_magnitude{}, unstructured{0.4}).undefined, 2u);
}

TEST(weight_mask, overlap_is_intersection_over_union) {
  weight_mask a{.outputs = 1, .inputs = 4, .kept = {1, 1, 0, 0}}, b{.outputs = 1, .inputs = 4, .kept = {1, 0, 1, 0}};
  EXPECT_EQ(intersection_over_union(a, b), 1.0 / 3);
  EXPECT_EQ(intersection_over_union(a, b, fate::remove), 1.0 / 3);
  b.kept = {1, 0, 0, 0};
  EXPECT_EQ(intersection_over_union(a, b), 1.0 / 2);
  EXPECT_EQ(intersection_over_union(a, b, fate::remove), 2.0 / 3);
  EXPECT_EQ(intersection_over_union(a, a), 1.0);
  a.kept = b.kept = {1, 1, 1, 1};
  EXPECT_EQ(intersection_over_union(a, b, fate::remove), 1.0) << "of none";
}

TEST(weight_mask, refuses_what_does_not_fit) {
  const std::vector<float> numbers(12);
  const matrix_view<const float> weights{numbers.data(), 2, 6};
  EXPECT_THROW(mask_of(weights, weight_magnitude{}, unstructured{1}), setting_error);
  EXPECT_THROW(mask_of(weights, weight_magnitude{}, n_of_m{}), shape_error);
  input_moments narrow{{.width = 5}};
  narrow.add({numbers.data(), 1, 5});
  narrow.sample_end();
  EXPECT_THROW(mask_of(weights, wanda{narrow}, unstructured{}), shape_error);
  const weight_mask a{.outputs = 1, .inputs = 2, .kept = {1, 1}}, b{.outputs = 2, .inputs = 1, .kept = {1, 1}};
  expect_says(message_of<shape_error>([&] { intersection_over_union(a, b); }), {"[1 x 2]", "got [2 x 1]"});
}

}  // namespace
}  // namespace fissile
