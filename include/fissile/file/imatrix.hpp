// Importance matrices, as llama.cpp collects and publishes them: for each linear layer of a model the sum of its
// squared inputs over a text. Statistics of public models without a calibration run, and ours for llama.cpp's
// quantiser.
//
//   const imatrix seen = read_imatrix("Llama-3.2-1B.imatrix.gguf");
//   const auto& down = seen.at("blk.0.ffn_down.weight");       // its inputs are the neurons of layer 0
//   by_importance{.importance = down.mean_squares()}.split(ffn, 32);
//
// Format: a GGUF file with general.type = "imatrix"; NAME.in_sum2, [matrices x inputs], and NAME.counts, [matrices x
// 1], both F32; one matrix, or one for each expert of a mixture.
#pragma once

#include <fissile/file/gguf/reader.hpp>
#include <fissile/file/gguf/writer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

/// What one linear layer, or each expert's, saw. Sums and counts, never means, so that they merge.
struct imatrix_entry {
  index_t inputs = 0;
  std::vector<double> squares;  // [matrices x inputs]: sum over tokens of input^2
  std::vector<double> counts;   // [matrices]: tokens; not whole where a collector weighs them

  index_t matrices() const noexcept { return length(counts); }
  /// Sum of squares over tokens, 0 for a matrix that saw none. [inputs]
  std::vector<double> mean_squares(index_t matrix = 0) const {
    return each(matrix, [](double mean) { return mean; });
  }
  /// Its root: the norm that Wanda multiplies weights with, but for a factor that all inputs share. [inputs]
  std::vector<double> norms(index_t matrix = 0) const {
    return each(matrix, [](double mean) { return std::sqrt(mean); });
  }

  friend bool operator==(const imatrix_entry&, const imatrix_entry&) = default;

private:
  template <class Function>
  std::vector<double> each(index_t matrix, const Function& f) const {
    Expects(matrix >= 0 && matrix < matrices());
    std::vector<double> numbers(to_size(inputs), 0.0);
    const double tokens = counts[to_size(matrix)];
    for (index_t i = 0; tokens > 0 && i < inputs; ++i) {
      numbers[to_size(i)] = f(squares[to_size(matrix * inputs + i)] / tokens);
    }
    return numbers;
  }
};

/// Plain data.
struct imatrix {
  std::vector<std::string> datasets;
  std::uint32_t chunks = 0;                      // pieces of text that were read ...
  std::uint32_t chunk_tokens = 0;                // ... and the tokens of each
  std::map<std::string, imatrix_entry> entries;  // by the name of the weight tensor
  std::vector<std::string> unknown;              // tensors of the file that are none of these, in its order

  /// Throws file_error where no layer has this name.
  const imatrix_entry& at(const std::string& name) const {
    const auto found = entries.find(name);
    if (found != entries.end()) return found->second;
    fail<file_error>({.argument = "imatrix: \"" + name + "\"",
                      .expected = "one of its " + std::to_string(entries.size()) + " layers",
                      .got = "no layer of this name"});
  }

  /// Adds what was seen on another text. Throws shape_error where a layer has another shape there; then nothing
  /// changes.
  void merge(const imatrix& other) {
    for (const auto& [name, one] : other.entries) {
      const auto found = entries.find(name);
      if (found == entries.end()) continue;
      if (found->second.inputs == one.inputs && found->second.matrices() == one.matrices()) continue;
      fail<shape_error>({.argument = "imatrix: merge: \"" + name + "\"",
                         .expected = shape_of(found->second.matrices(), found->second.inputs),
                         .got = shape_of(one.matrices(), one.inputs)});
    }
    for (const auto& [name, one] : other.entries) {
      const auto [here, fresh] = entries.emplace(name, one);
      if (fresh) continue;
      imatrix_entry& sum = here->second;
      for (std::size_t i = 0; i < sum.squares.size(); ++i) sum.squares[i] += one.squares[i];
      for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += one.counts[i];
    }
    datasets.insert(datasets.end(), other.datasets.begin(), other.datasets.end());
    chunks += other.chunks;
  }
};

