#include <engine/attention.hpp>

#include <fissile/base/random.hpp>
#include <fissile/base/thread_pool.hpp>

#include <gtest/gtest.h>

namespace fissile::engine {
namespace {

architecture shape(index_t heads, index_t key_heads, index_t head_size) {
  architecture sizes;
  sizes.heads = heads;
  sizes.key_heads = key_heads;
  sizes.head_size = head_size;
  return sizes;
}

std::vector<float> noise(std::uint64_t seed, index_t count) {
  random_source random{seed};
  std::vector<float> numbers;
  for (index_t i = 0; i < count; ++i) numbers.push_back(static_cast<float>(random.normal()));
  return numbers;
}

/// Queries, keys and values of a text, and what attention makes of them in parts of `at_once` tokens.
struct sample {
  sample(const architecture& chosen, index_t count)
      : sizes(chosen),
        tokens(count),
        query(noise(1, count * sizes.query_width())),
        key(noise(2, count * sizes.key_width())),
        value(noise(3, count * sizes.key_width())) {}

  std::vector<float> attended(index_t at_once, executor_reference run = {}) const {
    std::vector<float> out(query.size());
    attention attend{sizes, tokens, run};
    attention_cache cache{sizes, tokens};
    const auto part = [&](const std::vector<float>& of, index_t width, index_t first, index_t count) {
      return matrix_view<const float>{of.data() + first * width, count, width};
    };
    for (index_t first = 0; first < tokens; first += at_once) {
      const index_t count = std::min(at_once, tokens - first);
      cache.append(first, part(key, sizes.key_width(), first, count), part(value, sizes.key_width(), first, count));
      attend(cache, part(query, sizes.query_width(), first, count),
             {out.data() + first * sizes.query_width(), count, sizes.query_width()}, first);
    }
    return out;
  }

  /// By the formula, in double.
  std::vector<double> plain() const {
    std::vector<double> out;
    const index_t size = sizes.head_size, group = sizes.heads / sizes.key_heads;
    for (index_t token = 0; token < tokens; ++token) {
      for (index_t head = 0; head < sizes.heads; ++head) {
        std::vector<double> sums(to_size(size), 0.0);
        double total = 0;
        for (index_t seen = 0; seen <= token; ++seen) {
          const std::size_t other = to_size(seen * sizes.key_width() + head / group * size);
          double score = 0;
          for (index_t i = 0; i < size; ++i) {
            score += static_cast<double>(query[to_size(token * sizes.query_width() + head * size + i)]) *
                     static_cast<double>(key[other + to_size(i)]);
          }
          const double share = std::exp(score / std::sqrt(static_cast<double>(size)));
          total += share;
          for (index_t i = 0; i < size; ++i) sums[to_size(i)] += share * static_cast<double>(value[other + to_size(i)]);
        }
        for (const double sum : sums) out.push_back(sum / total);
      }
    }
    return out;
  }

  architecture sizes;
  index_t tokens;
  std::vector<float> query, key, value;
};

TEST(attention, computes_what_the_formula_says) {
  for (const architecture& sizes : {shape(1, 1, 64), shape(4, 2, 8), shape(6, 2, 80), shape(30, 1, 6)}) {
    const sample text{sizes, 150};  // three panels of positions, the last one begun
    const std::vector<float> found = text.attended(150);
    const std::vector<double> expected = text.plain();
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-5) << sizes.heads << ", " << i;
  }
}

TEST(attention, has_the_same_bits_in_any_parts_and_on_any_threads) {
  const sample text{shape(6, 2, 12), 70};
  const std::vector<float> whole = text.attended(70);
  EXPECT_EQ(text.attended(1), whole);
  EXPECT_EQ(text.attended(13), whole);
  thread_pool pool{3};
  EXPECT_EQ(text.attended(29, pool), whole);
}

TEST(softmax, computes_shares_for_every_instruction_set) {
  const std::vector<float> scores = noise(4, 128);
  for (const instruction_set set : all_instruction_sets) {
    if (!available(set)) continue;
    for (const index_t seen : {1, 16, 63, 64, 65, 128}) {
      std::vector<float> row = scores;
      const index_t padded = panelled(seen);
      softmax_for(set)({row.data(), seen, padded, 3.0f});
      double total = 0;
      for (index_t i = 0; i < seen; ++i) total += std::exp(3.0 * static_cast<double>(scores[to_size(i)]));
      for (index_t i = 0; i < padded; ++i) {
        const double share = i < seen ? std::exp(3.0 * static_cast<double>(scores[to_size(i)])) / total : 0;
        ASSERT_NEAR(row[to_size(i)], share, 1e-6) << name_of(set) << ", " << seen << ", " << i;
      }
    }
  }
}

TEST(softmax, neither_overflows_nor_leaves_a_trace_of_what_is_far_below) {
  std::vector<float> row(64, -1e30f);
  row[3] = row[5] = 1e30f;
  softmax_for(best_instruction_set())({row.data(), 64, 64, 1.0f});
  for (index_t i = 0; i < 64; ++i) EXPECT_EQ(row[to_size(i)], i == 3 || i == 5 ? 0.5f : 0.0f);
}

}  // namespace
}  // namespace fissile::engine
