// Instruction sets: the fastest the processor has is the default, and one it lacks is refused by name.
#include <fissile/pack/packed_experts.hpp>

#include "base/refusal.hpp"
#include "pack/machine.hpp"

#include <algorithm>
#include <set>

namespace fissile {
namespace {

TEST(instruction_sets, have_names_of_their_own) {
  std::set<std::string> names;
  for (const instruction_set set : all_instruction_sets) names.insert(name_of(set));
  EXPECT_EQ(names, (std::set<std::string>{"base", "avx2", "avx512", "avx512_bf16"}));
}

TEST(instruction_sets, ascend_so_that_a_processor_with_one_has_all_below) {
  EXPECT_TRUE(available(instruction_set::base));
  bool lower = true;
  for (const instruction_set set : all_instruction_sets) {
    EXPECT_TRUE(lower || !available(set)) << name_of(set);
    lower = available(set);
  }
}

TEST(instruction_sets, the_best_is_available_and_none_above_it_is) {
  const instruction_set best = best_instruction_set();
  EXPECT_TRUE(available(best));
  for (const instruction_set set : all_instruction_sets) EXPECT_TRUE(set <= best || !available(set)) << name_of(set);
  EXPECT_EQ(pack_settings{}.instructions, best);
}

/// A machine that has all sets has nothing to refuse but a number that names none.
TEST(instruction_sets, one_that_is_missing_is_refused_by_name) {
  const std::string best = name_of(best_instruction_set());
  for (const instruction_set set : all_instruction_sets) {
    if (available(set)) {
      EXPECT_NO_THROW(check_available(set, "layer"));
      continue;
    }
    EXPECT_EQ(testing::refusal<setting_error>([&] { check_available(set, "layer"); }),
              "layer: instructions: expected at most " + best + " on this processor, got " + name_of(set) +
                  "; leave it out: the best is chosen");
  }
}

}  // namespace
}  // namespace fissile