namespace imatrix_detail {

inline constexpr std::string_view squares_suffix = ".in_sum2", counts_suffix = ".counts";

[[noreturn]] inline void refuse(const gguf_file& file, const std::string& name, std::string expected, std::string got) {
  fail<file_error>({.argument = file.path() + ": " + name, .expected = expected, .got = got});
}

inline imatrix_entry read_entry(const gguf_file& file, const std::string& name) {
  const gguf_tensor& squares = file.tensor(name + std::string{squares_suffix});
  const gguf_tensor* counts = file.find_tensor(name + std::string{counts_suffix});
  if (counts == nullptr || counts->count() != squares.rows()) {
    refuse(file, name, "counts of " + std::to_string(squares.rows()) + " matrices",
           counts == nullptr ? "none" : std::to_string(counts->count()));
  }
  imatrix_entry entry{.inputs = squares.columns(), .squares = {}, .counts = {}};
  for (const float square : file.read_floats(squares.name)) entry.squares.push_back(square);
  for (const float count : file.read_floats(counts->name)) entry.counts.push_back(count);
  const auto good = [](double number) { return number >= 0 && std::isfinite(number); };
  if (!std::all_of(entry.squares.begin(), entry.squares.end(), good) ||
      !std::all_of(entry.counts.begin(), entry.counts.end(), good)) {
    refuse(file, name, "sums and counts that are finite and not negative", "others");
  }
  return entry;
}

}  // namespace imatrix_detail

/// Throws file_error for a file of another kind, or a damaged one.
inline imatrix read_imatrix(const std::string& path) {
  using namespace imatrix_detail;
  const gguf_file file{path};
  const auto type = file.get_or<std::string>("general.type", "none");
  if (type != "imatrix") {
    refuse(file, "general.type", "imatrix", type + (file.find("general.type") == nullptr ? " given" : ""));
  }
  imatrix found{.datasets = file.get_or<std::vector<std::string>>("imatrix.datasets", {}),
                .chunks = file.get_or<std::uint32_t>("imatrix.chunk_count", 0),
                .chunk_tokens = file.get_or<std::uint32_t>("imatrix.chunk_size", 0),
                .entries = {},
                .unknown = {}};
  for (const gguf_tensor& one : file.tensors()) {
    const std::string name{one.name};
    if (name.ends_with(squares_suffix)) {
      const std::string layer = name.substr(0, name.size() - squares_suffix.size());
      found.entries.emplace(layer, read_entry(file, layer));
    } else if (!name.ends_with(counts_suffix) || file.find_tensor(name.substr(0, name.size() - counts_suffix.size()) +
                                                                  std::string{squares_suffix}) == nullptr) {
      found.unknown.push_back(name);
    }
  }
  return found;
}

/// Sums become float, as the format has them; throws file_error for one that is no float. What is `unknown` is not
/// written. The target appears whole or not at all.
inline void write_imatrix(const std::string& path, const imatrix& seen) {
  using namespace imatrix_detail;
  gguf_writer out;
  out.set("general.type", "imatrix");
  out.set("imatrix.datasets", seen.datasets);
  out.set("imatrix.chunk_count", seen.chunks);
  out.set("imatrix.chunk_size", seen.chunk_tokens);
  std::vector<std::vector<float>> kept;  // until the file is saved
  const auto narrow = [&](const std::vector<double>& numbers) -> const float* {
    std::vector<float>& to = kept.emplace_back();
    for (const double number : numbers) {
      to.push_back(static_cast<float>(number));
      if (std::isfinite(to.back())) continue;
      fail<file_error>(
          {.argument = "write_imatrix", .expected = "sums that are floats", .got = std::to_string(number)});
    }
    return to.data();
  };
  for (const auto& [name, one] : seen.entries) {
    if (length(one.squares) != one.inputs * one.matrices()) {
      fail<shape_error>({.argument = "write_imatrix: \"" + name + "\"",
                         .expected = std::to_string(one.inputs * one.matrices()) + " sums",
                         .got = std::to_string(one.squares.size())});
    }
    out.add(name + std::string{squares_suffix},
            matrix_view<const float>{narrow(one.squares), one.matrices(), one.inputs});
    out.add(name + std::string{counts_suffix}, matrix_view<const float>{narrow(one.counts), one.matrices(), 1});
  }
  out.save(path);
}

}  // namespace fissile
