// What a panel may hold is a closed list, and a number of 8 bits is no element without its scale.
#include <fissile/pack/packed_element.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace fissile {
namespace {

struct own {
  float value;
};
[[maybe_unused]] float to_float(own number) noexcept {
  return number.value;
}

TEST(packed_elements, are_four) {
  EXPECT_TRUE((packed_element<float> && packed_element<bf16> && packed_element<f16> && packed_element<int8>));
  EXPECT_FALSE((packed_element<double> || packed_element<own> || packed_element<std::int8_t>));
  EXPECT_FALSE(element<int8>);
  EXPECT_TRUE(element<own>);
}

TEST(packed_elements, have_the_sizes_that_panels_count_with) {
  EXPECT_EQ(sizeof(int8), 1u);
  EXPECT_EQ(sizeof(bf16), 2u);
  EXPECT_EQ(sizeof(f16), 2u);
}

}  // namespace
}  // namespace fissile
