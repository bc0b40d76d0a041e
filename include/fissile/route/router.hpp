// The router: score, squash, select, for every token of a batch.
#pragma once

#include <fissile/route/scorer.hpp>
#include <fissile/route/selector.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/workspace.hpp>

#include <utility>

namespace fissile {

/// Three policies, composed. Inference only reads it, so one router serves many threads, each with its workspace.
///
///   auto choose = router{linear_scorer{{rows, 32, 128}}, sigmoid{}, above{.threshold = 0.5f}};
///   choose(tokens, work);   // fills work.routes()
template <class Scorer, class Squash, class Selector>
class router {
  static_assert(scorer<Scorer>,
                "fissile::router, 1st policy: a scorer has experts(), width(), scratch() and "
                "score(tokens, scores, scratch), all const noexcept (docs/concepts/scorer.md)");
  static_assert(squash<Squash>,
                "fissile::router, 2nd policy: a squash is `void operator()(vector_view<float>) const noexcept` "
                "(docs/concepts/squash.md)");
  static_assert(selector<Selector>,
                "fissile::router, 3rd policy: a selector has `void select(selection, route&) const noexcept` "
                "(docs/concepts/selector.md)");

public:
  /// Throws setting_error or shape_error where the selector cannot serve as many experts as are scored.
  router(Scorer score, Squash squash, Selector select)
      : score_(std::move(score)), squash_(std::move(squash)), select_(std::move(select)) {
    check_settings(select_, experts());
  }

  index_t experts() const noexcept { return score_.experts(); }
  index_t width() const noexcept { return score_.width(); }

  /// Fills work.routes() and work.scores(). tokens: [1 to work.batch() x width].
  /// A score that is NaN is counted in its route and its expert is not chosen; nothing chosen is an empty route.
  void operator()(matrix_view<const float> tokens, workspace& work) const noexcept {
    Expects(tokens.columns() == width() && experts() <= work.experts());
    work.start(tokens.rows());
    const index_t blocks = (tokens.rows() + lanes - 1) / lanes;
    const index_t tasks = std::min(blocks, work.tasks());
    work.run()(tasks, [&](index_t task) noexcept {
      for (index_t block = task; block < blocks; block += tasks) {
        const index_t first = block * lanes;
        choose_block(tokens, first, std::min(lanes, tokens.rows() - first), work, work.tile(task));
      }
    });
  }
  void operator()(vector_view<const float> token, workspace& work) const noexcept {
    (*this)(matrix_view<const float>(token), work);
  }

private:
  void choose_block(matrix_view<const float> tokens, index_t first, index_t count, workspace& work,
                    vector_view<float> scratch) const noexcept {
    Expects(score_.scratch() <= scratch.length());
    const matrix_view<float> scores = work.scores(experts());
    score_.score(tokens.rows(first, count), scores.rows(first, count), scratch);
    for (index_t token = first; token < first + count; ++token) {
      const vector_view<float> values = scores.row(token);
      const vector_view<float> keys = work.keys(token, experts());
      squash_(values);
      index_t undefined = 0;
      for (index_t expert = 0; expert < experts(); ++expert) {
        keys[expert] = values[expert];
        undefined += values[expert] != values[expert] ? 1 : 0;
      }
      route& chosen = work.routes()[token];
      select_.select({values, keys}, chosen);
      chosen.undefined_scores = undefined;
    }
  }

  Scorer score_;
  [[no_unique_address]] Squash squash_;
  [[no_unique_address]] Selector select_;
};

}  // namespace fissile
