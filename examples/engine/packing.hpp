// What a model is packed as, by the names that users type.
#pragma once

#include <fissile/pack/packed_experts.hpp>

#include <array>
#include <string>
#include <string_view>
#include <type_traits>

namespace fissile::engine {

/// The element that weights are stored in; all but the last compute exactly with what is stored.
enum class packing {
  float32,
  bf16,
  f16,
  int8,
  bf16_dot  // bf16, and the inputs of feed-forward layers are rounded to bf16, too
};

inline constexpr std::array all_packings{packing::float32, packing::bf16, packing::f16, packing::int8,
                                         packing::bf16_dot};

constexpr const char* name_of(packing how) noexcept {
  switch (how) {
    case packing::bf16:
      return "bf16";
    case packing::f16:
      return "f16";
    case packing::int8:
      return "int8";
    case packing::bf16_dot:
      return "bf16_dot";
    default:
      return "float";
  }
}

/// Throws setting_error for a name that none of them has. `argument`: where the name was given, for the message.
inline packing packing_named(std::string_view name, std::string_view argument) {
  std::string names;
  for (const packing how : all_packings) {
    if (name == name_of(how)) return how;
    names.append(names.empty() ? "" : ", ").append(name_of(how));
  }
  fail<setting_error>({.argument = std::string{argument}, .expected = "one of " + names, .got = std::string{name}});
}

/// f(std::type_identity<T>, pack_settings) for the element T that is stored.
template <class Function>
decltype(auto) with_packing(packing how, Function&& f) {
  switch (how) {
    case packing::bf16:
      return f(std::type_identity<bf16>{}, pack_settings{});
    case packing::f16:
      return f(std::type_identity<f16>{}, pack_settings{});
    case packing::int8:
      return f(std::type_identity<int8>{}, pack_settings{});
    case packing::bf16_dot:
      return f(std::type_identity<bf16>{}, pack_settings{.products = products::bf16_dot});
    default:
      return f(std::type_identity<float>{}, pack_settings{});
  }
}

}  // namespace fissile::engine
