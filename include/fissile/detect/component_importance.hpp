// How much the loss of each label's texts hangs on each neuron, each component and each layer of a model, after
// FuxiTranyu (Sun et al., EMNLP 2024 industry track, arXiv 2408.06273, section 6).
//
//   Phi(neuron)    = | output * dL/doutput |         the first-order change of L if the output were 0
//   Phi(component) = sum of Phi over its neurons
//   Phi(layer)     = sum of Phi over its components
//
// A component is a part of a layer whose outputs have gradients: the query projection, what leads out of the FFN. The
// caller names them; `neuron_importance` sums up each one's outputs.
#pragma once

#include <fissile/detect/neuron_importance.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

struct component_shape {
  std::string name;     // "query", "hidden"
  index_t neurons = 1;  // how many outputs it has
  friend bool operator==(const component_shape&, const component_shape&) = default;
};

struct component_settings {
  std::vector<std::string> labels = {};
  index_t layers = 1;
  std::vector<component_shape> components = {};  // of every layer
  std::string corpus = {};                       // where the tokens come from; said in every report
};

/// Where a component stands.
struct component_place {
  index_t layer = 0;
  std::string_view component;
};

/// How a label's tokens become one number a neuron. The paper states neither; its layers reach 20,000, which only sums
/// do. What a loss is summed over is the caller's: of a mean over n positions all scores are 1 / n of a sum's.
struct importance_reading {
  // Ours. sample: sum over t of |.|, so that nothing is cancelled. total: | sum over t of . |, the first-order change
  // of the loss if the output were 0 for all tokens at once.
  summed_by how = summed_by::sample;
  enum class scale { sum, per_token } by = scale::sum;
};

/// Plain data: sums and counts. How tokens are cut into calls changes no bit. A label, layer or component that is not
/// there is refused with setting_error. What was never added has tokens 0 and a score of 0.
class component_importance {
public:
  /// Throws setting_error for no, empty or repeated labels or components, or for less than one layer or neuron.
  explicit component_importance(component_settings settings);

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  const std::vector<component_shape>& components() const noexcept { return components_; }
  index_t layers() const noexcept { return layers_; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return table_.front().corpus(); }
  /// The sums of one component, its tokens and what was no number in it.
  const neuron_importance& of(component_place where) const { return table_[place(where)]; }
  /// Of the label's texts in a layer: the most that any of its components has seen.
  std::uint64_t tokens(label_key label, index_t layer) const;
  /// Products or gradients that were NaN or infinite, in all components: they add nothing.
  std::uint64_t undefined(label_key label) const;

  /// outputs: of the component; gradients: dL/doutputs; both [tokens x neurons], float or double. Positions that have
  /// no loss after them are left out, or have gradients of 0 and count as tokens.
  template <class O, class G>
  void add(label_key label, component_place where, matrix_view<O> outputs, matrix_view<G> gradients) {
    table_[place(where)].add(label, outputs, gradients);
  }

  /// Phi of every neuron. [neurons]
  std::vector<double> of_neurons(label_key label, component_place where, importance_reading reading = {}) const;
  double of_component(label_key label, component_place where, importance_reading reading = {}) const;
  double of_layer(label_key label, index_t layer, importance_reading reading = {}) const;

  /// Adds what was found on other tokens: counts exactly, sums to 1e-12. Throws shape_error for other labels, layers or
  /// components; then nothing has changed.
  void merge(const component_importance& other);

  friend bool operator==(const component_importance&, const component_importance&) = default;

private:
  std::size_t place(component_place where) const;

  std::vector<std::string> labels_;
  index_t layers_;
  std::vector<component_shape> components_;
  std::vector<neuron_importance> table_;  // [layers x components]
};

