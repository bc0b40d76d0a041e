// One file with every kind of tensor, for all tests of safetensors.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/file/safetensors/writer.hpp>

#include "../temporary.hpp"

#include <string>
#include <vector>

namespace fissile::testing {

struct safetensors_sample {
  std::vector<float> f32, norm;
  std::vector<bf16> wide;  // rows of 10 numbers, of which 4 are the tensor's
  std::vector<f16> half;
  std::vector<std::int8_t> bytes{1, -2, 3, -128, 127};

  safetensors_sample() {
    random_source random{3};
    for (int i = 0; i < 35; ++i) f32.push_back(static_cast<float>(random.normal()));
    for (int i = 0; i < 9; ++i) norm.push_back(static_cast<float>(random.normal()));
    for (int i = 0; i < 60; ++i) wide.push_back(to_bf16(static_cast<float>(random.normal())));
    for (int i = 0; i < 24; ++i) half.push_back(to_f16(static_cast<float>(random.normal())));
  }
  safetensors_writer writer() const {
    safetensors_writer out;
    out.note("format", "pt");
    out.add("i8", vector_view<const std::int8_t>{bytes});
    out.add("f16", matrix_view<const f16>{half.data(), 3, 8});
    out.add("f32", matrix_view<const float>{f32.data(), 7, 5});
    out.add("bf16.strided", matrix_view<const bf16>{wide.data(), 6, 4, 10});
    out.add("norm", vector_view<const float>{norm});
    out.add("empty", matrix_view<const float>{f32.data(), 0, 5});
    out.add({.name = "one", .type = "I64", .shape = {}}, std::string_view{"\5\0\0\0\0\0\0\0", 8});
    out.add({.name = "later", .type = "F4", .shape = {3}}, "ab");
    return out;
  }
};

/// A file with this header and so many bytes of data.
inline std::string safetensors_text(const std::string& header, std::size_t data) {
  std::string text(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> 8 * i & 0xff);
  return text + header + std::string(data, '\1');
}

}  // namespace fissile::testing
