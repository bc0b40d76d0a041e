// Counts come back from their files as they were; of other views there is nothing to read, and nothing changes.
#include <babel/count_files.hpp>

#include <fissile/partition/even_slices.hpp>

#include <gtest/gtest.h>

#include "../file/temporary.hpp"

namespace fissile::babel_study {
namespace {

counted_model counted(index_t views) {
  counted_model made;
  for (index_t view = 0; view < views; ++view) {
    const index_t experts = 2 + view;
    made.views.emplace_back(view_kind{.expert_neurons = view + 1},
                            std::vector<partition>(2, even_slices{}.split(2 * experts, experts)));
    route chosen{experts};
    chosen.append({view % experts, 1.0f});
    made.views.back().all.at("de", 1).token(chosen);
  }
  made.magnitudes = {{0.5, 0.25}};
  return made;
}

TEST(babel_count_files, come_back_as_they_were) {
  const testing::temporary_directory directory;
  const std::filesystem::path folder{directory / "model"};
  counted_model fresh = counted(2);
  EXPECT_FALSE(load_counts(folder, fresh));
  save_counts(folder, counted(2));
  for (counted_view& view : fresh.views) view.all.clear();
  fresh.magnitudes.clear();
  ASSERT_TRUE(load_counts(folder, fresh));
  for (std::size_t view = 0; view < 2; ++view) {
    EXPECT_EQ(fresh.views[view].all, counted(2).views[view].all);
    EXPECT_EQ(fresh.views[view].half, counted(2).views[view].half);
  }
  EXPECT_EQ(fresh.magnitudes, counted(2).magnitudes);
}

TEST(babel_count_files, of_more_views_change_nothing) {
  const testing::temporary_directory directory;
  const std::filesystem::path folder{directory / "model"};
  save_counts(folder, counted(2));
  counted_model more = counted(3);
  for (counted_view& view : more.views) view.all.clear();
  more.magnitudes.clear();
  EXPECT_FALSE(load_counts(folder, more));
  for (const counted_view& view : more.views) EXPECT_EQ(view.all.tokens("de", 1), 0u);
  EXPECT_TRUE(more.magnitudes.empty());
}

}  // namespace
}  // namespace fissile::babel_study
