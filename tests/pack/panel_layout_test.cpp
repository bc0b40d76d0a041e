// The layout: every weight has a place of its own, inside its panel, on the cache lines that the kernels load.
#include <fissile/pack/panel_layout.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace fissile {
namespace {

template <class T>
class layouts : public ::testing::Test {};
using laid_out = ::testing::Types<float, bf16, f16, int8>;
TYPED_TEST_SUITE(layouts, laid_out);

TYPED_TEST(layouts, give_every_weight_bytes_of_its_own) {
  using T = TypeParam;
  for (const index_t terms : {1, 2, 3, 63, 64, 257}) {
    for (const index_t scale_terms : {0, 32, 256}) {
      if (scale_terms != 0 && !std::same_as<T, int8>) continue;
      const panel_matrix<T> shape{.terms = terms, .columns = 64, .scale_terms = scale_terms};
      std::vector<int> owners(to_size(shape.panel_bytes()), 0);
      for (index_t term = 0; term < terms; ++term) {
        for (index_t column = 0; column < 64; ++column) {
          const index_t at = shape.offset(term, column);
          ASSERT_GE(at, shape.scale_bytes());
          ASSERT_LE(at + index_t{sizeof(T)}, shape.panel_bytes());
          for (std::size_t byte = 0; byte < sizeof(T); ++byte) ++owners[to_size(at) + byte];
        }
        ASSERT_LT(shape.scale_row(term), std::max<index_t>(shape.scale_rows(), 1));
      }
      ASSERT_EQ(*std::max_element(owners.begin(), owners.end()), 1) << terms << " terms";
      const index_t padding = terms % shape.step_terms == 0 ? 0 : 64 * index_t{sizeof(T)};
      ASSERT_EQ(std::count(owners.begin(), owners.end(), 0), shape.scale_bytes() + padding);
      ASSERT_EQ(shape.panel_bytes() % 64, 0);
    }
  }
}

TYPED_TEST(layouts, cover_a_matrix_by_panels_of_64_columns) {
  const auto panels = [](index_t columns) { return panel_matrix<TypeParam>{.terms = 3, .columns = columns}.panels(); };
  EXPECT_EQ(panels(1), 1);
  EXPECT_EQ(panels(64), 1);
  EXPECT_EQ(panels(65), 2);
  EXPECT_EQ(panels(300), 5);
}

/// Gate and up of one neuron share a panel: a gated layer has 32 neurons in each.
TYPED_TEST(layouts, pad_neurons_to_whole_panels_and_outputs_not) {
  const panel_layout<TypeParam> gated{70, 33, true, 0}, plain{70, 33, false, 0};
  EXPECT_EQ(gated.neurons_per_panel, 32);
  EXPECT_EQ(gated.in.terms, 70);
  EXPECT_EQ(gated.in.columns, 128);
  EXPECT_EQ(plain.neurons_per_panel, 64);
  EXPECT_EQ(plain.in.columns, 64);
  EXPECT_EQ(gated.out.terms, 33);
  EXPECT_EQ(gated.out.columns, 70);
  EXPECT_EQ(gated.out.panels(), 2);
  EXPECT_EQ(gated.bytes(), 2 * gated.in.panel_bytes() + 2 * gated.out.panel_bytes());
}

TEST(layouts, of_bf16_hold_two_neighbouring_terms_side_by_side) {
  const panel_matrix<bf16> shape{.terms = 5, .columns = 64};
  EXPECT_EQ(shape.steps(), 3);
  EXPECT_EQ(shape.offset(1, 0), shape.offset(0, 0) + 2);
  EXPECT_EQ(shape.offset(0, 1), shape.offset(0, 0) + 4);
  EXPECT_EQ(shape.offset(2, 0), shape.offset(0, 0) + 256);
}

TEST(layouts, of_int8_begin_with_one_row_of_scales_for_each_group_of_terms) {
  const auto rows = [](index_t terms, index_t together) {
    return panel_matrix<int8>{.terms = terms, .columns = 64, .scale_terms = together}.scale_rows();
  };
  EXPECT_EQ(rows(300, 0), 1);
  EXPECT_EQ(rows(300, 256), 2);
  EXPECT_EQ(rows(300, 32), 10);
  EXPECT_EQ(rows(320, 32), 10);
  const panel_matrix<int8> shape{.terms = 300, .columns = 64, .scale_terms = 32};
  EXPECT_EQ(shape.scale_row(31), 0);
  EXPECT_EQ(shape.scale_row(32), 1);
  EXPECT_EQ(shape.scale_row(299), 9);
  EXPECT_EQ(shape.scale_bytes(), 10 * 64 * 4);
}

/// Blocks are whole groups and whole steps, so that no tile begins in the middle of either.
TEST(layouts, blocks_are_made_of_whole_steps) {
  EXPECT_EQ(block_terms<bf16> % panel_matrix<bf16>::step_terms, 0);
  for (const index_t together : {32, 64, 128, 256}) EXPECT_EQ(block_terms<int8> % together, 0);
}

}  // namespace
}  // namespace fissile
