// What a calibration pass has read: how many samples and positions of which text, and what padding was to it.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/base/view.hpp>
#include <fissile/count/corpus_names.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fissile {

/// Whether positions count that only fill a sample up to its length.
enum class padding_rule {
  reference,  // they do, as in the code of Kim et al. (arXiv 2409.16911), whose statistics see no attention mask
  masked      // they do not
};

struct calibration_settings {
  index_t width = 1;  // inputs of the linear layer
  padding_rule padding = padding_rule::masked;
  std::string corpus = {};  // where the samples come from; said in every report
};

/// Counts of one pass; a sample is one text that the model read from its beginning.
class calibration_tally {
public:
  /// Throws setting_error for less than one input. `who` is named in refusals.
  calibration_tally(calibration_settings settings, std::string_view who)
      : who_(who), width_(settings.width), padding_(settings.padding), corpora_(std::move(settings.corpus)) {
    if (width_ < 1) {
      fail<setting_error>({.argument = who_ + ": width", .expected = "at least 1", .got = std::to_string(width_)});
    }
  }

  index_t width() const noexcept { return width_; }
  padding_rule padding() const noexcept { return padding_; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }
  std::uint64_t samples() const noexcept { return samples_; }
  /// Positions that counted.
  std::uint64_t positions() const noexcept { return positions_; }
  /// Numbers that were NaN or infinite: they count as 0.
  std::uint64_t undefined() const noexcept { return undefined_; }
  /// Whether there are positions of a sample that has not ended.
  bool open() const noexcept { return open_; }

  // What follows is for those who keep the tally.

  /// Tallies one position and says whether it counts. padding: [positions], not 0 where one only pads, or empty.
  bool counts(vector_view<const char> padding, index_t position) noexcept {
    open_ = true;
    if (padding_ == padding_rule::masked && !padding.empty() && padding[position] != 0) return false;
    ++positions_;
    return true;
  }
  void add_undefined() noexcept { ++undefined_; }
  /// A whole sample of so many positions that somebody else read.
  void add_sample(std::uint64_t positions) noexcept {
    positions_ += positions;
    ++samples_;
  }
  void sample_end() noexcept {
    samples_ += open_ ? 1 : 0;
    open_ = false;
  }
  /// Adds another pass. Throws shape_error for another width, setting_error for another rule of padding or a sample
  /// that has not ended; then nothing has changed.
  void merge(const calibration_tally& other);

  friend bool operator==(const calibration_tally&, const calibration_tally&) = default;

private:
  std::string who_;
  index_t width_;
  padding_rule padding_;
  corpus_names corpora_;
  std::uint64_t samples_ = 0;
  std::uint64_t positions_ = 0;
  std::uint64_t undefined_ = 0;
  bool open_ = false;
};

inline void calibration_tally::merge(const calibration_tally& other) {
  if (width_ != other.width_) {
    fail<shape_error>(
        {.argument = who_ + "::merge: width", .expected = std::to_string(width_), .got = std::to_string(other.width_)});
  }
  if (padding_ != other.padding_) {
    const auto name = [](padding_rule rule) { return rule == padding_rule::masked ? "masked" : "reference"; };
    fail<setting_error>({.argument = who_ + "::merge: padding",
                         .expected = name(padding_),
                         .got = name(other.padding_),
                         .cure = "means over other positions do not add up"});
  }
  if (open() || other.open()) {
    fail<setting_error>({.argument = who_ + "::merge",
                         .expected = "samples that have ended",
                         .got = "one that has not",
                         .cure = "call sample_end() after each sample"});
  }
  corpora_.merge(other.corpora_);
  samples_ += other.samples_;
  positions_ += other.positions_;
  undefined_ += other.undefined_;
}

}  // namespace fissile