inline component_importance::component_importance(component_settings settings)
    : labels_(std::move(settings.labels)), layers_(settings.layers), components_(std::move(settings.components)) {
  const auto refuse = [](std::string_view name, std::string expected, std::string got) {
    fail<setting_error>({.argument = "component_importance: " + std::string(name),
                         .expected = std::move(expected),
                         .got = std::move(got)});
  };
  check_labels(labels_, "component_importance");
  if (layers_ < 1) refuse("layers", "at least 1", std::to_string(layers_));
  if (components_.empty()) refuse("components", "at least one", "none");
  for (auto one = components_.begin(); one != components_.end(); ++one) {
    const auto named_alike = [&](const component_shape& other) { return other.name == one->name; };
    if (one->name.empty()) refuse("components", "names", "an empty one");
    if (std::any_of(components_.begin(), one, named_alike)) refuse("components", "each once", one->name + " twice");
    if (one->neurons < 1) refuse(one->name, "at least 1 neuron", std::to_string(one->neurons));
  }
  for (index_t layer = 0; layer < layers_; ++layer) {
    for (const component_shape& one : components_) {
      table_.emplace_back(importance_settings{.labels = labels_, .neurons = one.neurons, .corpus = settings.corpus});
    }
  }
}

inline std::size_t component_importance::place(component_place where) const {
  if (where.layer < 0 || where.layer >= layers_) {
    fail<setting_error>({.argument = "component_importance: layer",
                         .expected = "from 0 to " + std::to_string(layers_ - 1),
                         .got = std::to_string(where.layer)});
  }
  for (index_t i = 0; i < length(components_); ++i) {
    if (components_[to_size(i)].name == where.component) return to_size(where.layer * length(components_) + i);
  }
  std::string known;
  for (const component_shape& one : components_) known += (known.empty() ? "" : ", ") + one.name;
  fail<setting_error>({.argument = "component_importance: component",
                       .expected = "one of " + known,
                       .got = "\"" + std::string(where.component) + "\""});
}

inline std::uint64_t component_importance::tokens(label_key label, index_t layer) const {
  std::uint64_t most = 0;
  for (const component_shape& one : components_) most = std::max(most, of({layer, one.name}).tokens(label));
  return most;
}

inline std::uint64_t component_importance::undefined(label_key label) const {
  std::uint64_t sum = 0;
  for (const neuron_importance& one : table_) sum += one.undefined(label);
  return sum;
}

inline std::vector<double> component_importance::of_neurons(label_key label, component_place where,
                                                            importance_reading reading) const {
  const neuron_importance& found = of(where);
  const auto tokens = static_cast<double>(found.tokens(label));
  const bool scaled = reading.by == importance_reading::scale::per_token && tokens > 0;
  std::vector<double> scores;
  for (index_t j = 0; j < found.neurons(); ++j) {
    const importance_sums& sums = found.sums(label, j);
    const double sum = reading.how == summed_by::sample ? sums.change_magnitude : std::abs(sums.change);
    scores.push_back(scaled ? sum / tokens : sum);
  }
  return scores;
}

inline double component_importance::of_component(label_key label, component_place where,
                                                 importance_reading reading) const {
  double sum = 0;
  for (const double score : of_neurons(label, where, reading)) sum += score;
  return sum;
}

inline double component_importance::of_layer(label_key label, index_t layer, importance_reading reading) const {
  double sum = 0;
  for (const component_shape& one : components_) sum += of_component(label, {layer, one.name}, reading);
  return sum;
}

inline void component_importance::merge(const component_importance& other) {
  if (labels_ != other.labels_ || layers_ != other.layers_ || components_ != other.components_) {
    const auto shape = [](const component_importance& of) {
      return std::to_string(of.labels_.size()) + " labels, " + std::to_string(of.layers_) + " layers of " +
             std::to_string(of.components_.size()) + " components";
    };
    fail<shape_error>(
        {.argument = "component_importance::merge", .expected = shape(*this) + ", the same ones", .got = shape(other)});
  }
  for (std::size_t i = 0; i < table_.size(); ++i) table_[i].merge(other.table_[i]);
}

}  // namespace fissile
