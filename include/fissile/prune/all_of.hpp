// Several judges as one: an expert goes first only where all of them would let it go.
#pragma once

#include <fissile/count/corpus_names.hpp>
#include <fissile/prune/best_first.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace fissile {

/// standing = the best of the expert's ranks, with rank = experts that stand strictly lower / (experts - 1), from 0,
/// the lowest, to 1; shared experts are left out. So the order of the judges does not matter, and an expert that one
/// judge holds in high regard stays.
///
///   all_of{keep_busiest{usage::of_label(counts, "de")}, keep_largest{magnitudes}}
template <class... Judges>
class all_of {
  static_assert(sizeof...(Judges) > 0 && (judge<Judges> && ...),
                "fissile::all_of asks judges: types with `name()`, `seen()` and `standings(layer, partition)` const "
                "(docs/concepts/judge.md)");

public:
  explicit all_of(Judges... judges) : judges_(std::move(judges)...) {}

  std::string name() const {
    std::string names;
    each([&](const auto& one) { names += (names.empty() ? "" : ", ") + one.name(); });
    return "all_of(" + names + ")";
  }

  /// All corpora; of the tokens, those of the judge that saw the fewest, since the verdict rests on each.
  evidence seen() const {
    evidence all;
    corpus_names corpora;
    each([&](const auto& one) {
      const evidence seen = one.seen();
      if (seen == evidence{}) return;  // looks at no text
      all.tokens = all.tokens == 0 ? seen.tokens : std::min(all.tokens, seen.tokens);
      corpora.merge(corpus_names{seen.corpus});
    });
    all.corpus = corpora.joined();
    return all;
  }

  std::vector<standing> standings(index_t layer, const partition& experts) const {
    std::vector<standing> best(to_size(experts.experts()));
    each([&](const auto& one) {
      const std::vector<standing> standings = one.standings(layer, experts);
      const std::vector<index_t> order = best_first(standings, experts, one.name());
      const double highest = std::max(1.0, static_cast<double>(order.size()) - 1);
      index_t lower = 0;  // experts that stand strictly lower
      for (index_t place = length(order) - 1; place >= 0; --place) {
        const standing& given = standings[to_size(order[to_size(place)])];
        const bool tied =
            place + 1 < length(order) && standings[to_size(order[to_size(place + 1)])].value == given.value;
        if (!tied) lower = length(order) - 1 - place;
        standing& kept = best[to_size(order[to_size(place)])];
        kept.value = std::max(kept.value, static_cast<double>(lower) / highest);
        kept.reason += (kept.reason.empty() ? "" : "; ") + given.reason;
      }
    });
    return best;
  }

private:
  template <class Function>
  void each(const Function& tell) const {
    std::apply([&](const auto&... one) { (tell(one), ...); }, judges_);
  }

  std::tuple<Judges...> judges_;
};

}  // namespace fissile
