#include <fissile/file/gguf/type.hpp>

#include <gtest/gtest.h>

#include <tuple>

namespace fissile {
namespace {

TEST(gguf_type, sizes_and_names) {
  EXPECT_EQ(layout_of(gguf_type::f32).bytes, 4u);
  EXPECT_EQ(layout_of(gguf_type::bf16).bytes, 2u);
  EXPECT_EQ(layout_of(gguf_type::q8_0).block, 32u);
  EXPECT_EQ(layout_of(gguf_type{14}).bytes, 210u);
  EXPECT_EQ(to_string(gguf_type{12}), "Q4_K");
  // What files are quantised to most: bits a weight as ggml has them.
  for (const auto& [type, name, bits] :
       {std::tuple{2u, "Q4_0", 4.5}, std::tuple{3u, "Q4_1", 5.0}, std::tuple{6u, "Q5_0", 5.5},
        std::tuple{7u, "Q5_1", 6.0}, std::tuple{10u, "Q2_K", 2.625}, std::tuple{11u, "Q3_K", 3.4375},
        std::tuple{13u, "Q5_K", 5.5}, std::tuple{15u, "Q8_K", 9.125}, std::tuple{20u, "IQ4_NL", 4.5},
        std::tuple{23u, "IQ4_XS", 4.25}}) {
    const gguf_type_layout layout = layout_of(gguf_type{type});
    EXPECT_EQ(layout.name, name);
    EXPECT_EQ(8.0 * static_cast<double>(layout.bytes) / static_cast<double>(layout.block), bits) << name;
  }
  for (const std::uint32_t gone : {4u, 5u, 31u, 33u, 36u, 38u, 42u, ~0u}) {
    EXPECT_EQ(layout_of(gguf_type{gone}).block, 0u) << gone;
    EXPECT_EQ(to_string(gguf_type{gone}), "unknown type " + std::to_string(gone));
  }
}

TEST(gguf_type, elements_have_one) {
  static_assert(type_of<float>() == gguf_type::f32 && type_of<f16>() == gguf_type::f16);
  static_assert(type_of<bf16>() == gguf_type::bf16 && !gguf_element<double>);
}

}  // namespace
}  // namespace fissile
