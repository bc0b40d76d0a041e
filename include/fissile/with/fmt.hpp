// fmt::format for the library's values.
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/route/route.hpp>

#include <fmt/format.h>

/// "3 x0.5": the expert and its weight.
template <>
struct fmt::formatter<fissile::choice> : fmt::formatter<float> {
  template <class Context>
  auto format(const fissile::choice& chosen, Context& context) const {
    auto out = fmt::format_to(context.out(), "{} x", chosen.expert);
    context.advance_to(out);
    return fmt::formatter<float>::format(chosen.weight, context);
  }
};

/// "[3 x1, 7 x0.5]"; a number format such as {:.2f} is for the weights.
template <>
struct fmt::formatter<fissile::route> : fmt::formatter<fissile::choice> {
  template <class Context>
  auto format(const fissile::route& chosen, Context& context) const {
    auto out = fmt::format_to(context.out(), "[");
    for (const fissile::choice& c : chosen) {
      if (&c != chosen.begin()) out = fmt::format_to(out, ", ");
      context.advance_to(out);
      out = fmt::formatter<fissile::choice>::format(c, context);
    }
    return fmt::format_to(out, "]");
  }
};

/// "512 neurons in 32 experts of 16", with the range of sizes and the shared experts where there are any.
template <>
struct fmt::formatter<fissile::partition> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const fissile::partition& split, Context& context) const {
    fissile::index_t least = split.neurons();
    for (fissile::index_t e = 0; e < split.experts(); ++e) least = std::min(least, split.size(e));
    auto out = fmt::format_to(context.out(), "{} neurons in {} experts of {}", split.neurons(), split.experts(), least);
    if (split.largest() != least) out = fmt::format_to(out, " to {}", split.largest());
    const auto shared = split.shared_experts().size();
    if (shared > 0) out = fmt::format_to(out, ", {} shared", shared);
    return out;
  }
};
