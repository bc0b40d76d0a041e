// A tiny model in a file, and texts, for tests of the main program.
#pragma once

#include "../engine/tiny_model.hpp"

#include <unravel/study.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace fissile::testing {

/// Letters and spaces; another seed is another language, with letters of its own.
inline std::string random_text(std::uint64_t seed, index_t bytes) {
  random_source random{seed};
  std::string made;
  const auto favourite = static_cast<char>('a' + random.below(20));
  for (index_t i = 0; i < bytes; ++i) {
    const index_t draw = random.below(8);
    made += draw == 0 ? ' ' : draw < 4 ? favourite : static_cast<char>('a' + random.below(26));
  }
  return made;
}

inline unravel::text random_text_of(std::string_view language, index_t bytes) {
  std::uint64_t seed = 17;
  for (const char letter : language) seed = 31 * seed + static_cast<unsigned char>(letter);
  return {.language = std::string{language}, .origin = "made up", .content = random_text(seed, bytes)};
}

/// A file with a model of `tiny_model`, in a directory of its own.
class model_file {
public:
  explicit model_file(gguf_type type = gguf_type::f32, std::uint64_t seed = 7) {
    tiny_model model{type, seed};
    model.out.save(path());
  }
  std::string path() const { return directory_ / "tiny.gguf"; }
  const temporary_directory& directory() const noexcept { return directory_; }

private:
  temporary_directory directory_;
};

/// Experts that do not divide the neurons; a few bytes to score.
inline const unravel::study_settings small_study{.experts = 6, .active = 2, .bytes = 1024, .seed = 3, .threads = 1};

inline unravel::corpus two_languages() {
  return {.name = "made up", .texts = {random_text_of("aa", 1150), random_text_of("bb", 1200)}};
}

inline unravel::study_result run_small_study(const engine::model<float>& weights, const unravel::corpus& texts,
                                             unravel::study_settings settings = small_study) {
  return unravel::study{weights, texts, settings}.run(unravel::progress_style::silent);
}

}  // namespace fissile::testing
