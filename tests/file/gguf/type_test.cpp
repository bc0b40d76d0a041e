#include <fissile/file/gguf/type.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(gguf_type, sizes_and_names) {
  EXPECT_EQ(layout_of(gguf_type::f32).bytes, 4u);
  EXPECT_EQ(layout_of(gguf_type::bf16).bytes, 2u);
  EXPECT_EQ(layout_of(gguf_type::q8_0).block, 32u);
  EXPECT_EQ(layout_of(gguf_type{14}).bytes, 210u);
  EXPECT_EQ(to_string(gguf_type{12}), "Q4_K");
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
