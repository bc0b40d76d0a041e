// What `unravel convert` is asked for, and the names that users type.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/file/gguf.hpp>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty was left out.
struct convert_words {
  std::string model, target, guide, json;
  std::vector<std::string> texts;               // LANGUAGE=FILE
  index_t experts = 0, active = 0, shared = 0;  // of all experts some are shared, of the others some are active
  std::string partition = "even";
  std::string imatrix;  // what --partition importance goes by
  std::string router;   // zero where all experts work, else distilled
  std::string kind = "llama.cpp";
  std::string down;
  double logit_spread = 0;  // 0: 1/256
  index_t bytes = 0;        // of each text, to learn from and as many to score; 0: 8192
  index_t steps = 1500;
  std::uint64_t seed = 1;
};

/// Which neurons work together.
enum class split_rule { even, shuffled, clusters, coactivation, markers, importance, file };
/// Where the rows of the router come from.
enum class router_rule { zero, analytic, distilled, file };

/// The value of a name. Throws setting_error with all names for another one, where `otherwise` has no value either.
template <class Value, std::size_t Count>
Value value_named(const std::string& name, const std::array<std::pair<const char*, Value>, Count>& known,
                  const std::string& argument, std::optional<Value> otherwise = {}) {
  std::string names;
  for (const auto& [known_name, value] : known) {
    if (name == known_name) return value;
    names += (names.empty() ? "" : ", ") + std::string{known_name};
  }
  if (otherwise) return *otherwise;
  fail<setting_error>({.argument = argument, .expected = "one of " + names, .got = name});
}

inline split_rule split_named(const std::string& name) {
  constexpr std::array<std::pair<const char*, split_rule>, 6> known{{{"even", split_rule::even},
                                                                     {"shuffled", split_rule::shuffled},
                                                                     {"clusters", split_rule::clusters},
                                                                     {"coactivation", split_rule::coactivation},
                                                                     {"markers", split_rule::markers},
                                                                     {"importance", split_rule::importance}}};
  return value_named(name, known, "--partition",
                     name.ends_with(".json") ? std::optional{split_rule::file} : std::nullopt);
}
inline router_rule router_named(const std::string& name) {
  constexpr std::array<std::pair<const char*, router_rule>, 3> known{
      {{"zero", router_rule::zero}, {"analytic", router_rule::analytic}, {"distilled", router_rule::distilled}}};
  return value_named(name, known, "--router",
                     name.ends_with(".gguf") ? std::optional{router_rule::file} : std::nullopt);
}
inline std::optional<gguf_type> down_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  constexpr std::array<std::pair<const char*, gguf_type>, 4> known{
      {{"f32", gguf_type::f32}, {"f16", gguf_type::f16}, {"bf16", gguf_type::bf16}, {"q8_0", gguf_type::q8_0}}};
  return value_named(name, known, "--down");
}

}  // namespace fissile::unravel
