#include <fissile/train/scratch.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

template <element T, std::floating_point A>
struct own_sizes {
  using element_type = T;
  using number_type = A;
  index_t w = 3, n = 4, e = 2;
  index_t width() const { return w; }
  index_t neurons() const { return n; }
  index_t experts() const { return e; }
};

TEST(training_scratch, reads_weights_of_its_own_number_in_place) {
  training_scratch scratch{own_sizes<float, float>{}};
  const std::vector<float> stored(12);
  const matrix_view<const float> view{stored.data(), 4, 3};
  EXPECT_EQ(scratch.widened(view).data(), stored.data());
}

template <element T, std::floating_point A>
void expect_widened(random_source& random) {
  training_scratch scratch{own_sizes<T, A>{}};
  const std::vector<T> stored = random_numbers<T>(random, 4 * 5);
  const matrix_view<const T> view{stored.data(), 4, 3, 5};
  const matrix_view<const A> wide = scratch.widened(view);
  for (index_t r = 0; r < 4; ++r) {
    for (index_t c = 0; c < 3; ++c) EXPECT_EQ(wide(r, c), widen<A>(view(r, c)));
  }
}
TEST(training_scratch, widens_every_element_exactly) {
  random_source random{1};
  expect_widened<bf16, float>(random);
  expect_widened<f16, float>(random);
  expect_widened<bf16, double>(random);
  expect_widened<float, double>(random);
  expect_widened<double, float>(random);
}

TEST(training_scratch, refuses_a_batch_of_none) {
  EXPECT_EQ(refusal_of<setting_error>([] {
              training_scratch scratch{own_sizes<float, float>{}, {.batch = 0}};
            }),
            "training_scratch: batch: expected at least 1 token, got 0");
}

TEST(training_scratch, fits_what_is_not_larger) {
  const training_scratch scratch{own_sizes<bf16, float>{}};
  const auto refusal = [&](own_sizes<bf16, float> layer) {
    return refusal_of<shape_error>([&] { scratch.check_fits(layer); });
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.w = 1, .n = 2, .e = 1}), "");
  EXPECT_NE(refusal({.w = 3, .n = 5, .e = 2}), "");
  EXPECT_NE(refusal({.w = 4, .n = 4, .e = 2}), "");
  EXPECT_EQ(refusal({.w = 3, .n = 4, .e = 3}),
            "tape: scratch: expected one made for a layer of at least 4 neurons and 3 experts, got one made for a "
            "smaller layer; make the scratch for the largest layer of the network");
}

}  // namespace
}  // namespace fissile::testing
