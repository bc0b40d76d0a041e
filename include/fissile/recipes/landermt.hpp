// LANDeRMT (Zhu, Pan, Li, Xiong, ACL 2024, arXiv 2409.19523): find the neurons of a language model that a pair of
// languages is translated with, part them into those of all pairs and those of one, and train these alone, so that a
// new pair is learned and others are not forgotten. In the order of the method:
//
//   (1) D_i = A_i - A_{i+1},  A_i: activation of layer i, mean over passes of one pair        landermt::layer_changes
//       the layers of the largest change are relevant                                         landermt::relevant_layers
//   (2) awareness Theta_m(j) = | h_j * dL/dh_j |,  L: loss of translating pair m              landermt::awareness
//   (3) general: the top neurons by the sum over pairs; specific of m: not general, and
//       Theta_m(j) > 0.9 * max over pairs of Theta(j)                                         landermt::groups_of
//   (4) y = (1 - g) general(x) + g specific(x),  g = sigmoid(row . x), hardened in inference  landermt::branches
//   (5) only general neurons and those of the pair learn                                      landermt::learning
//
// At one token awareness is the first-order change of the loss when the neuron falls silent, and equal to it where the
// loss is linear in h. Of the paper we know the ideas and (2); rules and numbers in (3) are those of its ancestor's
// code (Xie et al. 2021, NA-MNMT), the form of (4) is ours, and so is every choice marked as ours. Of (4) the paper's
// eq. 7 is known in part, h_G(x) = FFN_G(CAR(x) . x): there a factor stands at the input, ours multiplies outputs.
#pragma once

#include <fissile/count/corpus_names.hpp>
#include <fissile/count/label_key.hpp>
#include <fissile/count/similarity.hpp>
#include <fissile/detect/neuron_importance.hpp>
#include <fissile/partition/importance_split.hpp>
#include <fissile/train/neuron_mask.hpp>
#include <fissile/train/two_branches.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace fissile::landermt {

/// From a layer's activations to one number; both ours.
enum class activity { mean_magnitude, root_mean_square };
/// Over tokens and batches. mean_of_batches is NA-MNMT's: the mean over the tokens of a batch, summed over batches.
/// total: the sum over all tokens, so that long batches count for more.
enum class reduction { mean_of_batches, total };

struct choices {
  landermt::activity activity = landermt::activity::mean_magnitude;      // (1) ours
  index_t layers = 2;                                                    // (1) relevant ones, ours
  landermt::reduction reduction = landermt::reduction::mean_of_batches;  // (2) ours, NA-MNMT's
  double general = 0.7;                                                  // (3) share of a layer's neurons, NA-MNMT's
  double owned = 0.9;  // (3) of the largest awareness: a pair above it owns the neuron; NA-MNMT's
  double top = 0.1;    // the sibling's rule, top_neurons: share of a layer's neurons
};

/// floor(share * n), in double as Python computes it. Throws setting_error unless 0 <= share <= 1.
inline index_t share_of(double share, index_t neurons, const char* name) {
  if (share >= 0 && share <= 1) return static_cast<index_t>(std::floor(share * static_cast<double>(neurons)));
  fail<setting_error>(
      {.argument = std::string("landermt: ") + name, .expected = "from 0 to 1", .got = std::to_string(share)});
}

/// (1) A of one layer in one pass. hidden: [tokens x neurons]; 0 of none.
template <class H>
double activity_of(matrix_view<H> hidden, const choices& chosen) {
  double sum = 0;
  for (index_t token = 0; token < hidden.rows(); ++token) {
    for (index_t j = 0; j < hidden.columns(); ++j) {
      const auto h = static_cast<double>(hidden(token, j));
      sum += chosen.activity == activity::mean_magnitude ? std::abs(h) : h * h;
    }
  }
  const index_t numbers = hidden.rows() * hidden.columns();
  const double mean = numbers == 0 ? 0 : sum / static_cast<double>(numbers);
  return chosen.activity == activity::mean_magnitude ? mean : std::sqrt(mean);
}

/// (1) D. means: A of each layer, the mean over passes. One number fewer than layers: nothing follows the last.
inline std::vector<double> layer_changes(const std::vector<double>& means) {
  std::vector<double> changes;
  for (std::size_t i = 0; i + 1 < means.size(); ++i) changes.push_back(means[i] - means[i + 1]);
  return changes;
}

