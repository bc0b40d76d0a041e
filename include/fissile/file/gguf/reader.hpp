// A GGUF file, mapped and checked when it is opened: whatever the bytes, it is refused or it reads within its bounds.
//
//   gguf_file file{"model.gguf"};
//   const auto layers = file.get<index_t>("llama.block_count");
//   const matrix_view<const bf16> up = file.view<bf16>("blk.0.ffn_up.weight");  // borrowed, [neurons x width]
//   const std::vector<float> norm = file.read_floats("output_norm.weight");     // widened, whatever it is stored as
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>
#include <fissile/file/gguf/listing.hpp>
#include <fissile/file/gguf/q8_0.hpp>
#include <fissile/file/gguf/type.hpp>
#include <fissile/file/gguf/value.hpp>
#include <fissile/file/mapped_file.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

/// Move-only. Keys, values and views are borrowed from it; moving it keeps them good.
class gguf_file {
public:
  explicit gguf_file(std::string path) : file_(std::move(path)), listing_(list_gguf(file_.bytes(), file_.path())) {}

  const std::string& path() const noexcept { return file_.path(); }
  std::uint32_t version() const noexcept { return listing_.version; }
  std::uint64_t alignment() const noexcept { return listing_.alignment; }
  /// All keys and all tensors, in the file's order.
  const std::vector<gguf_entry>& entries() const noexcept { return listing_.entries; }
  const std::vector<gguf_tensor>& tensors() const noexcept { return listing_.tensors; }

  /// Null when the key is absent.
  const gguf_value* find(std::string_view key) const {
    const auto found = listing_.entry_of.find(key);
    return found == listing_.entry_of.end() ? nullptr : &listing_.entries[found->second].value;
  }
  /// The value as T (see gguf_value::as); an absent key, another kind and a value that does not fit are refused.
  template <class T>
  T get(std::string_view key) const {
    const gguf_value* value = find(key);
    if (value == nullptr) refuse("key", key, 0, {.expected = wanted<T>(), .got = "no such key"});
    return converted<T>(key, *value);
  }
  /// For optional keys: only absence is forgiven.
  template <class T>
  T get_or(std::string_view key, T otherwise) const {
    const gguf_value* value = find(key);
    return value == nullptr ? std::move(otherwise) : converted<T>(key, *value);
  }

  /// Null when there is no such tensor.
  const gguf_tensor* find_tensor(std::string_view name) const {
    const auto found = listing_.tensor_of.find(name);
    return found == listing_.tensor_of.end() ? nullptr : &listing_.tensors[found->second];
  }
  const gguf_tensor& tensor(std::string_view name) const {
    const gguf_tensor* found = find_tensor(name);
    if (found == nullptr) refuse("tensor", name, 0, {.expected = "it in the file", .got = "no tensor of this name"});
    return *found;
  }

  /// The tensor's bytes, of any type whose size is known; borrowed.
  std::string_view raw(std::string_view name) const {
    const gguf_tensor& one = tensor(name);
    if (layout_of(one.type).block == 0) {
      refuse("tensor", name, one.offset, {.expected = "a type whose size is known", .got = to_string(one.type)});
    }
    return file_.bytes().substr(static_cast<std::size_t>(one.offset), static_cast<std::size_t>(one.bytes));
  }

  /// The tensor as [rows x columns] of the type it is stored as, borrowed.
  template <gguf_element T>
  matrix_view<const T> view(std::string_view name) const {
    const gguf_tensor& one = tensor(name);
    const char* data = raw(name).data();
    if (one.type != type_of<T>()) {
      refuse("tensor", name, one.offset,
             {.expected = "type " + to_string(type_of<T>()),
              .got = to_string(one.type),
              .cure = "read_floats widens F16, BF16 and Q8_0 to float"});
    }
    if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0) {
      refuse("tensor", name, one.offset, {.expected = "an offset aligned for its numbers", .got = "another"});
    }
    return {reinterpret_cast<const T*>(data), one.rows(), one.columns()};
  }

  /// All numbers of the tensor, row after row, widened to float from F32, F16, BF16 or Q8_0.
  std::vector<float> read_floats(std::string_view name) const {
    const gguf_tensor& one = tensor(name);
    const std::string_view bytes = raw(name);
    std::vector<float> numbers(to_size(one.count()));
    const auto widen_all = [&](const auto* stored) {
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = to_float(stored[i]);
    };
    switch (one.type) {
      case gguf_type::f32:
        widen_all(view<float>(name).data());
        break;
      case gguf_type::f16:
        widen_all(view<f16>(name).data());
        break;
      case gguf_type::bf16:
        widen_all(view<bf16>(name).data());
        break;
      case gguf_type::q8_0:
        widen_q8_0(reinterpret_cast<const std::byte*>(bytes.data()), numbers.data(), one.count());
        break;
      default:
        refuse("tensor", name, one.offset, {.expected = "type F32, F16, BF16 or Q8_0", .got = to_string(one.type)});
    }
    return numbers;
  }

private:
  template <class T>
  static std::string wanted() {
    if constexpr (is_gguf_array<T>) {
      return "an array of " + std::string{name_of(kind_of<typename T::value_type>())};
    } else {
      return std::string{name_of(kind_of<T>())};
    }
  }

  template <class T>
  T converted(std::string_view key, const gguf_value& value) const {
    std::optional<T> result = value.as<T>();
    if (!result) {
      const auto offset = static_cast<std::uint64_t>(value.bytes().data() - file_.bytes().data());
      refuse("key", key, offset, {.expected = wanted<T>(), .got = to_string(value) + ", which does not convert"});
    }
    return *std::move(result);
  }

  struct refusal {
    std::string expected, got;
    std::string_view cure = {};
  };
  /// `offset` 0: there is no place in the file to point at.
  [[noreturn]] void refuse(std::string_view what, std::string_view name, std::uint64_t offset, refusal why) const {
    std::string where = path() + ": " + gguf_detail::quoted(what, name);
    if (offset != 0) where += " at byte " + std::to_string(offset);
    fail<file_error>({.argument = where, .expected = why.expected, .got = why.got, .cure = why.cure});
  }

  mapped_file file_;
  gguf_listing listing_;
};

}  // namespace fissile
