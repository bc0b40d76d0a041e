// How much experts are used by one label, by all, or by a weighted mix: what judges of frequency look at.
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/prune/judge.hpp>
#include <fissile/prune/short_number.hpp>

#include <cmath>
#include <utility>

namespace fissile {

/// One label's part in a mix.
struct label_weight {
  std::string label;
  double weight = 1;  // not negative; only the weights' proportions matter
};

/// use = sum over labels of weight * frequency / sum of weights. The counts are borrowed and must outlive this.
class usage {
public:
  /// Of the texts of one label. Throws setting_error where the counts have no such label.
  static usage of_label(const activation_counts& counts, std::string label) {
    std::string name = label;
    return {counts, {{std::move(label), 1.0}}, std::move(name)};
  }
  /// The mean over all labels, each counting the same however long its texts are.
  static usage of_all(const activation_counts& counts) {
    std::vector<label_weight> mix;
    for (const std::string& label : counts.labels()) mix.push_back({label, 1.0});
    return {counts, std::move(mix), "all"};
  }
  /// Throws setting_error where the mix is empty, names unknown labels, or has weights that cannot be.
  static usage of_mix(const activation_counts& counts, std::vector<label_weight> mix) {
    std::string name;
    for (const label_weight& part : mix) {
      name += (name.empty() ? "" : " + ") + short_number(part.weight) + " " + part.label;
    }
    return {counts, std::move(mix), std::move(name)};
  }
  static usage of_label(const activation_counts&&, std::string) = delete;
  static usage of_all(const activation_counts&&) = delete;
  static usage of_mix(const activation_counts&&, std::vector<label_weight>) = delete;

  const std::string& name() const noexcept { return name_; }
  evidence seen() const {
    evidence all{.corpus = counts_->corpus()};
    for (const label_weight& part : mix_) all.tokens += counts_->tokens(part.label);
    return all;
  }

  /// What a judge says who keeps the experts of most use (sign 1) or of least (sign -1).
  /// Throws shape_error where the layer was counted with other experts, setting_error where no token was counted.
  std::vector<standing> standings(index_t layer, const partition& experts, double sign) const {
    if (counts_->experts(layer) != experts.experts()) {
      fail<shape_error>({.argument = "usage: counts of layer " + std::to_string(layer),
                         .expected = std::to_string(experts.experts()) + " experts",
                         .got = std::to_string(counts_->experts(layer)),
                         .cure = "decide with the partition that was counted with"});
    }
    std::uint64_t tokens = 0;
    for (const label_weight& part : mix_) tokens += tokens_of(part.label, layer);
    std::vector<standing> made;
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      const double use = of(layer, expert);
      made.push_back({.value = sign * use, .reason = words(use, tokens)});
    }
    return made;
  }

  double of(index_t layer, index_t expert) const {
    double sum = 0;
    for (const label_weight& part : mix_) sum += part.weight * counts_->frequency(part.label, layer, expert);
    return sum / total_;
  }

private:
  usage(const activation_counts& counts, std::vector<label_weight> mix, std::string name)
      : counts_(&counts), mix_(std::move(mix)), name_(std::move(name)) {
    for (const label_weight& part : mix_) {
      counts.tokens(part.label);  // refuses a label that is not there
      if (!(part.weight >= 0 && std::isfinite(part.weight))) {
        fail<setting_error>({.argument = "usage: weight of " + part.label,
                             .expected = "a number, at least 0",
                             .got = short_number(part.weight)});
      }
      total_ += part.weight;
    }
    if (!(total_ > 0)) {
      fail<setting_error>({.argument = "usage: mix", .expected = "a weight above 0", .got = "none"});
    }
  }

  std::uint64_t tokens_of(const std::string& label, index_t layer) const {
    const std::uint64_t tokens = counts_->tokens(label, layer);
    if (tokens > 0) return tokens;
    fail<setting_error>({.argument = "usage: " + label + ", layer " + std::to_string(layer),
                         .expected = "counted tokens",
                         .got = "none",
                         .cure = "count texts of this label before deciding by it"});
  }

  std::string words(double use, std::uint64_t tokens) const {
    const std::string where = std::to_string(tokens) + " tokens in " + name_;
    if (!(use > 0)) return "seen 0 times in " + where;
    return (mix_.size() == 1 ? "frequency " : "mean frequency ") + short_number(use) + " of " + where;
  }

  const activation_counts* counts_;
  std::vector<label_weight> mix_;
  std::string name_;
  double total_ = 0;  // of the weights
};

}  // namespace fissile