/// (1) The layers i of the largest |D_i|, ascending; all that have one where `chosen.layers` asks for more. The
/// magnitude is ours. Ties go to the lower layer. Throws setting_error for a NaN or fewer than one layer.
inline std::vector<index_t> relevant_layers(const std::vector<double>& changes, const choices& chosen) {
  if (chosen.layers < 1) {
    fail<setting_error>(
        {.argument = "landermt: layers", .expected = "at least 1", .got = std::to_string(chosen.layers)});
  }
  std::vector<double> sizes;
  for (const double change : changes) sizes.push_back(std::abs(change));
  std::vector<index_t> found = most_wanted_first(vector_view<const double>(sizes), "landermt: changes");
  found.resize(to_size(std::min(chosen.layers, length(found))));
  std::sort(found.begin(), found.end());
  return found;
}

/// (2) Theta of one layer, batch by batch. Plain data; labels are pairs of languages. Products that are NaN or infinite
/// are counted and add nothing. A pair that is not there is refused with setting_error.
class awareness {
public:
  /// Throws setting_error for labels as check_labels does, and for less than one neuron.
  explicit awareness(importance_settings settings, const choices& chosen = {})
      : pairs_(std::move(settings.labels)),
        neurons_(settings.neurons),
        reduction_(chosen.reduction),
        corpora_(std::move(settings.corpus)) {
    check_labels(pairs_, "landermt::awareness");
    if (neurons_ < 1) {
      fail<setting_error>(
          {.argument = "landermt::awareness: neurons", .expected = "at least 1", .got = std::to_string(neurons_)});
    }
    tokens_.resize(pairs_.size());
    theta_.resize(pairs_.size() * to_size(neurons_));
  }

  const std::vector<std::string>& pairs() const noexcept { return pairs_; }
  /// The names of all corpora, joined by " + ".
  std::string corpus() const { return corpora_.joined(); }
  std::uint64_t tokens(label_key pair) const { return tokens_[to_size(pair.among(pairs_))]; }
  std::uint64_t undefined() const noexcept { return undefined_; }

  /// One batch of one pair: h and dL/dh, both [tokens x neurons].
  template <class H, class G>
  void add(label_key pair, matrix_view<H> hidden, matrix_view<G> gradients) {
    Expects(hidden.columns() == neurons_ && gradients.columns() == neurons_ && gradients.rows() == hidden.rows());
    const index_t at = pair.among(pairs_);
    std::vector<double> sums(to_size(neurons_), 0.0);
    for (index_t token = 0; token < hidden.rows(); ++token) {
      for (index_t j = 0; j < neurons_; ++j) {
        const double change = static_cast<double>(hidden(token, j)) * static_cast<double>(gradients(token, j));
        if (std::isfinite(change)) {
          sums[to_size(j)] += std::abs(change);
        } else {
          ++undefined_;
        }
      }
    }
    const bool mean = reduction_ == reduction::mean_of_batches && hidden.rows() > 0;
    const double divisor = mean ? static_cast<double>(hidden.rows()) : 1;
    for (index_t j = 0; j < neurons_; ++j) theta_[to_size(at * neurons_ + j)] += sums[to_size(j)] / divisor;
    tokens_[to_size(at)] += static_cast<std::uint64_t>(hidden.rows());
  }

  /// [pairs x neurons]
  matrix_view<const double> theta() const noexcept { return {theta_.data(), length(pairs_), neurons_}; }

  /// Adds what was found on other batches, of any corpus: counts exactly, theta to 1e-12. Throws shape_error for other
  /// pairs, neurons or reductions, and says which.
  void merge(const awareness& other) {
    if (pairs_ != other.pairs_) refuse("pairs", listed(pairs_), listed(other.pairs_));
    if (neurons_ != other.neurons_) refuse("neurons", std::to_string(neurons_), std::to_string(other.neurons_));
    if (reduction_ != other.reduction_) refuse("reduction", name_of(reduction_), name_of(other.reduction_));
    for (std::size_t pair = 0; pair < tokens_.size(); ++pair) tokens_[pair] += other.tokens_[pair];
    for (std::size_t i = 0; i < theta_.size(); ++i) theta_[i] += other.theta_[i];
    undefined_ += other.undefined_;
    corpora_.merge(other.corpora_);
  }

