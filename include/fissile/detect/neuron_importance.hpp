// How much the loss of each label's texts hangs on each neuron: the importance LLaMA-MoE splits a layer by.
//
//   change    h_t * dL/dh_t    the first-order change of the loss if the neuron fell silent for token t, but for the
//   sign gradient  dL/dh_t sample    sum over t of |.| / tokens          total    | sum over t of . | / tokens
//
// LLaMA-MoE (Zhu et al. 2024, arXiv 2406.16554; code) recommends change by sample. A label stands for one expert: the
// texts of the cluster of data that the expert is to serve. h is the input of the down projection, or the gate's
// output; the caller brings h and dL/dh from an engine that has a backward pass, and leaves out positions that have no
// loss.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/count/corpus_names.hpp>
#include <fissile/count/label_key.hpp>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

struct importance_settings {
  std::vector<std::string> labels = {};
  index_t neurons = 1;
  std::string corpus = {};  // where the tokens come from; said in every report
};

/// What is read from the sums.
enum class importance_of { change, gradient };
enum class summed_by { sample, total };

/// The sums of one neuron.
struct importance_sums {
  double change = 0, change_magnitude = 0;      // of h * dL/dh, and of its magnitude
  double gradient = 0, gradient_magnitude = 0;  // of dL/dh, and of its magnitude
  friend bool operator==(const importance_sums&, const importance_sums&) = default;
};

/// Plain data of one layer: sums and counts, both kinds and both ways at once. How tokens are cut into calls changes no
/// bit. A label that is not there is refused with setting_error.
class neuron_importance {
public:
  explicit neuron_importance(importance_settings settings)
      : labels_(std::move(settings.labels)), neurons_(settings.neurons), corpora_(std::move(settings.corpus)) {
    check_labels(labels_, "neuron_importance");
    if (neurons_ < 1) {
      fail<setting_error>(
          {.argument = "neuron_importance: neurons", .expected = "at least 1", .got = std::to_string(neurons_)});
    }
    sums_.resize(labels_.size() * to_size(neurons_));
    tokens_.resize(labels_.size());
    undefined_.resize(labels_.size());
  }

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  index_t neurons() const noexcept { return neurons_; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }
  std::uint64_t tokens(label_key label) const { return tokens_[to_size(label.among(labels_))]; }
  /// Products or gradients that were NaN or infinite: they add nothing.
  std::uint64_t undefined(label_key label) const { return undefined_[to_size(label.among(labels_))]; }
  const importance_sums& sums(label_key label, index_t neuron) const {
    Expects(neuron >= 0 && neuron < neurons_);
    return sums_[to_size(label.among(labels_) * neurons_ + neuron)];
  }

  /// hidden: h; gradients: dL/dh; both [tokens x neurons], float or double.
  template <class H, class G>
  requires std::floating_point<std::remove_const_t<H>> && std::floating_point<std::remove_const_t<G>>
  void add(label_key label, matrix_view<H> hidden, matrix_view<G> gradients) {
    Expects(hidden.columns() == neurons_ && gradients.columns() == neurons_ && gradients.rows() == hidden.rows());
    const std::size_t at = to_size(label.among(labels_));
    importance_sums* row = sums_.data() + at * to_size(neurons_);
    for (index_t token = 0; token < hidden.rows(); ++token) {
      for (index_t j = 0; j < neurons_; ++j) {
        const auto gradient = static_cast<double>(gradients(token, j));
        const double change = static_cast<double>(hidden(token, j)) * gradient;
        if (!std::isfinite(change) || !std::isfinite(gradient)) {
          ++undefined_[at];
          continue;
        }
        row[j].change += change;
        row[j].change_magnitude += std::abs(change);
        row[j].gradient += gradient;
        row[j].gradient_magnitude += std::abs(gradient);
      }
    }
    tokens_[at] += static_cast<std::uint64_t>(hidden.rows());
  }

  /// A row a label, as importance_split wants them; zeros where a label has no tokens. [labels x neurons]
  std::vector<double> scores(importance_of what = importance_of::change, summed_by how = summed_by::sample) const {
    std::vector<double> found;
    found.reserve(sums_.size());
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      const bool change = what == importance_of::change;
      const double sum = how == summed_by::sample ? (change ? sums_[i].change_magnitude : sums_[i].gradient_magnitude)
                                                  : std::abs(change ? sums_[i].change : sums_[i].gradient);
      const std::uint64_t tokens = tokens_[i / to_size(neurons_)];
      found.push_back(tokens == 0 ? 0.0 : sum / static_cast<double>(tokens));
    }
    return found;
  }

  /// Adds what was found on other tokens: counts exactly, sums to 1e-12. Throws shape_error for other labels or
  /// neurons.
  void merge(const neuron_importance& other) {
    if (labels_ != other.labels_ || neurons_ != other.neurons_) {
      fail<shape_error>(
          {.argument = "neuron_importance::merge",
           .expected = "the same labels and " + std::to_string(neurons_) + " neurons",
           .got = std::to_string(other.labels_.size()) + " labels and " + std::to_string(other.neurons_) + " neurons"});
    }
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      sums_[i].change += other.sums_[i].change;
      sums_[i].change_magnitude += other.sums_[i].change_magnitude;
      sums_[i].gradient += other.sums_[i].gradient;
      sums_[i].gradient_magnitude += other.sums_[i].gradient_magnitude;
    }
    for (std::size_t label = 0; label < tokens_.size(); ++label) {
      tokens_[label] += other.tokens_[label];
      undefined_[label] += other.undefined_[label];
    }
    corpora_.merge(other.corpora_);
  }

  friend bool operator==(const neuron_importance&, const neuron_importance&) = default;

private:
  std::vector<std::string> labels_;
  index_t neurons_;
  corpus_names corpora_;
  std::vector<importance_sums> sums_;     // [labels x neurons]
  std::vector<std::uint64_t> tokens_;     // [labels]
  std::vector<std::uint64_t> undefined_;  // [labels]
};

}  // namespace fissile
