// Where each language lies in the space of the hidden states, layer by layer, after FuxiTranyu (Sun et al., EMNLP 2024
// industry track, arXiv 2408.06273, section 6): a sentence is the state of its last token, a language the mean of its
// sentences, and two languages are as alike as their means point one way.
//
//   v_l[k]        = mean over sentences of label l of the last token's hidden state at layer k
//   sim_k(l1, l2) = v_l1[k] . v_l2[k] / (|v_l1[k]| |v_l2[k]|)
//
// Layer 0 is what the embedding puts out, layer k what the k-th block does. The paper takes the same sentences in all
// languages: elsewhere what the texts tell of is compared as well.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/count/corpus_names.hpp>
#include <fissile/count/label_key.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

struct centroid_settings {
  std::vector<std::string> labels = {};
  index_t layers = 1;  // of hidden states: the blocks and one more
  index_t width = 1;
  std::string corpus = {};  // where the sentences come from; said in every report
};

/// Whether a language's likeness to itself, which is 1, counts in the mean over pairs. The paper does not say.
enum class own_pairs { included, left_out };

/// Plain data: sums and counts. A label or layer that is not there is refused with setting_error.
class language_centroids {
public:
  /// Throws setting_error for no, empty or repeated labels, or for less than one layer or feature.
  explicit language_centroids(centroid_settings settings);

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  index_t layers() const noexcept { return layers_; }
  index_t width() const noexcept { return width_; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }
  /// Sentences that count in the mean.
  std::uint64_t sentences(label_key label, index_t layer) const { return tallies_[place(label, layer)].sentences; }
  /// Sentences left out: their last state has a NaN or an infinity, or there is none, as all positions pad.
  std::uint64_t undefined(label_key label, index_t layer) const { return tallies_[place(label, layer)].undefined; }

  /// One sentence at one layer, of which the last position that is no padding counts: the last row alone does as well.
  /// states: [positions x width], float or double; padding: [positions], not 0 where one only pads, or empty.
  template <class T>
  requires std::floating_point<std::remove_const_t<T>>
  void add(label_key label, index_t layer, matrix_view<T> states, vector_view<const char> padding = {});

  /// v_l[k]; zeros where there are no sentences. [width]
  std::vector<double> centroid(label_key label, index_t layer) const;
  /// sim_k(a, b), from -1 to 1, the same for (b, a), and 1 for (a, a); NaN where one of the two is all zeros, as it is
  /// without sentences.
  double cosine(label_key a, label_key b, index_t layer) const;
  /// Of every label with every label. [labels x labels]
  std::vector<std::vector<double>> cosines(index_t layer) const;
  /// The mean of that table, with its diagonal or without. Pairs whose cosine is NaN are left out; NaN where no pair is
  /// left.
  double mean_cosine(index_t layer, own_pairs diagonal) const;

  /// Adds what was found on other sentences: counts exactly, sums to 1e-12. Throws shape_error for other labels, layers
  /// or width; then nothing has changed.
  void merge(const language_centroids& other);

  friend bool operator==(const language_centroids&, const language_centroids&) = default;

private:
  struct tally {
    std::uint64_t sentences = 0, undefined = 0;
    friend bool operator==(const tally&, const tally&) = default;
  };

  std::size_t place(label_key label, index_t layer) const;
  vector_view<const double> sums(std::size_t at) const noexcept {
    return {sums_.data() + at * to_size(width_), width_};
  }

  std::vector<std::string> labels_;
  index_t layers_, width_;
  corpus_names corpora_;
  std::vector<double> sums_;    // [labels x layers x width]
  std::vector<tally> tallies_;  // [labels x layers]
};

inline language_centroids::language_centroids(centroid_settings settings)
    : labels_(std::move(settings.labels)),
      layers_(settings.layers),
      width_(settings.width),
      corpora_(std::move(settings.corpus)) {
  check_labels(labels_, "language_centroids");
  const auto at_least_one = [](const char* name, index_t got) {
    if (got < 1) fail<setting_error>({.argument = name, .expected = "at least 1", .got = std::to_string(got)});
  };
  at_least_one("language_centroids: layers", layers_);
  at_least_one("language_centroids: width", width_);
  tallies_.resize(labels_.size() * to_size(layers_));
  sums_.resize(tallies_.size() * to_size(width_));
}

