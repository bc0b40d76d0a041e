// The recipe against the formulas written plainly, as the authors' code has them.
#include <fissile/recipes/translation_pruning.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace translation_pruning_tests {

using testing::refusal;
using translation_pruning::candidate_order;
using translation_pruning::choices;
using translation_pruning::rank_consistency;

struct linear_case {
  explicit linear_case(std::uint64_t seed) {
    random_source random{seed};
    outputs = 1 + random.below(6);
    inputs = 4 * (1 + random.below(5));
    weights = testing::random_numbers<float>(random, outputs * inputs, 1);
    for (index_t sample = 0; sample < 3; ++sample) {
      samples.push_back(testing::random_numbers<float>(random, (2 + sample) * inputs, 1));
      padding.emplace_back(to_size(2 + sample), char{0});
      padding.back().back() = 1;  // the last position only pads
    }
  }
  matrix_view<const float> matrix() const { return {weights.data(), outputs, inputs}; }
  input_moments measure(const choices& chosen) const {
    input_moments found = translation_pruning::moments(inputs, "made up", chosen);
    for (std::size_t s = 0; s < samples.size(); ++s) {
      found.add({samples[s].data(), length(padding[s]), inputs}, padding[s]);
      found.sample_end();
    }
    return found;
  }
  /// Mean over samples of the squared norm of one input.
  double mean_square(index_t input, padding_rule rule) const {
    double sum = 0;
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const index_t positions = length(padding[s]) - (rule == padding_rule::masked ? 1 : 0);
      for (index_t t = 0; t < positions; ++t) {
        const double x = static_cast<double>(samples[s][to_size(t * inputs + input)]);
        sum += x * x / static_cast<double>(samples.size());
      }
    }
    return sum;
  }

  index_t outputs, inputs;
  std::vector<float> weights;
  std::vector<std::vector<float>> samples;
  std::vector<std::vector<char>> padding;
};

/// Sorts each row ascending and drops the first floor(inputs * rate), as the code does.
std::vector<char> plain_mask(const linear_case& made, double rate, const std::vector<double>& squares) {
  std::vector<char> kept(made.weights.size(), 1);
  for (index_t i = 0; i < made.outputs; ++i) {
    std::vector<std::pair<double, index_t>> row;
    for (index_t j = 0; j < made.inputs; ++j) {
      const double weight = std::abs(static_cast<double>(made.weights[to_size(i * made.inputs + j)]));
      row.emplace_back(weight * std::sqrt(squares[to_size(j)]), j);
    }
    std::sort(row.begin(), row.end());
    for (index_t k = 0; k < static_cast<index_t>(static_cast<double>(made.inputs) * rate); ++k) {
      kept[to_size(i * made.inputs + row[to_size(k)].second)] = 0;
    }
  }
  return kept;
}

TEST(translation_pruning, masks_are_those_of_the_formula) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const linear_case made{seed}, other{seed + 100};
    for (const padding_rule rule : {padding_rule::reference, padding_rule::masked}) {
      for (const double rate : {0.0, 0.3, 0.5, 0.8}) {
        const choices chosen{.rate = rate, .padding = rule};
        std::vector<double> squares;
        for (index_t j = 0; j < made.inputs; ++j) squares.push_back(made.mean_square(j, rule));
        const weight_mask mask = translation_pruning::mask(made.matrix(), made.measure(chosen), chosen);
        EXPECT_EQ(mask.kept, plain_mask(made, rate, squares)) << seed;
        EXPECT_EQ(mask.from.corpus, "made up");
      }
    }
  }
}

TEST(translation_pruning, padding_decides_in_reference_mode_only) {
  linear_case made{7};
  const auto kept = [&](padding_rule rule) {
    const choices chosen{.rate = 0.5, .padding = rule};
    return translation_pruning::mask(made.matrix(), made.measure(chosen), chosen).kept;
  };
  const std::vector<char> reference = kept(padding_rule::reference), masked = kept(padding_rule::masked);
  for (auto& sample : made.samples) {  // what pads changes
    for (index_t j = 0; j < made.inputs; j += 2) sample[sample.size() - 1 - to_size(j)] += 50;
  }
  EXPECT_EQ(kept(padding_rule::masked), masked);
  EXPECT_NE(kept(padding_rule::reference), reference);
}

TEST(translation_pruning, the_ratio_multiplies_twice_and_divides_once) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const linear_case made{seed};
    linear_case other = made;  // the same shape, other inputs
    random_source random{seed + 500};
    for (auto& sample : other.samples) {
      for (float& x : sample) x = static_cast<float>(random.normal());
    }
    const choices chosen{.rate = 0.5, .padding = padding_rule::masked, .eps = 1e-12};
    std::vector<double> squares;
    for (index_t j = 0; j < made.inputs; ++j) {
      const double top = made.mean_square(j, padding_rule::masked);
      squares.push_back(top * top / other.mean_square(j, padding_rule::masked));
    }
    const weight_mask mask =
        translation_pruning::mask(made.matrix(), made.measure(chosen), other.measure(chosen), chosen);
    EXPECT_EQ(mask.kept, plain_mask(made, 0.5, squares)) << seed;
  }
}

