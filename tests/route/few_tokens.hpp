// Scorers called by hand, with no more scratch than they ask for, and the law that tokens do not see each other.
#pragma once

#include <fissile/route/scorer.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace fissile::testing {

/// Scores of up to `lanes` tokens, one token after the other.
template <scorer Scorer>
std::vector<float> scores_of_few(const Scorer& policy, matrix_view<const float> tokens) {
  EXPECT_LE(policy.scratch(), policy.width() * lanes);
  std::vector<float> scratch(to_size(policy.scratch()));
  std::vector<float> scores(to_size(tokens.rows() * policy.experts()), -99.0f);
  policy.score(tokens, {scores.data(), tokens.rows(), policy.experts()}, vector_view<float>(scratch));
  return scores;
}

/// Each token alone, each pair of neighbours, and all together: the same bits.
template <scorer Scorer>
void expect_no_token_sees_another(const Scorer& policy, matrix_view<const float> tokens) {
  const std::vector<float> together = scores_of_few(policy, tokens);
  for (index_t count = 1; count <= std::min<index_t>(2, tokens.rows()); ++count) {
    for (index_t token = 0; token + count <= tokens.rows(); ++token) {
      const std::vector<float> few = scores_of_few(policy, tokens.rows(token, count));
      ASSERT_EQ(std::memcmp(few.data(), together.data() + token * policy.experts(), few.size() * sizeof(float)), 0)
          << count << " tokens from token " << token;
    }
  }
}

}  // namespace fissile::testing
