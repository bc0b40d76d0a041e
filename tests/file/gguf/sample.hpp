// A small file with everything in it: all kinds, all types that are read, strides, an empty tensor.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/file/gguf.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fissile::testing {

struct sample {
  std::vector<float> f32 = std::vector<float>(7 * 5);
  std::vector<bf16> wide = std::vector<bf16>(6 * 10);  // [6 x 4] of it is written, at a row stride of 10
  std::vector<f16> half = std::vector<f16>(3 * 8);
  std::vector<float> norm = std::vector<float>(9);
  std::string q8_0 = std::string(4 * 34, '\0');  // [2 x 64]

  explicit sample(std::uint64_t seed = 1) {
    random_source random{seed};
    for (float& x : f32) x = static_cast<float>(random.normal());
    for (bf16& x : wide) x = to_bf16(static_cast<float>(random.normal()));
    for (f16& x : half) x = to_f16(static_cast<float>(random.normal()));
    for (float& x : norm) x = static_cast<float>(random.uniform());
    for (char& x : q8_0) x = static_cast<char>(random.below(60));  // as a scale: small and positive
  }

  gguf_writer writer() const {
    gguf_writer out;
    out.set("general.architecture", "sample");
    out.set("k.uint8", std::uint8_t{8});
    out.set("k.int8", std::int8_t{-8});
    out.set("k.uint16", std::uint16_t{16});
    out.set("k.int16", std::int16_t{-16});
    out.set("k.uint32", std::uint32_t{32});
    out.set("k.int32", std::int32_t{-32});
    out.set("k.float32", 0.5f);
    out.set("k.bool", true);
    out.set("k.uint64", std::uint64_t{64});
    out.set("k.int64", std::int64_t{-64});
    out.set("k.float64", 0.25);
    out.set("k.strings", std::vector<std::string>{"a", "", "\xc3\xa9t\xc3\xa9"});
    out.set("k.floats", std::vector<float>{1, 2, 3});
    out.set("k.ints", std::vector<std::int32_t>{1, -2, 3});
    out.set("k.bools", std::vector<bool>{true, false});
    out.set("k.nothing", std::vector<std::string>{});
    out.add("f32", matrix_view<const float>{f32.data(), 7, 5});
    out.add("bf16.strided", matrix_view<const bf16>{wide.data(), 6, 4, 10});
    out.add("f16", matrix_view<const f16>{half.data(), 3, 8});
    out.add("empty", matrix_view<const float>{f32.data(), 0, 5});
    out.add("norm", vector_view<const float>{norm});
    out.add({.name = "q8_0", .type = gguf_type::q8_0, .extents = {64, 2, 1, 1}, .dimensions = 2}, q8_0);
    return out;
  }
};

}  // namespace fissile::testing
