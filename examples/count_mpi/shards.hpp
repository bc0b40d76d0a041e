// Texts cut into pieces, and pieces into shards: every piece is in just one shard, whatever their number.
//
// A piece is a block of 1 KiB and is counted by itself, so that the counts of all shards add up to those of the whole,
// bit for bit. Files are mapped: a shard touches no more of them than it counts.
#pragma once

#include <unravel/blocks.hpp>

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/file/mapped_file.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::count_mpi {

/// One shard of `of`.
struct shard {
  index_t number = 0;
  index_t of = 1;
};

struct piece_range {
  index_t first = 0, last = 0;  // last is none of them
};

/// Neighbouring pieces, in shards of the same length but for one. Throws setting_error where there is no such shard.
inline piece_range share_of(shard mine, index_t pieces) {
  if (mine.of < 1 || mine.number < 0 || mine.number >= mine.of) {
    fail<setting_error>({.argument = "shard",
                         .expected = "from 0 to " + std::to_string(mine.of - 1),
                         .got = std::to_string(mine.number)});
  }
  const auto begin = [&](index_t number) {  // without a product that could overflow
    return pieces / mine.of * number + std::min(number, pieces % mine.of);
  };
  return {begin(mine.number), begin(mine.number + 1)};
}

struct labelled_file {
  std::string label;  // the language
  mapped_file file;
};

/// Of "en=english.txt". Throws setting_error for other words, file_error for a file that cannot be read.
inline labelled_file labelled_file_of(const std::string& argument) {
  const std::size_t sign = argument.find('=');
  if (sign == std::string::npos || sign == 0 || sign + 1 == argument.size()) {
    fail<setting_error>({.argument = "--text",
                         .expected = "LANGUAGE=FILE",
                         .got = "\"" + argument + "\"",
                         .cure = "write --text en=english.txt"});
  }
  return {argument.substr(0, sign), mapped_file{argument.substr(sign + 1)}};
}

/// A text of one language, as a shard counts it.
struct piece {
  index_t label = 0;
  std::string_view content;
};

/// All pieces of all texts, in their order.
class corpus_pieces {
public:
  explicit corpus_pieces(std::vector<labelled_file> texts) : texts_(std::move(texts)) {
    for (const labelled_file& text : texts_) {
      ends_.push_back(pieces() + unravel::blocks_for(static_cast<index_t>(text.file.size())));
    }
  }

  const std::vector<labelled_file>& texts() const noexcept { return texts_; }
  index_t pieces() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
  piece operator[](index_t number) const noexcept {
    Expects(number >= 0 && number < pieces());
    const auto text = std::upper_bound(ends_.begin(), ends_.end(), number) - ends_.begin();
    const index_t before = text == 0 ? 0 : ends_[to_size(text - 1)];
    const std::size_t begin = to_size((number - before) * unravel::block_bytes);
    return {text, texts_[to_size(text)].file.bytes().substr(begin, to_size(unravel::block_bytes))};
  }
  std::vector<std::string> labels() const {
    std::vector<std::string> all;
    for (const labelled_file& text : texts_) all.push_back(text.label);
    return all;
  }

private:
  std::vector<labelled_file> texts_;
  std::vector<index_t> ends_;  // pieces of this text and those before
};

}  // namespace fissile::count_mpi
