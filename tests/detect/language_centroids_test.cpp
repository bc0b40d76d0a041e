// Centroids of languages are the plain means, their cosines symmetric, and every odd case has its answer.
#include <fissile/detect/language_centroids.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace language_centroids_tests {

using testing::message_of;

const std::vector<std::string> languages{"de", "en", "zh"};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(language_centroids, equal_the_plain_means_of_last_states_and_their_cosines) {
  random_source random{71};
  for (int trial = 0; trial < 30; ++trial) {
    const index_t layers = 1 + random.below(4), width = 1 + random.below(9);
    language_centroids found{{.labels = languages, .layers = layers, .width = width}};
    for (index_t layer = 0; layer < layers; ++layer) {
      std::vector<std::vector<double>> means(3, std::vector<double>(to_size(width)));
      for (index_t label = 0; label < 3; ++label) {
        const index_t sentences = 1 + random.below(6);
        for (index_t sentence = 0; sentence < sentences; ++sentence) {
          const index_t tokens = 1 + random.below(5), pads = random.below(3), positions = tokens + pads;
          const auto states = testing::random_numbers<float>(random, positions * width);
          std::vector<char> padding(to_size(positions), 0);
          for (index_t pad = tokens; pad < positions; ++pad) padding[to_size(pad)] = 1;
          found.add(label, layer, matrix_view{states.data(), positions, width}, padding);
          for (index_t i = 0; i < width; ++i) {
            means[to_size(label)][to_size(i)] +=
                static_cast<double>(states[to_size((tokens - 1) * width + i)]) / static_cast<double>(sentences);
          }
        }
        ASSERT_EQ(found.sentences(label, layer), static_cast<std::uint64_t>(sentences));
        const std::vector<double> centroid = found.centroid(label, layer);
        for (index_t i = 0; i < width; ++i) ASSERT_NEAR(centroid[to_size(i)], means[to_size(label)][to_size(i)], 1e-12);
      }
      const auto table = found.cosines(layer);
      double all = 0, others = 0;
      for (std::size_t a = 0; a < 3; ++a) {
        for (std::size_t b = 0; b < 3; ++b) {
          const auto dot = [&](std::size_t p, std::size_t q) {
            double sum = 0;
            for (std::size_t i = 0; i < means[p].size(); ++i) sum += means[p][i] * means[q][i];
            return sum;
          };
          ASSERT_NEAR(table[a][b], dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)), 1e-9);
          ASSERT_EQ(table[a][b], table[b][a]);
          ASSERT_EQ(table[a][b], found.cosine(languages[b], languages[a], layer));
          ASSERT_LE(std::abs(table[a][b]), 1);
          all += table[a][b];
          others += a == b ? 0 : table[a][b];
        }
        ASSERT_EQ(table[a][a], 1);
      }
      EXPECT_NEAR(found.mean_cosine(layer, own_pairs::included), all / 9, 1e-12);
      EXPECT_NEAR(found.mean_cosine(layer, own_pairs::left_out), others / 6, 1e-12);
    }
  }
}

TEST(language_centroids, the_last_row_alone_does_as_well) {
  random_source random{72};
  const auto states = testing::random_numbers<double>(random, 4 * 6);
  language_centroids all{{.labels = languages, .layers = 2, .width = 6}}, last = all;
  const matrix_view<const double> text{states.data(), 4, 6};
  all.add("en", 1, text);
  last.add("en", 1, text.rows(3, 1));
  EXPECT_EQ(all, last);
  EXPECT_EQ(all.sentences("en", 0), 0u);
}

/// Columns: two alike, one opposite, one across, one of zeros, one never seen.
TEST(language_centroids, cosines_by_hand) {
  language_centroids found{{.labels = {"one", "twice", "opposite", "across", "zero", "none"}, .width = 2}};
  const auto put = [&](label_key label, std::vector<float> state) {
    found.add(label, 0, matrix_view<const float>{state.data(), 1, 2});
  };
  put("one", {3, 4});
  put("twice", {6, 8});
  put("opposite", {-3, -4});
  put("across", {-4, 3});
  put("zero", {1, 1});
  put("zero", {-1, -1});
  EXPECT_EQ(found.cosine("one", "twice", 0), 1);
  EXPECT_EQ(found.cosine("one", "opposite", 0), -1);
  EXPECT_EQ(found.cosine("one", "across", 0), 0);
  for (const char* other : {"one", "zero", "none"}) {
    EXPECT_TRUE(std::isnan(found.cosine("zero", other, 0))) << other;
    EXPECT_TRUE(std::isnan(found.cosine(other, "none", 0))) << other;
  }
  EXPECT_EQ(found.centroid("zero", 0), (std::vector<double>{0, 0}));
  EXPECT_EQ(found.centroid("none", 0), (std::vector<double>{0, 0}));
  // of one, twice, opposite and across: 6 pairs, 1 - 1 + 0 - 1 + 0 + 0
  EXPECT_DOUBLE_EQ(found.mean_cosine(0, own_pairs::left_out), -1.0 / 6);
  EXPECT_DOUBLE_EQ(found.mean_cosine(0, own_pairs::included), (4 - 2.0) / 16);
  const language_centroids alone{{.labels = {"en"}, .width = 2}};
  EXPECT_TRUE(std::isnan(alone.mean_cosine(0, own_pairs::included)));
}

