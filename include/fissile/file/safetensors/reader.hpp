// A safetensors file, mapped and checked when it is opened: whatever the bytes, it is refused or it reads within its
// bounds.
//
//   safetensors_file file{"model.safetensors"};
//   const matrix_view<const bf16> up = file.view<bf16>("model.layers.0.mlp.up_proj.weight");  // borrowed, [neurons x
//   width] const std::vector<float> norm = file.read_floats("model.norm.weight");                    // widened
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/file/mapped_file.hpp>
#include <fissile/file/safetensors/listing.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

/// Move-only. Views are borrowed from it; moving it keeps them good.
class safetensors_file {
public:
  explicit safetensors_file(std::string path, trailing_bytes trailing = trailing_bytes::refused)
      : file_(std::move(path)), listing_(list_safetensors(file_.bytes(), file_.path(), trailing)) {}

  const std::string& path() const noexcept { return file_.path(); }
  /// What the writer noted of the file, in its order.
  const std::vector<std::pair<std::string, std::string>>& metadata() const noexcept { return listing_.metadata; }
  /// All tensors, in the header's order.
  const std::vector<safetensors_tensor>& tensors() const noexcept { return listing_.tensors; }

  /// Null when there is no such tensor.
  const safetensors_tensor* find_tensor(std::string_view name) const {
    const auto found = listing_.tensor_of.find(name);
    return found == listing_.tensor_of.end() ? nullptr : &listing_.tensors[found->second];
  }
  const safetensors_tensor& tensor(std::string_view name) const {
    const safetensors_tensor* found = find_tensor(name);
    if (found == nullptr) refuse(name, {.expected = "it in the file", .got = "no tensor of this name"});
    return *found;
  }

  /// The tensor's bytes, of any type; borrowed.
  std::string_view raw(std::string_view name) const {
    const safetensors_tensor& one = tensor(name);
    return file_.bytes().substr(static_cast<std::size_t>(one.offset), static_cast<std::size_t>(one.bytes));
  }

  /// The tensor as [rows x columns] of the type it is stored as, borrowed. The format promises no alignment: a tensor
  /// that begins at an odd place is refused here and can be read by `read_floats`.
  template <safetensors_element T>
  matrix_view<const T> view(std::string_view name) const {
    const safetensors_tensor& one = tensor(name);
    const char* data = raw(name).data();
    if (one.type != safetensors_name<T>()) {
      refuse(name, {.expected = "type " + std::string{safetensors_name<T>()},
                    .got = one.type,
                    .cure = "read_floats widens F16, BF16, F64 and I8 to float"});
    }
    if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0) {
      refuse(name, {.expected = "an offset aligned for its numbers",
                    .got = "byte " + std::to_string(one.offset),
                    .cure = "read_floats copies it"});
    }
    return {reinterpret_cast<const T*>(data), one.rows(), one.columns()};
  }

  /// All numbers of the tensor, row after row, as float: from F32, F16, BF16, I8 or, rounded, F64.
  std::vector<float> read_floats(std::string_view name) const {
    const std::string& type = tensor(name).type;
    if (type == "F32") return numbers_of<float>(name);
    if (type == "F16") return numbers_of<f16>(name);
    if (type == "BF16") return numbers_of<bf16>(name);
    if (type == "F64") return numbers_of<double>(name);
    if (type == "I8") return numbers_of<std::int8_t>(name);
    refuse(name, {.expected = "type F32, F16, BF16, F64 or I8", .got = type});
  }

private:
  template <class Stored>
  std::vector<float> numbers_of(std::string_view name) const {
    const std::string_view bytes = raw(name);
    std::vector<float> numbers(bytes.size() / sizeof(Stored));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      Stored stored;
      std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
      if constexpr (std::is_arithmetic_v<Stored>) {
        numbers[i] = static_cast<float>(stored);
      } else {
        numbers[i] = to_float(stored);
      }
    }
    return numbers;
  }

  struct refusal {
    std::string expected, got;
    std::string_view cure = {};
  };
  [[noreturn]] void refuse(std::string_view name, refusal why) const {
    fail<file_error>({.argument = safetensors_detail::place(path(), name),
                      .expected = why.expected,
                      .got = why.got,
                      .cure = why.cure});
  }

  mapped_file file_;
  safetensors_listing listing_;
};

}  // namespace fissile
