// Instruction sets: which one a kernel is compiled for, which this processor has, and which to take.
//
// People build for plain x86-64 and still expect speed, so the kernels of packed experts are compiled once for each
// set, by target attributes and whatever the build flags, and chosen when experts are packed. No type and no layout
// depends on the choice.
#pragma once

#include <fissile/base/contract.hpp>

#include <array>
#include <string>

#if defined(__x86_64__) && defined(__GNUC__)
#define FISSILE_X86_TARGETS 1
#else
#define FISSILE_X86_TARGETS 0
#endif

namespace fissile {

/// From slow to fast. `base` is what the build flags allow: SSE2 on plain x86-64, NEON on AArch64.
enum class instruction_set {
  base,
  avx2,        // with FMA and F16C: Haswell, Zen and later
  avx512,      // F, BW, DQ, VL: Skylake-X, Zen 4 and later
  avx512_bf16  // the same and products of bf16: Cooper Lake, Sapphire Rapids, Zen 4 and later
};

inline constexpr std::array all_instruction_sets{instruction_set::base, instruction_set::avx2, instruction_set::avx512,
                                                 instruction_set::avx512_bf16};

constexpr const char* name_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::avx2:
      return "avx2";
    case instruction_set::avx512:
      return "avx512";
    case instruction_set::avx512_bf16:
      return "avx512_bf16";
    default:
      return "base";
  }
}

/// Whether this processor, and the system it runs, can execute the set.
inline bool available(instruction_set set) noexcept {
#if FISSILE_X86_TARGETS
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");  // whoever has these has F16C
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  switch (set) {
    case instruction_set::avx2:
      return avx2;
    case instruction_set::avx512:
      return avx512;
    case instruction_set::avx512_bf16:
      return avx512 && __builtin_cpu_supports("avx512bf16");
    default:
      return true;
  }
#else
  return set == instruction_set::base;
#endif
}

/// The fastest set this processor has.
inline instruction_set best_instruction_set() noexcept {
  for (auto set = all_instruction_sets.rbegin(); set != all_instruction_sets.rend(); ++set) {
    if (available(*set)) return *set;
  }
  return instruction_set::base;
}

/// Throws setting_error where this processor cannot execute the set.
inline void check_available(instruction_set set, std::string_view who) {
  if (available(set)) return;
  fail<setting_error>({.argument = std::string(who) + ": instructions",
                       .expected = std::string("at most ") + name_of(best_instruction_set()) + " on this processor",
                       .got = name_of(set),
                       .cure = "leave it out: the best is chosen"});
}

}  // namespace fissile
