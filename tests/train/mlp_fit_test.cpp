// A fit of MoEfication's router: it learns to foretell an oracle, keeps its best epoch, and refuses what does not fit.
#include "train/problem.hpp"

#include <fissile/train/mlp_fit.hpp>

namespace fissile::testing {
namespace {

/// Tokens, and scores that a router of this kind can foretell: how far each token goes in the direction of an expert.
struct oracle_lesson {
  static constexpr index_t width = 8, experts = 6, tokens = 600;
  owned_ffn<float> ffn;  // only what training starts from
  partition split = even_slices{}.split(24, experts);
  std::vector<float> x, scores;

  explicit oracle_lesson(std::uint64_t seed) {
    random_source random{seed};
    ffn = random_ffn<float>(random, {.width = width, .neurons = 24});
    x = random_numbers<float>(random, tokens * width);
    const std::vector<float> directions = random_numbers<float>(random, experts * width);
    for (index_t token = 0; token < tokens; ++token) {
      for (index_t e = 0; e < experts; ++e) {
        float along = 0;
        for (index_t i = 0; i < width; ++i) along += directions[to_size(e * width + i)] * x[to_size(token * width + i)];
        scores.push_back(std::max(along, 0.0f));
      }
    }
  }
  mlp_fit<float> fit(const mlp_settings& chosen) const {
    return fit_mlp_router(mlp_start<float>(ffn.view(), split), {x.data(), tokens, width},
                          {scores.data(), tokens, experts}, chosen);
  }
};

TEST(mlp_fit, learns_to_foretell_the_oracle) {
  const oracle_lesson lesson{4};
  const mlp_settings chosen{.epochs = 60, .active = 0.33, .batch = 64};
  const mlp_fit<float> untaught = lesson.fit({.epochs = 1, .rate = 0, .active = 0.33, .batch = 64});
  const mlp_fit<float> learned = lesson.fit(chosen);
  EXPECT_GT(learned.captured, untaught.captured + 0.2);
  EXPECT_GT(learned.captured, 0.93);
  EXPECT_LE(learned.captured, 1);
  EXPECT_GE(learned.epoch, 1);
  const mlp_fit<float> again = lesson.fit(chosen);
  EXPECT_EQ(again.net, learned.net);
  EXPECT_EQ(again.captured, learned.captured);
}

TEST(mlp_fit, captures_all_where_the_choice_is_the_oracles) {
  const std::vector<float> oracle{3, 1, 4, 1, 5};
  const std::vector<float> same{0.3f, 0.1f, 0.4f, 0.1f, 0.5f}, opposite{0, 5, 0, 4, 0};
  const vector_view<const float> truth{oracle};
  EXPECT_EQ(captured_by<float>(same, truth, 2), 9);
  EXPECT_EQ(captured_by<float>(opposite, truth, 2), 2);
  EXPECT_EQ(captured_by<float>(opposite, truth, 3), 5) << "of equals the lower expert";
}

TEST(mlp_fit, refuses_what_does_not_fit) {
  const oracle_lesson lesson{5};
  EXPECT_NE(refusal_of<setting_error>([&] { lesson.fit({.epochs = 0}); }).find("mlp_settings"), std::string::npos);
  EXPECT_NE(refusal_of<setting_error>([&] { lesson.fit({.held_out = 1}); }).find("held_out"), std::string::npos);
  EXPECT_NE(refusal_of<setting_error>([&] { lesson.fit({.rate = -1}); }).find("rate"), std::string::npos);
  const auto start = mlp_start<float>(lesson.ffn.view(), lesson.split);
  EXPECT_NE(refusal_of<shape_error>([&] {
              fit_mlp_router(start, {lesson.x.data(), 1, 8}, {lesson.scores.data(), 1, 6}, {});
            }).find("fit_mlp_router"),
            std::string::npos);
  EXPECT_NE(refusal_of<shape_error>([&] {
              fit_mlp_router(start, {lesson.x.data(), 9, 8}, {lesson.scores.data(), 9, 5}, {});
            }).find("[9 x 5]"),
            std::string::npos);
  mlp_matrices<float> empty = start;
  empty.numbers.clear();
  EXPECT_NE(refusal_of<shape_error>([&] {
              fit_mlp_router(empty, {lesson.x.data(), 9, 8}, {lesson.scores.data(), 9, 6}, {});
            }).find("start"),
            std::string::npos);
}

}  // namespace
}  // namespace fissile::testing
