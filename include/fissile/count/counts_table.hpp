// A table of counts by (label, layer): what every kind of counting shares. Labels are languages or domains of texts.
#pragma once

#include <fissile/count/corpus_names.hpp>
#include <fissile/count/label_key.hpp>
#include <fissile/partition/partition.hpp>
#include <fissile/route/route.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

struct counts_settings {
  std::vector<std::string> labels;  // of the texts: at least one, each once, none empty
  index_t layers = 1;
  std::string corpus = {};  // where the texts come from; said in every report
};

/// A route_observer that counts into one (label, layer). A pointer to copy as one likes; allocates nothing.
/// Handles of different labels or layers may be used by different threads at the same time; two threads that count
/// into the same place need counts of their own, merged afterwards.
template <class Cell>
class cell_counter {
public:
  explicit cell_counter(Cell& into) noexcept : into_(&into) {}
  void token(const route& chosen) noexcept { into_->token(chosen); }

private:
  Cell* into_;
};

/// The base of activation_counts and coactivation_counts, which are `Counts`; `Cell` counts for one (label, layer).
/// A label or layer that is not there is refused with setting_error.
template <class Counts, class Cell>
class counts_table {
public:
  /// All layers are split alike. Throws setting_error for no, empty or repeated labels and for less than one layer.
  counts_table(const partition& split, counts_settings settings)
      : counts_table(std::vector<partition>(to_size(std::max<index_t>(settings.layers, 0)), split), settings) {}
  /// Each layer has a split of its own; `settings.layers` must be their number.
  counts_table(const std::vector<partition>& splits, counts_settings settings);

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  index_t layers() const noexcept { return layers_; }
  index_t experts(index_t layer) const { return of(0, layer).experts(); }
  /// Names of all corpora that were counted, in alphabetical order.
  const std::vector<std::string>& corpora() const noexcept { return corpora_.list(); }
  std::string corpus() const { return corpora_.joined(); }  // the same, joined by " + "

  /// The observer that counts for this label and layer. It must not be used after these counts end, are assigned to
  /// or merged into.
  cell_counter<Cell> at(label_key label, index_t layer) { return cell_counter<Cell>{table_[place(label, layer)]}; }

  /// All there is for one label and layer.
  const Cell& of(label_key label, index_t layer) const { return table_[place(label, layer)]; }
  std::uint64_t tokens(label_key label, index_t layer) const { return of(label, layer).tokens; }
  /// Tokens of the label's texts: the most that any layer has seen.
  std::uint64_t tokens(label_key label) const;

  /// Replaces what one label and layer counted, as a reader of files does. Throws shape_error where the experts or the
  /// shared ones differ, setting_error where `counts` contradicts itself.
  void set(label_key label, index_t layer, Cell counts);
  void clear() noexcept {
    for (Cell& counts : table_) counts.clear();
  }

  /// Adds the counts of other texts, label by label; labels that are new are appended. Exact, associative, and
  /// commutative up to the order of labels, while no weight saturates. Throws shape_error for other layers, experts or
  /// shared experts, setting_error where a sum exceeds 64 bits; then nothing has changed.
  void merge(const Counts& other);
  /// What was counted after `earlier`, a copy of these counts then. Throws shape_error as `merge` does, setting_error
  /// where `earlier` has counted more.
  Counts since(const Counts& earlier) const;
  /// The counts of these labels, in this order.
  Counts only(const std::vector<std::string>& labels) const;

  friend bool operator==(const counts_table&, const counts_table&) = default;

private:
  std::size_t place(label_key label, index_t layer) const;
  void check_layers(const counts_table& other, std::string_view who) const;
  const Counts& self() const noexcept { return static_cast<const Counts&>(*this); }

  std::vector<std::string> labels_;
  corpus_names corpora_;
  index_t layers_ = 0;
  std::vector<Cell> table_;  // [labels x layers]
};

template <class Counts, class Cell>
counts_table<Counts, Cell>::counts_table(const std::vector<partition>& splits, counts_settings settings)
    : labels_(std::move(settings.labels)), layers_(length(splits)) {
  check_labels(labels_, "counts");
  if (settings.layers < 1) {
    fail<setting_error>(
        {.argument = "counts: layers", .expected = "at least 1", .got = std::to_string(settings.layers)});
  }
  if (settings.layers != layers_) {
    fail<shape_error>({.argument = "counts: splits",
                       .expected = std::to_string(settings.layers) + ", one a layer",
                       .got = std::to_string(layers_)});
  }
  corpora_ = corpus_names{std::move(settings.corpus)};
  for (index_t label = 0; label < length(labels_); ++label) {
    for (const partition& split : splits) table_.emplace_back(split);
  }
}

