// The arena: one aligned block, given back once, by whom it came from.
#include <fissile/pack/pack.hpp>

#include "support/random_ffn.hpp"
#include "support/sanitized.hpp"

#include <gtest/gtest.h>

#include <map>

namespace fissile {
namespace {

std::size_t misaligned(const std::byte* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment;
}

template <class Allocator>
class allocators : public ::testing::Test {};
using both = ::testing::Types<huge_pages, aligned_memory>;
TYPED_TEST_SUITE(allocators, both);

TYPED_TEST(allocators, give_blocks_of_every_size_on_cache_lines) {
  static_assert(arena_allocator<TypeParam>);
  for (const index_t bytes : {index_t{1}, index_t{64}, index_t{4097}, (index_t{1} << 21) + 1}) {
    arena<TypeParam> block{bytes};
    EXPECT_EQ(block.bytes(), bytes);
    EXPECT_EQ(misaligned(block.data(), 64), 0u) << bytes;
    std::fill(block.data(), block.data() + bytes, std::byte{7});  // all of it is ours
  }
}

/// Blocks of a page or more begin on one, so that the system can give a whole one.
TEST(huge_pages, hold_large_blocks_from_their_beginning_on) {
#if defined(MADV_HUGEPAGE)
  const arena<huge_pages> large{(index_t{1} << 21) + 5}, exact{index_t{1} << 21};
  EXPECT_EQ(misaligned(large.data(), std::size_t{1} << 21), 0u);
  EXPECT_EQ(misaligned(exact.data(), std::size_t{1} << 21), 0u);
#else
  GTEST_SKIP() << "this system has none";
#endif
}

TYPED_TEST(allocators, throw_where_there_is_no_memory) {
  if (testing::sanitized) GTEST_SKIP() << "sanitizers end the program before the allocator could throw";
  EXPECT_THROW(arena<TypeParam>{index_t{1} << 60}, std::bad_alloc);
}

/// Remembers what it gave, for every copy of itself.
struct watched {
  static inline std::map<const std::byte*, index_t> given;
  static inline int mistakes = 0;
  std::byte* allocate(index_t bytes) const {
    std::byte* block = aligned_memory{}.allocate(bytes);
    given[block] = bytes;
    return block;
  }
  void release(std::byte* block, index_t bytes) const noexcept {
    const auto found = given.find(block);
    if (found == given.end() || found->second != bytes) {
      ++mistakes;
      return;
    }
    given.erase(found);
    aligned_memory{}.release(block, bytes);
  }
};

class arenas : public ::testing::Test {
protected:
  void SetUp() override { watched::mistakes = 0; }
  void TearDown() override {
    EXPECT_EQ(watched::mistakes, 0) << "released twice, or with another size";
    EXPECT_TRUE(watched::given.empty()) << "not released";
  }
};

TEST_F(arenas, give_their_block_back_when_they_end) {
  {
    const arena<watched> block{100};
    EXPECT_EQ(watched::given.size(), 1u);
    EXPECT_EQ(watched::given[block.data()], 100);
  }
  EXPECT_TRUE(watched::given.empty());
}

TEST_F(arenas, move_their_block) {
  arena<watched> first{100};
  const std::byte* block = first.data();
  arena<watched> second{std::move(first)};
  EXPECT_EQ(second.data(), block);
  arena<watched> third{50};
  third = std::move(second);
  EXPECT_EQ(third.data(), block);
  EXPECT_EQ(third.bytes(), 100);
}

TEST_F(arenas, serve_packed_experts_of_which_there_is_one_owner) {
  using packed = packed_experts<float, watched>;
  static_assert(std::is_nothrow_move_constructible_v<packed> && !std::is_copy_constructible_v<packed>);
  random_source random{1};
  const auto ffn = testing::random_ffn<float>(random, {.width = 5, .neurons = 9});
  packed first = pack<float, watched>(ffn.view());
  ASSERT_EQ(watched::given.size(), 1u);
  EXPECT_EQ(watched::given.begin()->second, first.bytes());
  packed second = std::move(first);
  EXPECT_EQ(unpack(second).up, ffn.up);
  second = pack<float, watched>(ffn.view(), even_slices{}.split(9, 3));
  EXPECT_EQ(unpack(second).up, ffn.up);
  EXPECT_EQ(watched::given.size(), 1u) << "the block of the packing before is back";
}

}  // namespace
}  // namespace fissile
