// A model under study with the texts it reads: held-out pages of the guide in every language, some of each counted, and
// others scored.
#pragma once

#include "languages.hpp"
#include "open_layers.hpp"

#include <engine/packed_model.hpp>
#include <models/guide_corpus.hpp>
#include <unravel/progress.hpp>
#include <unravel/score.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace fissile::babel_study {

inline constexpr index_t counted_blocks = 8;  // of 1 KiB, of each language: odd blocks of its pages
inline constexpr index_t scored_blocks = 1;   // even ones

/// What is read of one language.
struct language_text {
  std::vector<std::string> counted;  // blocks
  std::string scored;
};

/// One for each of `languages`. Throws setting_error where the guide lacks one, or text of it.
inline std::vector<language_text> read_guide(const std::filesystem::path& folder) {
  const auto found = examples::guide::find_directory(folder);
  if (!found) {
    fail<setting_error>({.argument = "--guide",
                         .expected = "a folder with en/index.html, or where installation-guide-amd64 was unpacked",
                         .got = folder.string()});
  }
  const auto pages = examples::guide::read(*found);
  std::vector<language_text> texts;
  for (const language& one : languages) {
    const unravel::text whole{std::string{one.code}, found->string(), examples::guide::held_out_text(pages, one.code)};
    const unravel::halves cut = unravel::split_halves(whole, counted_blocks * unravel::block_bytes);
    if (cut.length != unravel::text_length::enough) {
      fail<setting_error>({.argument = "guide, held-out pages in " + whole.language,
                           .expected = std::to_string(2 * counted_blocks) + " KiB",
                           .got = std::to_string(whole.content.size()) + " bytes"});
    }
    language_text made;
    for (const std::string_view block : cut.counted) made.counted.emplace_back(block);
    for (index_t block = 0; block < scored_blocks; ++block) made.scored += cut.scored[to_size(block)];
    texts.push_back(std::move(made));
  }
  return texts;
}

/// The first `count` of the language's blocks that are counted, in one piece.
inline std::string counted_text(const language_text& text) {
  std::string all;
  for (const std::string& block : text.counted) all += block;
  return all;
}

class subject {
public:
  explicit subject(const std::filesystem::path& file)
      : name_(file.stem().string()),
        weights_(file.string()),
        packed_(weights_),
        open_(open_layers_of(weights_)),
        words_(weights_.file()),
        read_(packed_, unravel::session_for(context())) {}
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;

  const std::string& name() const noexcept { return name_; }
  const engine::model<float>& weights() const noexcept { return weights_; }
  std::vector<ffn_weights<float>> layers() const {
    std::vector<ffn_weights<float>> all;
    for (index_t layer = 0; layer < weights_.sizes().layers; ++layer) all.push_back(weights_.ffn(layer));
    return all;
  }

  /// Reads one block; `look` is that of open_feed_forward.
  template <class Look>
  void read(std::string_view block, Look& look) {
    open_feed_forward ffn{open_, read_.batch(), look};
    for (const unravel::window& one : unravel::windows_of(block, words_, context())) {
      unravel::read_window(read_, one, ffn, [](index_t, index_t) {});
    }
  }
  /// Bits per byte of the language's scored text.
  template <class Look>
  double score(const language_text& text, Look& look) {
    open_feed_forward ffn{open_, read_.batch(), look};
    std::vector<unravel::window> windows;
    for (const std::string_view block : unravel::blocks_of(text.scored)) {
      for (unravel::window& one : unravel::windows_of(block, words_, context())) windows.push_back(std::move(one));
    }
    return unravel::score_windows(read_, windows, ffn).bits_per_byte();
  }

private:
  index_t context() const noexcept { return unravel::window_tokens(weights_.sizes()); }

  std::string name_;
  engine::model<float> weights_;
  engine::packed_model<float> packed_;
  std::vector<open_layer> open_;
  engine::tokenizer words_;
  engine::session<engine::packed_model<float>> read_;
};

}  // namespace fissile::babel_study
