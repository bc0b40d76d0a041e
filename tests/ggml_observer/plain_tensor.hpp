// As much of struct ggml_tensor as the observer's parts touch, so that they are compiled and driven where no ggml is.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace fissile::testing {

enum class plain_type { f32 = 0, i32 = 26 };

struct plain_tensor {
  plain_type type = plain_type::f32;
  std::int64_t ne[4] = {1, 1, 1, 1};
  std::size_t nb[4] = {4, 4, 4, 4};
  plain_tensor* src[10] = {};
  void* data = nullptr;
  char name[64] = "";
};

/// A tensor over numbers that all types here take four bytes for; sizes as ggml tells them, the fastest first.
template <class Number>
plain_tensor tensor_of(std::vector<Number>& numbers, std::vector<std::int64_t> sizes, const std::string& name = {}) {
  static_assert(sizeof(Number) == 4);
  plain_tensor made;
  made.type = std::is_same_v<Number, std::int32_t> ? plain_type::i32 : plain_type::f32;
  for (std::size_t i = 0; i < sizes.size(); ++i) made.ne[i] = sizes[i];
  for (int i = 1; i < 4; ++i) made.nb[i] = made.nb[i - 1] * static_cast<std::size_t>(made.ne[i - 1]);
  made.data = numbers.data();
  std::snprintf(made.name, sizeof made.name, "%s", name.c_str());
  return made;
}

}  // namespace fissile::testing