  friend bool operator==(const awareness&, const awareness&) = default;

private:
  static std::string name_of(landermt::reduction which) {
    return which == reduction::total ? "total" : "mean_of_batches";
  }
  static std::string listed(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    return all;
  }
  [[noreturn]] static void refuse(const char* what, const std::string& mine, const std::string& others) {
    fail<shape_error>(
        {.argument = std::string("landermt::awareness::merge: ") + what, .expected = mine, .got = others});
  }

  std::vector<std::string> pairs_;
  index_t neurons_;
  landermt::reduction reduction_;
  corpus_names corpora_;
  std::vector<std::uint64_t> tokens_;  // [pairs]
  std::uint64_t undefined_ = 0;
  std::vector<double> theta_;  // [pairs x neurons]
};

/// (3) The neurons of one layer by whom they serve; all ascending.
struct neuron_groups {
  std::vector<index_t> general;
  std::vector<std::vector<index_t>> specific;  // of each pair; a neuron may be owned by several
  friend bool operator==(const neuron_groups&, const neuron_groups&) = default;
};

/// The neurons of the highest `share`, floor(share * n) of them, ascending; ties go to the lower neuron.
inline std::vector<index_t> top_share(vector_view<const double> scores, double share, const char* name) {
  std::vector<index_t> order = most_wanted_first(scores, "landermt");
  order.resize(to_size(share_of(share, scores.length(), name)));
  std::sort(order.begin(), order.end());
  return order;
}

/// (3) theta: [pairs x neurons], of one layer; that layers are parted one by one is ours. Throws setting_error for
/// shares that are none and for a NaN.
inline neuron_groups groups_of(matrix_view<const double> theta, const choices& chosen) {
  share_of(chosen.owned, theta.columns(), "owned");
  std::vector<double> sums(to_size(theta.columns()), 0.0);
  for (index_t pair = 0; pair < theta.rows(); ++pair) {
    for (index_t j = 0; j < theta.columns(); ++j) sums[to_size(j)] += theta(pair, j);
  }
  neuron_groups found{.general = top_share(vector_view<const double>(sums), chosen.general, "general"), .specific = {}};
  found.specific.resize(to_size(theta.rows()));
  for (index_t j = 0; j < theta.columns(); ++j) {
    if (std::binary_search(found.general.begin(), found.general.end(), j)) continue;
    double largest = 0;
    for (index_t pair = 0; pair < theta.rows(); ++pair) largest = std::max(largest, theta(pair, j));
    for (index_t pair = 0; pair < theta.rows(); ++pair) {
      if (theta(pair, j) > chosen.owned * largest) found.specific[to_size(pair)].push_back(j);
    }
  }
  return found;
}

/// The rule of a sibling (Leng and Xiong 2024, arXiv 2407.06488), in place of (3): what a pair is most aware of.
/// How alike two pairs are is then jaccard(top_neurons(a), top_neurons(b)). theta: [neurons], of one pair.
inline std::vector<index_t> top_neurons(vector_view<const double> theta, const choices& chosen) {
  return top_share(theta, chosen.top, "top");
}

/// (5) General neurons and those of the pair: what learns when the pair is trained.
inline std::vector<index_t> learning(const neuron_groups& groups, index_t pair) {
  std::vector<index_t> both;
  const std::vector<index_t>& own = groups.specific.at(to_size(pair));
  std::merge(groups.general.begin(), groups.general.end(), own.begin(), own.end(), std::back_inserter(both));
  return both;
}
/// (5) For masked_adam, or an optimiser of the caller's.
inline neuron_mask mask(const neuron_groups& groups, index_t pair, index_t neurons) {
  return {neurons, learning(groups, pair)};
}

/// (4) Whom each neuron serves when the pair is translated, for two_branches. That neurons of neither group go on
/// working is ours; NA-MNMT leaves them out. Throws setting_error as mask does.
inline std::vector<branch> branches(const neuron_groups& groups, index_t pair, index_t neurons) {
  mask(groups, pair, neurons);  // refuses neurons that are not there
  std::vector<branch> made(to_size(neurons), branch::rest);
  for (const index_t j : groups.general) made[to_size(j)] = branch::general;
  for (const index_t j : groups.specific.at(to_size(pair))) made[to_size(j)] = branch::specific;
  return made;
}

}  // namespace fissile::landermt