TEST(translation_pruning, groups_and_the_ablation) {
  const linear_case made{3};
  const choices two_of_four{.groups = n_of_m{}, .order = removal_order::highest_first};
  const weight_mask mask = translation_pruning::mask(made.matrix(), made.measure(two_of_four), two_of_four);
  for (index_t i = 0; i < made.outputs * made.inputs; i += 4) {
    EXPECT_EQ(std::count(mask.kept.begin() + i, mask.kept.begin() + i + 4, char{0}), 2);
  }
  EXPECT_EQ(mask.sparsity, "2 of 4");
  choices lowest = two_of_four;
  lowest.order = removal_order::lowest_first;
  EXPECT_EQ(intersection_over_union(mask, translation_pruning::mask(made.matrix(), made.measure(lowest), lowest),
                                    fate::remove),
            0);
}

TEST(translation_pruning, random_weights_go_each_by_itself) {
  const std::vector<float> weights(4000, 1.0f);
  const matrix_view<const float> matrix{weights.data(), 40, 100};
  const weight_mask mask = translation_pruning::at_random(matrix, 5, {.rate = 0.3});
  EXPECT_NEAR(static_cast<double>(mask.removed()), 1200, 4 * std::sqrt(4000 * 0.3 * 0.7));
  std::vector<index_t> of_rows;
  for (index_t row = 0; row < 40; ++row) of_rows.push_back(mask.removed(row));
  EXPECT_NE(*std::min_element(of_rows.begin(), of_rows.end()), *std::max_element(of_rows.begin(), of_rows.end()));
  EXPECT_EQ(mask, translation_pruning::at_random(matrix, 5, {.rate = 0.3}));
}

TEST(translation_pruning, magnitudes_and_overlap_by_hand) {
  // two inputs of one block: features 0 ... 4
  const std::vector<float> first{3, 0, 1, 0, 0, 4, 0, 1, 0, 0}, second{0, 0, 0, 2, 1, 9, 9, 9, 9, 9};
  const std::vector<char> none(2, 0), last{0, 1};
  const auto find = [&](const choices& chosen) {
    feature_magnitudes found = translation_pruning::large_features(1, 5, "made up");
    for (index_t layer = 0; layer < 2; ++layer) {
      translation_pruning::add_states(found, layer, {first.data(), 2, 5}, none, chosen);
    }
    found.input_end();
    for (index_t layer = 0; layer < 2; ++layer) {
      translation_pruning::add_states(found, layer, {second.data(), 2, 5}, last, chosen);
    }
    found.input_end();
    return found;
  };
  const feature_magnitudes masked = find({.padding = padding_rule::masked});
  EXPECT_NEAR(masked.magnitude(1, 0), 2.5, 1e-12);  // (sqrt(9 + 16) + 0) / 2
  EXPECT_NEAR(masked.magnitude(1, 3), 1.0, 1e-12);
  EXPECT_EQ(translation_pruning::top_features(masked, 0, 2), (std::vector<index_t>{0, 3}));
  const feature_magnitudes reference = find({.padding = padding_rule::reference});
  EXPECT_NEAR(reference.magnitude(1, 1), 4.5, 1e-12);  // the position that pads counts
  // round(0.4 * 5) = 2: masked is largest in 0 and 3, reference smallest in 1 and 4 (4.5 and about 4.53)
  EXPECT_EQ(translation_pruning::overlap(masked, reference, {}), (std::vector<double>{0, 0}));
  EXPECT_NEAR(translation_pruning::overlap(reference, masked, {.overlap = 0.6}).front(), 100.0 / 3, 1e-9);
}

TEST(translation_pruning, calibration_texts_take_their_shots_and_skip_a_pair) {
  std::vector<translation_pruning::sentence_pair> pairs;
  for (char c = 'a'; c <= 'h'; ++c) pairs.push_back({std::string(1, c), std::string(2, c)});
  const auto texts = translation_pruning::calibration_texts(pairs, {.source = "X", .target = "Y", .end = "|"},
                                                            {.demonstrations = 2, .samples = 100});
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_EQ(texts[0], "X: a|Y: aa|X: b|Y: bb|");
  EXPECT_EQ(texts[1], "X: d|Y: dd|X: e|Y: ee|");
  EXPECT_EQ(texts[2], "X: g|Y: gg|X: h|Y: hh|");
  EXPECT_EQ(translation_pruning::calibration_texts(pairs, {}, {.demonstrations = 2, .samples = 1}).size(), 1u);
  EXPECT_NE(refusal<setting_error>([&] { translation_pruning::calibration_texts(pairs, {}, {.demonstrations = 9}); }),
            "");
}