TEST(language_centroids, a_sentence_without_a_last_state_is_counted_and_left_out) {
  language_centroids found{{.labels = languages, .width = 2}};
  const std::vector<double> states{nan, nan, 1, 2, std::numeric_limits<double>::infinity(), 0};
  const matrix_view<const double> text{states.data(), 3, 2};
  found.add("de", 0, text);
  found.add("de", 0, text, std::vector<char>{0, 1, 1});
  found.add("de", 0, text, std::vector<char>{1, 1, 1});
  found.add("de", 0, matrix_view<const double>{states.data(), 0, 2});
  EXPECT_EQ(found.undefined("de", 0), 4u);
  EXPECT_EQ(found.sentences("de", 0), 0u);
  found.add("de", 0, text, std::vector<char>{0, 0, 1});
  EXPECT_EQ(found.sentences("de", 0), 1u);
  EXPECT_EQ(found.centroid("de", 0), (std::vector<double>{1, 2})) << "what is before the last does not matter";
}

TEST(language_centroids, merging_equals_one_pass) {
  random_source random{73};
  language_centroids whole{{.labels = languages, .layers = 3, .width = 5, .corpus = "guide"}}, first = whole;
  language_centroids second{{.labels = languages, .layers = 3, .width = 5, .corpus = "news"}};
  for (index_t i = 0; i < 60; ++i) {
    const auto state = testing::random_numbers<float>(random, 5);
    for (language_centroids* into : {&whole, i < 25 ? &first : &second}) {
      into->add(i % 3, i / 3 % 3, matrix_view{state.data(), 1, 5});
    }
  }
  EXPECT_NE(first, whole);
  first.merge(second);
  EXPECT_EQ(first.corpus(), "guide + news");
  for (index_t layer = 0; layer < 3; ++layer) {
    for (index_t label = 0; label < 3; ++label) {
      EXPECT_EQ(first.sentences(label, layer), whole.sentences(label, layer));
      const auto a = first.centroid(label, layer), b = whole.centroid(label, layer);
      for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(a[i], b[i], 1e-12);
    }
  }
}

TEST(language_centroids, refuses_what_cannot_be) {
  EXPECT_EQ(message_of<setting_error>([] { language_centroids{{.labels = {"en"}, .layers = 0}}; }),
            "language_centroids: layers: expected at least 1, got 0");
  EXPECT_EQ(message_of<setting_error>([] { language_centroids{{.labels = {"en"}, .width = 0}}; }),
            "language_centroids: width: expected at least 1, got 0");
  EXPECT_EQ(message_of<setting_error>([] {
              language_centroids{{.labels = {"en", "en"}}};
            }),
            "language_centroids: labels: expected at least one label, none empty, each once, got \"en\" twice");
  language_centroids found{{.labels = {"en"}, .layers = 3, .width = 4}};
  EXPECT_EQ(message_of<setting_error>([&] { found.centroid("en", 3); }),
            "language_centroids: layer: expected from 0, the embedding's output, to 2, got 3");
  EXPECT_EQ(message_of<setting_error>([&] { found.cosine("en", "de", 0); }),
            "label: expected one of en, got \"de\"; labels are fixed when counts are made");
  const language_centroids before = found;
  EXPECT_EQ(
      message_of<shape_error>([&] { found.merge(language_centroids{{.labels = {"de"}, .layers = 3, .width = 4}}); }),
      "language_centroids::merge: expected 1 labels, 3 layers of width 4, the same labels, got 1 labels, 3 layers of "
      "width 4");
  EXPECT_EQ(found, before);
}

}  // namespace language_centroids_tests
}  // namespace fissile