inline std::size_t language_centroids::place(label_key label, index_t layer) const {
  if (layer < 0 || layer >= layers_) {
    fail<setting_error>({.argument = "language_centroids: layer",
                         .expected = "from 0, the embedding's output, to " + std::to_string(layers_ - 1),
                         .got = std::to_string(layer)});
  }
  return to_size(label.among(labels_) * layers_ + layer);
}

template <class T>
requires std::floating_point<std::remove_const_t<T>>
void language_centroids::add(label_key label, index_t layer, matrix_view<T> states, vector_view<const char> padding) {
  Expects(states.columns() == width_ && (padding.empty() || padding.length() == states.rows()));
  const std::size_t at = place(label, layer);
  index_t last = states.rows() - 1;
  while (last >= 0 && !padding.empty() && padding[last] != 0) --last;
  const auto finite = [](T x) { return std::isfinite(x); };
  if (last < 0 || !std::all_of(states.row(last).begin(), states.row(last).end(), finite)) {
    ++tallies_[at].undefined;
    return;
  }
  double* sum = sums_.data() + at * to_size(width_);
  for (index_t i = 0; i < width_; ++i) sum[i] += static_cast<double>(states(last, i));
  ++tallies_[at].sentences;
}

inline std::vector<double> language_centroids::centroid(label_key label, index_t layer) const {
  const std::size_t at = place(label, layer);
  const auto sentences = static_cast<double>(std::max<std::uint64_t>(1, tallies_[at].sentences));
  std::vector<double> mean;
  for (const double sum : sums(at)) mean.push_back(sum / sentences);
  return mean;
}

inline double language_centroids::cosine(label_key a, label_key b, index_t layer) const {
  const std::size_t at_a = place(a, layer), at_b = place(b, layer);
  const vector_view<const double> p = sums(at_a), q = sums(at_b);  // sentences divide both sides, so sums serve
  double product = 0, p_square = 0, q_square = 0;
  for (index_t i = 0; i < width_; ++i) {
    product += p[i] * q[i];
    p_square += p[i] * p[i];
    q_square += q[i] * q[i];
  }
  if (!(p_square > 0 && q_square > 0)) return std::numeric_limits<double>::quiet_NaN();
  return at_a == at_b ? 1.0 : std::clamp(product / (std::sqrt(p_square) * std::sqrt(q_square)), -1.0, 1.0);
}

inline std::vector<std::vector<double>> language_centroids::cosines(index_t layer) const {
  std::vector<std::vector<double>> table(labels_.size(), std::vector<double>(labels_.size()));
  for (std::size_t a = 0; a < labels_.size(); ++a) {
    for (std::size_t b = 0; b <= a; ++b) table[a][b] = table[b][a] = cosine(a, b, layer);
  }
  return table;
}

inline double language_centroids::mean_cosine(index_t layer, own_pairs diagonal) const {
  const std::vector<std::vector<double>> table = cosines(layer);
  double sum = 0, pairs = 0;
  for (std::size_t a = 0; a < table.size(); ++a) {
    for (std::size_t b = 0; b < table.size(); ++b) {
      if ((a == b && diagonal == own_pairs::left_out) || std::isnan(table[a][b])) continue;
      sum += table[a][b];
      ++pairs;
    }
  }
  return sum / pairs;  // 0 / 0 where there are none
}

inline void language_centroids::merge(const language_centroids& other) {
  if (labels_ != other.labels_ || layers_ != other.layers_ || width_ != other.width_) {
    const auto shape = [](const language_centroids& of) {
      return std::to_string(of.labels_.size()) + " labels, " + std::to_string(of.layers_) + " layers of width " +
             std::to_string(of.width_);
    };
    fail<shape_error>(
        {.argument = "language_centroids::merge", .expected = shape(*this) + ", the same labels", .got = shape(other)});
  }
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  for (std::size_t i = 0; i < tallies_.size(); ++i) {
    tallies_[i].sentences += other.tallies_[i].sentences;
    tallies_[i].undefined += other.tallies_[i].undefined;
  }
  corpora_.merge(other.corpora_);
}

}  // namespace fissile
