// One way to give up experts for a language, and what it costs in bits per byte.
#pragma once

#include "counting.hpp"

#include <fissile/prune/short_number.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::babel_study {

/// What becomes of the experts that are given up, and of the others.
enum class use_kind {
  remove,   // they are gone; the others all work
  restrict  // they are never chosen; of the others those work that the token's gate chooses
};
/// Whose word says which experts are given up.
enum class judge_kind {
  none,   // nobody gives up any
  own,    // least used by the language
  all,    // least used by all languages, each counting the same
  random  // drawn
};
/// What layer rates follow; the sign says whether a high level removes less (+) or more (-).
enum class level_kind { same, activity, idleness, loud, quiet };

constexpr std::string_view name_of(use_kind use) noexcept {
  return use == use_kind::remove ? "remove" : "restrict";
}
constexpr std::string_view name_of(judge_kind judge) noexcept {
  constexpr std::array<std::string_view, 4> names{"none", "own", "all", "random"};
  return names[static_cast<std::size_t>(judge)];
}
constexpr std::string_view name_of(level_kind level) noexcept {
  constexpr std::array<std::string_view, 5> names{"same", "activity +", "activity -", "mean |h| +", "mean |h| -"};
  return names[static_cast<std::size_t>(level)];
}

struct pruning {
  view_kind view = {};
  use_kind use = use_kind::remove;
  judge_kind judge = judge_kind::none;
  double rate = 0;
  std::uint64_t seed = 0;  // of judge_kind::random
  level_kind level = level_kind::same;
  double lambda = 0;

  /// What a row is called in the file of rows.
  std::string key(std::string_view model, std::string_view language) const {
    std::string made = std::string{model} + " | " + view.name() + " | " + std::string{name_of(use)} + " " +
                       std::string{name_of(judge)} + " " + short_number(rate) + " seed " + std::to_string(seed);
    if (level != level_kind::same) made += " | " + std::string{name_of(level)} + " " + short_number(lambda);
    return made + " | " + std::string{language};
  }
};

/// The place of a code among `languages`.
inline index_t place_of(std::string_view code) {
  const auto found =
      std::find_if(languages.begin(), languages.end(), [&](const language& l) { return l.code == code; });
  Expects(found != languages.end());
  return found - languages.begin();
}

/// High means that less should go.
inline std::vector<double> levels_of(const pruning& how, const counted_model& counts, std::string_view language) {
  std::vector<double> levels = how.level == level_kind::activity || how.level == level_kind::idleness
                                   ? babel::activity(counts.of(how.view).all, std::string{language}, how.view.chosen())
                                   : counts.magnitudes[to_size(place_of(language))];
  if (how.level == level_kind::idleness || how.level == level_kind::quiet) {
    for (double& level : levels) level = -level;
  }
  return levels;
}

inline verdict decided(const pruning& how, const counted_model& counts, std::string_view language) {
  const counted_view& view = counts.of(how.view);
  babel::choices chosen = view.kind.chosen(how.rate);
  chosen.lambda = how.lambda;
  const auto with = [&](const auto& budget) {
    if (how.judge == judge_kind::own) return babel::by_frequency(view.all, std::string{language}, budget, view.splits);
    if (how.judge == judge_kind::all) return decide(keep_busiest{usage::of_all(view.all)}, budget, view.splits);
    return babel::at_random(how.seed, budget, view.splits);  // at rate 0 nobody goes, in any order
  };
  if (how.level == level_kind::same) return with(babel::same_rate(chosen));
  return with(babel::layer_rates(levels_of(how, counts, language), chosen));
}

/// Silences what a verdict gives up.
class pruned_look {
public:
  pruned_look(const subject& model, const counted_view& view, use_kind use, const verdict& given_up) : use_(use) {
    for (index_t layer = 0; layer < length(view.splits); ++layer) {
      const partition& split = view.splits[to_size(layer)];
      owners_.push_back(split.owners());
      kept_.emplace_back(to_size(split.experts()), char{0});
      for (const index_t e : given_up.kept(layer)) kept_.back()[to_size(e)] = 1;
      gates_.emplace_back(model.weights().ffn(layer), split, view.kind.score, view.kind.chosen(), given_up.kept(layer));
    }
    working_ = kept_;
  }

  void operator()(index_t layer, vector_view<float> hidden) {
    std::vector<char>& working = working_[to_size(layer)];
    if (use_ == use_kind::restrict) {
      std::fill(working.begin(), working.end(), char{0});
      for (const choice& c : gates_[to_size(layer)](hidden)) working[to_size(c.expert)] = 1;
    }
    const std::vector<index_t>& owner = owners_[to_size(layer)];
    for (index_t j = 0; j < hidden.length(); ++j) {
      if (working[to_size(owner[to_size(j)])] == 0) hidden[j] = 0;
    }
  }

private:
  use_kind use_;
  std::vector<std::vector<index_t>> owners_;       // [layers][neurons]
  std::vector<std::vector<char>> kept_, working_;  // [layers][experts]
  std::vector<hidden_gate> gates_;                 // [layers]
};

/// Bits per byte of the language's scored text.
inline double cost_of(const pruning& how, subject& model, const counted_model& counts,
                      const std::vector<language_text>& texts, std::string_view language) {
  pruned_look look{model, counts.of(how.view), how.use, decided(how, counts, language)};
  return model.score(texts[to_size(place_of(language))], look);
}

}  // namespace fissile::babel_study