TEST(translation_pruning, labels_by_mean_log_probability) {
  const std::vector<double> three{-1, -2, -3};
  EXPECT_DOUBLE_EQ(translation_pruning::label_score(three, {}), -1.5);  // over four tokens, as the code has it
  EXPECT_DOUBLE_EQ(translation_pruning::label_score(three, {.length = translation_pruning::label_length::predicted}),
                   -2);
  const double nan = std::nan("");
  EXPECT_EQ(translation_pruning::best_label(std::vector<double>{nan, -2, -1, -1}), 2);
  EXPECT_EQ(translation_pruning::best_label(std::vector<double>{nan}), -1);
}

TEST(rank_consistency, by_hand) {
  // w = softmax(2, 1, 0); descending a: 0 1 2, b: 1 0 2; the prefixes share 0, 2 and 3 of 1, 2 and 3
  const std::vector<std::vector<double>> a{{3, 2, 1}}, b{{2, 3, 1}};
  const double e = std::exp(1.0), whole = e * e + e + 1;
  EXPECT_NEAR(rank_consistency(a, b, candidate_order::descending), (e + 1) / whole, 1e-12);
  // ascending a: 2 1 0, b: 2 0 1; the prefixes share 1, 1 and 3
  EXPECT_NEAR(rank_consistency(a, b, candidate_order::ascending), (e * e + e / 2 + 1) / whole, 1e-12);
  // reversed orders of four: 0 of 1, 0 of 2, 2 of 3, 4 of 4
  const std::vector<std::vector<double>> up{{1, 2, 3, 4}}, down{{4, 3, 2, 1}};
  const double four = e * e * e + e * e + e + 1;
  EXPECT_NEAR(rank_consistency(up, down, candidate_order::descending), (e * 2 / 3 + 1) / four, 1e-12);
  // a mean over items
  EXPECT_NEAR(rank_consistency({a[0], a[0]}, {b[0], a[0]}, candidate_order::descending), ((e + 1) / whole + 1) / 2,
              1e-12);
}

TEST(rank_consistency, is_symmetric_and_one_for_equal_orders) {
  random_source random{11};
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<std::vector<double>> a, b, monotone;
    const index_t candidates = 1 + random.below(6);
    for (int item = 0; item < 4; ++item) {
      auto& of_a = a.emplace_back();
      auto& of_b = b.emplace_back();
      auto& same = monotone.emplace_back();
      for (index_t c = 0; c < candidates; ++c) {
        of_a.push_back(random.normal());
        of_b.push_back(random.normal());
        same.push_back(3 * of_a.back() - 1);
      }
    }
    for (const candidate_order order : {candidate_order::ascending, candidate_order::descending}) {
      EXPECT_NEAR(rank_consistency(a, monotone, order), 1, 1e-12);
      EXPECT_DOUBLE_EQ(rank_consistency(a, b, order), rank_consistency(b, a, order));
      EXPECT_LE(rank_consistency(a, b, order), 1 + 1e-12);
    }
  }
}

TEST(rank_consistency, ties_nan_and_shapes) {
  const double nan = std::nan("");
  using list = std::vector<index_t>;
  EXPECT_EQ(translation_pruning::ranked(std::vector<double>{1, 1, 0}, candidate_order::ascending), (list{2, 0, 1}));
  EXPECT_EQ(translation_pruning::ranked(std::vector<double>{1, 1, 0}, candidate_order::descending), (list{0, 1, 2}));
  EXPECT_EQ(translation_pruning::ranked(std::vector<double>{nan, 0, 1}, candidate_order::descending), (list{2, 1, 0}));
  EXPECT_EQ(rank_consistency({}, {}, candidate_order::ascending), 0);
  const std::vector<std::vector<double>> two{{1, 2}}, three{{1, 2, 3}}, empty{{}};
  EXPECT_NE(refusal<shape_error>([&] { rank_consistency(two, three, candidate_order::ascending); }), "");
  EXPECT_NE(refusal<shape_error>([&] { rank_consistency(two, {}, candidate_order::ascending); }), "");
  EXPECT_NE(refusal<shape_error>([&] { rank_consistency(empty, empty, candidate_order::ascending); }), "");
}

TEST(translation_pruning, no_text_has_no_score_and_no_label) {
  EXPECT_TRUE(std::isnan(translation_pruning::label_score({}, {})));
  EXPECT_EQ(translation_pruning::best_label(std::vector<double>{translation_pruning::label_score({}, {}), -9.0}), 1);
}

TEST(translation_pruning, weights_by_lot_need_a_rate) {
  std::vector<float> numbers(8, 1.0f);
  const matrix_view<const float> weights{numbers.data(), 2, 4};
  EXPECT_THROW(translation_pruning::at_random(weights, 1, {.rate = 30}), setting_error);
}

}  // namespace translation_pruning_tests
}  // namespace fissile