template <class Counts, class Cell>
std::size_t counts_table<Counts, Cell>::place(label_key label, index_t layer) const {
  const index_t found = label.among(labels_);
  if (layer < 0 || layer >= layers_) {
    fail<setting_error>({.argument = "counts: layer",
                         .expected = "from 0 to " + std::to_string(layers_ - 1),
                         .got = std::to_string(layer)});
  }
  return to_size(found * layers_ + layer);
}

template <class Counts, class Cell>
std::uint64_t counts_table<Counts, Cell>::tokens(label_key label) const {
  std::uint64_t most = 0;
  for (index_t layer = 0; layer < layers_; ++layer) most = std::max(most, of(label, layer).tokens);
  return most;
}

template <class Counts, class Cell>
void counts_table<Counts, Cell>::set(label_key label, index_t layer, Cell counts) {
  Cell& target = table_[place(label, layer)];
  const std::string name = "counts: " + labels_[to_size(label.among(labels_))] + ", layer " + std::to_string(layer);
  if (const std::string contradiction = counts.contradiction(); !contradiction.empty()) {
    fail<setting_error>({.argument = name, .expected = "counts that can be true", .got = contradiction});
  }
  if (!target.same_shape(counts)) {
    fail<shape_error>({.argument = name,
                       .expected = std::to_string(target.experts()) + " experts, the same ones shared",
                       .got = std::to_string(counts.experts())});
  }
  target = std::move(counts);
}

template <class Counts, class Cell>
void counts_table<Counts, Cell>::check_layers(const counts_table& other, std::string_view who) const {
  const auto shape = [](const counts_table& counts) { return std::to_string(counts.layers()) + " layers"; };
  if (layers_ != other.layers_) fail<shape_error>({.argument = who, .expected = shape(*this), .got = shape(other)});
  for (index_t layer = 0; layer < layers_; ++layer) {
    if (of(0, layer).same_shape(other.of(0, layer))) continue;
    fail<shape_error>({.argument = who,
                       .expected = std::to_string(experts(layer)) + " experts in layer " + std::to_string(layer) +
                                   ", the same ones shared",
                       .got = std::to_string(other.experts(layer)) + " experts",
                       .cure = "count both with the same partition"});
  }
}

template <class Counts, class Cell>
void counts_table<Counts, Cell>::merge(const Counts& other) {
  check_layers(other, "counts::merge");
  counts_table sum = *this;  // all or nothing; and `other` may be these counts themselves
  for (const std::string& label : other.labels_) {
    const bool known = std::find(labels_.begin(), labels_.end(), label) != labels_.end();
    if (!known) sum.labels_.push_back(label);
    for (index_t layer = 0; layer < layers_; ++layer) {
      const Cell& more = other.of(label, layer);
      if (!known) {
        sum.table_.push_back(more);
      } else if (Cell& counts = sum.table_[place(label, layer)]; counts.can_merge(more)) {
        counts.merge(more);
      } else {
        fail<setting_error>({.argument = "counts::merge: " + label,
                             .expected = "sums below 2^64",
                             .got = "larger ones",
                             .cure = "is one of the files damaged?"});
      }
    }
  }
  sum.corpora_.merge(other.corpora_);
  *this = std::move(sum);
}

template <class Counts, class Cell>
Counts counts_table<Counts, Cell>::since(const Counts& earlier) const {
  check_layers(earlier, "counts::since");
  Counts rest = self();
  for (const std::string& label : earlier.labels_) {
    for (index_t layer = 0; layer < layers_; ++layer) {
      Cell& counts = rest.table_[place(label, layer)];
      const Cell& before = earlier.of(label, layer);
      if (!counts.can_subtract(before)) {
        fail<setting_error>({.argument = "counts::since: " + label,
                             .expected = "earlier counts, of which these are the continuation",
                             .got = "larger ones",
                             .cure = "exchange the two"});
      }
      counts.subtract(before);
    }
  }
  return rest;
}

template <class Counts, class Cell>
Counts counts_table<Counts, Cell>::only(const std::vector<std::string>& labels) const {
  check_labels(labels, "counts::only");
  Counts chosen = self();
  chosen.labels_ = labels;
  chosen.table_.clear();
  for (const std::string& label : labels) {
    for (index_t layer = 0; layer < layers_; ++layer) chosen.table_.push_back(of(label, layer));
  }
  return chosen;
}

}  // namespace fissile
