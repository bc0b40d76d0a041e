// Archetypes of what packed experts ask for: no more than the documentation says.
#include <fissile/fissile.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace archetypes {

/// arena_allocator: two functions, not const.
struct plain_memory {
  std::byte* allocate(index_t bytes) { return aligned_memory{}.allocate(bytes); }
  void release(std::byte* block, index_t bytes) noexcept { aligned_memory{}.release(block, bytes); }
};
static_assert(arena_allocator<plain_memory>);

/// A copy made of a running number could not stand for its type.
struct numbered_memory : plain_memory {
  explicit numbered_memory(int) {}
};
static_assert(!arena_allocator<numbered_memory>);

/// panel_storage: somebody else's panels; it can be moved.
template <packed_element T>
struct lent_panels {
  using element_type = T;
  explicit lent_panels(const packed_experts<T, plain_memory>& owner) : inner(owner) {}
  lent_panels(lent_panels&&) noexcept = default;
  lent_panels& operator=(lent_panels&&) = delete;
  index_t width() const noexcept { return inner.width(); }
  bool gated() const noexcept { return inner.gated(); }
  const partition& experts() const noexcept { return inner.experts(); }
  expert_panels<T> panels(index_t e) const noexcept { return inner.panels(e); }
  vector_view<const float> down_bias() const noexcept { return inner.down_bias(); }
  const pack_settings& settings() const noexcept { return inner.settings(); }
  const kernel::tile_table& tiles() const noexcept { return inner.tiles(); }

private:
  const packed_experts<T, plain_memory>& inner;
};
static_assert(panel_storage<lent_panels<bf16>> && !expert_storage<lent_panels<bf16>>);

/// An element of a user's own is packed as what the kernels know.
struct eighths {
  signed char count;
};
float to_float(eighths value) noexcept {
  return static_cast<float>(value.count) / 8;
}
static_assert(element<eighths> && !packed_element<eighths>);

/// expert_storage whose weights have a type of a user's own: one expert that holds all neurons.
struct one_expert {
  using element_type = eighths;
  explicit one_expert(ffn_weights<eighths> layer) : ffn(layer), all(even_slices{}.split(layer, 1)) {}
  one_expert(one_expert&&) noexcept = default;
  index_t width() const noexcept { return ffn.width(); }
  const partition& experts() const noexcept { return all; }
  expert_view<eighths> expert(index_t e) const noexcept { return {ffn, all.expert(e)}; }
  std::vector<float> down_bias() const noexcept { return {1, 2, 3}; }  // need not be a view
  ffn_weights<eighths> ffn;
  partition all;
};

}  // namespace archetypes

namespace {

using namespace archetypes;

template <class T>
class packed_archetypes : public ::testing::Test {};
using kinds = ::testing::Types<float, bf16, f16, int8>;
TYPED_TEST_SUITE(packed_archetypes, kinds);

TYPED_TEST(packed_archetypes, allocator_element_and_storages_run_and_are_exact) {
  std::vector<eighths> numbers;
  for (signed char i = 0; i < 36; ++i) numbers.push_back({static_cast<signed char>(i % 2 == 0 ? i : -i)});
  const ffn_weights<eighths> ffn{{numbers.data(), 4, 3}, {numbers.data() + 12, 4, 3}, {numbers.data() + 24, 3, 4}};
  const auto packed = pack<TypeParam, plain_memory>(one_expert{ffn});
  const sparse_ffn run{lent_panels<TypeParam>{packed}, silu{}};
  const std::vector<float> x{1, -2, 3, -4, 5, -6};
  std::vector<float> y(6);
  workspace work{run, {.batch = 2}};
  work.choose_all(2, 1);
  run({x.data(), 2, 3}, work, {y.data(), 2, 3});
  const auto dense = unpack(packed);
  EXPECT_EQ(dense.down_bias, (std::vector<float>{1, 2, 3}));
  EXPECT_LE(exactness(dense.view(), silu{}, {x.data(), 2, 3}, {y.data(), 2, 3}), exactness_bound);
  if (!std::same_as<TypeParam, int8>) {
    EXPECT_EQ(widen<float>(dense.up[1]), to_float(numbers[13]));
  }
}

}  // namespace
}  // namespace fissile
