// Tensors of ggml, in which llama.cpp and others hold weights and activations, through the door of views: without a
// copy and without ggml.h.
//
//   const ffn_weights<bf16> ffn{view<bf16>(gate), view<bf16>(up), view<bf16>(down)};     ggml_tensor* each
//   const stacked_ffn_weights<f16> mixture{view<f16>(gate_exps), view<f16>(up_exps), view<f16>(down_exps), 8};
//
// ggml tells shapes backwards: ne[0] is what lies side by side, so that ne = {width, neurons} is [neurons x width].
// Further dimensions are further rows: matrix e of ne = {width, neurons, experts} is view.rows(e * neurons, neurons).
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/file/gguf/type.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace fissile {

/// ggml_tensor_like: has type, ne[4], nb[4], data and name, as struct ggml_tensor does.
template <class T>
concept ggml_tensor_like = requires(const T& tensor) {
  static_cast<int>(tensor.type);
  static_cast<std::int64_t>(tensor.ne[3]);
  static_cast<std::size_t>(tensor.nb[3]);
  static_cast<const void*>(tensor.data);
  static_cast<const char*>(tensor.name);
};

/// A number type that a tensor of ggml can be borrowed as: weights and activations, and the whole numbers that choose.
template <class Number>
concept ggml_number = gguf_element<Number> || std::same_as<Number, std::int32_t>;

namespace ggml_detail {

/// ggml and the files of its name number their types alike.
template <ggml_number Number>
constexpr gguf_type type_number() noexcept {
  if constexpr (std::same_as<Number, std::int32_t>) {
    return static_cast<gguf_type>(26);
  } else {
    return type_of<Number>();
  }
}

template <ggml_tensor_like Tensor>
[[noreturn]] void refuse(const Tensor& tensor, std::string expected, std::string got, std::string_view cure = {}) {
  const char* name = tensor.name;
  fail<shape_error>({.argument = "view: ggml tensor \"" + std::string{name} + "\"",
                     .expected = std::move(expected),
                     .got = std::move(got),
                     .cure = cure});
}

template <ggml_tensor_like Tensor>
std::string sizes_of(const Tensor& tensor) {
  std::string text;
  for (int i = 0; i < 4; ++i) text += (i == 0 ? "ne = {" : ", ") + std::to_string(tensor.ne[i]);
  return text + "}";
}

/// Bytes from one row to the next: the same for all rows of all dimensions.
template <ggml_tensor_like Tensor>
std::size_t row_bytes(const Tensor& tensor, std::size_t number) {
  std::size_t step = 0, expected = 0;  // `expected`: where the next row of a further dimension must lie
  for (int i = 1; i < 4; ++i) {
    const auto rows = static_cast<std::size_t>(tensor.ne[i]);
    if (rows < 2) continue;
    if (step == 0) {
      step = expected = tensor.nb[i];
    } else if (tensor.nb[i] != expected) {
      refuse(tensor, "rows that all lie at one distance",
             "a step of " + std::to_string(tensor.nb[i]) + " bytes in dimension " + std::to_string(i) + " where " +
                 std::to_string(expected) + " would go on",
             "borrow its parts, or ggml_cont it");
    }
    expected *= rows;
  }
  return step == 0 ? static_cast<std::size_t>(tensor.ne[0]) * number : step;
}

}  // namespace ggml_detail

/// The memory of a tensor: [ne[1] * ne[2] * ne[3] x ne[0]]. A const tensor gives a view of constant numbers.
///
/// The memory must be the host's: of a tensor on a device, view a copy of it. Throws shape_error for no tensor, one
/// that has no memory yet, one of another type, and one whose numbers do not lie as a view reads them.
template <ggml_number Number, ggml_tensor_like Tensor>
auto view(Tensor* tensor) {
  using namespace ggml_detail;
  using viewed = std::conditional_t<std::is_const_v<Tensor>, const Number, Number>;
  if (tensor == nullptr) fail<shape_error>({.argument = "view: ggml tensor", .expected = "a tensor", .got = "null"});
  const auto type = static_cast<gguf_type>(static_cast<int>(tensor->type));
  if (type != type_number<Number>()) {
    refuse(*tensor, "type " + to_string(type_number<Number>()), "type " + to_string(type),
           "quantised weights are widened first, as ggml_get_type_traits(type)->to_float does");
  }
  index_t rows = 1;
  for (int i = 0; i < 4; ++i) {
    if (tensor->ne[i] < 0) refuse(*tensor, "sizes of at least 0", sizes_of(*tensor));
    if (i > 0) rows *= static_cast<index_t>(tensor->ne[i]);
  }
  const auto columns = static_cast<index_t>(tensor->ne[0]);
  if (rows == 0 || columns == 0) return matrix_view<viewed>{nullptr, rows, columns};
  if (tensor->data == nullptr) {
    refuse(*tensor, "a tensor with memory", "none",
           "view it when its graph is allocated; in a custom op, when it is called");
  }
  const std::size_t step = row_bytes(*tensor, sizeof(Number));
  if (tensor->nb[0] != sizeof(Number) || step % sizeof(Number) != 0 || step / sizeof(Number) < to_size(columns)) {
    refuse(
        *tensor, "rows whose numbers lie side by side",
        "steps of " + std::to_string(tensor->nb[0]) + " and " + std::to_string(step) + " bytes, " + sizes_of(*tensor),
        "a transposed or permuted tensor: ggml_cont it");
  }
  return matrix_view<viewed>{static_cast<viewed*>(tensor->data), rows, columns,
                             static_cast<index_t>(step / sizeof(Number))};
}

}  // namespace fissile
