// Selectors around selectors: how chosen experts are weighed, and who takes part in the choice.
//
// They read from the outside in: `scaled{top_k{2}}` chooses two and weighs them by their scores. Every decorator
// states its rule; none is a hidden default, since confusing them is the commonest silent mistake of mixtures.
#pragma once

#include <fissile/route/selector.hpp>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

#define FISSILE_REQUIRES_SELECTOR(name, Inner)                     \
  static_assert(selector<Inner>, "fissile::" name                  \
                                 " wraps a selector: a type with " \
                                 "`void select(selection, route&) const noexcept` (docs/concepts/selector.md)")

/// Weights are multiplied by the squashed scores, as trained mixtures do. An expert that works without having been
/// chosen by its score (`with_shared` inside) and whose score is NaN weighs 0: it must not spoil its token.
template <class Inner>
struct scaled {
  FISSILE_REQUIRES_SELECTOR("scaled", Inner);
  Inner inner;

  void check(index_t experts) const { check_settings(inner, experts); }
  void select(selection scores, route& chosen) const noexcept {
    inner.select(scores, chosen);
    for (choice& c : chosen) {
      const float value = scores.values[c.expert];
      c.weight = value == value ? c.weight * value : 0.0f;
    }
  }
};
template <class Inner>
scaled(Inner) -> scaled<Inner>;  // clang 14 has no aggregate deduction

/// Weights are divided by their sum (`norm_topk_prob` of Hugging Face); left alone where the sum is not positive or not
/// finite.
template <class Inner>
struct normalised {
  FISSILE_REQUIRES_SELECTOR("normalised", Inner);
  Inner inner;

  void check(index_t experts) const { check_settings(inner, experts); }
  void select(selection scores, route& chosen) const noexcept {
    inner.select(scores, chosen);
    float sum = 0;
    for (const choice& c : chosen) sum += c.weight;
    if (!(sum > 0) || sum > std::numeric_limits<float>::max()) return;
    for (choice& c : chosen) c.weight /= sum;
  }
};
template <class Inner>
normalised(Inner) -> normalised<Inner>;

/// Weights are multiplied by experts / chosen experts (DSMoE, Lv et al. 2025, eq. 8). Nothing chosen: nothing to do.
template <class Inner>
struct rescaled {
  FISSILE_REQUIRES_SELECTOR("rescaled", Inner);
  Inner inner;

  void check(index_t experts) const { check_settings(inner, experts); }
  void select(selection scores, route& chosen) const noexcept {
    inner.select(scores, chosen);
    const float factor = static_cast<float>(scores.values.length()) / static_cast<float>(chosen.length());
    for (choice& c : chosen) c.weight *= factor;
  }
};
template <class Inner>
rescaled(Inner) -> rescaled<Inner>;

/// A bias for each expert enters the choice and not the weights (loss-free balancing, DeepSeek-V3, CMoE).
template <class Inner>
struct biased {
  FISSILE_REQUIRES_SELECTOR("biased", Inner);
  Inner inner;
  std::vector<float> bias;  // [experts]

  void check(index_t experts) const {
    if (length(bias) != experts) {
      fail<shape_error>({.argument = "biased: bias",
                         .expected = std::to_string(experts) + " numbers, one an expert",
                         .got = std::to_string(bias.size())});
    }
    check_settings(inner, experts);
  }
  void select(selection scores, route& chosen) const noexcept {
    Expects(length(bias) == scores.keys.length());
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) scores.keys[expert] += bias[to_size(expert)];
    inner.select(scores, chosen);
  }
};
template <class Inner>
biased(Inner, std::vector<float>) -> biased<Inner>;

/// These experts work for every token at weight 1; the inner selector chooses among the others.
template <class Inner>
struct with_shared {
  FISSILE_REQUIRES_SELECTOR("with_shared", Inner);
  Inner inner;
  std::vector<index_t> shared;  // each expert once

  void check(index_t experts) const {
    std::vector<char> seen(to_size(experts), 0);
    for (index_t expert : shared) {
      const bool inside = expert >= 0 && expert < experts;
      if (inside && seen[to_size(expert)]++ == 0) continue;
      fail<setting_error>({.argument = "with_shared: shared",
                           .expected = "experts from 0 to " + std::to_string(experts - 1) + ", each once",
                           .got = std::to_string(expert) + (inside ? " twice" : "")});
    }
    check_settings(inner, experts);
  }
  void select(selection scores, route& chosen) const noexcept {
    for (index_t expert : shared) {
      Expects(expert >= 0 && expert < scores.keys.length());
      scores.keys[expert] = std::numeric_limits<float>::quiet_NaN();
    }
    inner.select(scores, chosen);
    for (index_t expert : shared) chosen.append({expert, 1.0f});
    chosen.settle();
  }
};
template <class Inner>
with_shared(Inner, std::vector<index_t>) -> with_shared<Inner>;

/// Only these experts may be chosen (frequency-guided sparse activation, pruned experts).
template <class Inner>
struct among {
  FISSILE_REQUIRES_SELECTOR("among", Inner);
  Inner inner;
  std::vector<char> allowed;  // [experts]; 0: never chosen

  void check(index_t experts) const {
    if (length(allowed) != experts) {
      fail<shape_error>({.argument = "among: allowed",
                         .expected = std::to_string(experts) + " marks, one an expert",
                         .got = std::to_string(allowed.size())});
    }
    check_settings(inner, experts);
  }
  void select(selection scores, route& chosen) const noexcept {
    Expects(length(allowed) == scores.keys.length());
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      if (allowed[to_size(expert)] == 0) scores.keys[expert] = std::numeric_limits<float>::quiet_NaN();
    }
    inner.select(scores, chosen);
  }
};
template <class Inner>
among(Inner, std::vector<char>) -> among<Inner>;

/// Where the inner selector chooses nothing, the expert with the highest key works alone at weight 1.
/// Still nothing where no key is a number.
template <class Inner>
struct at_least_one {
  FISSILE_REQUIRES_SELECTOR("at_least_one", Inner);
  Inner inner;

  void check(index_t experts) const { check_settings(inner, experts); }
  void select(selection scores, route& chosen) const noexcept {
    inner.select(scores, chosen);
    if (!chosen.empty()) return;
    index_t best = -1;
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      const float key = scores.keys[expert];
      if (key == key && (best < 0 || key > scores.keys[best])) best = expert;
    }
    if (best >= 0) chosen.append({best, 1.0f});
  }
};
template <class Inner>
at_least_one(Inner) -> at_least_one<Inner>;

#undef FISSILE_REQUIRES_SELECTOR

}  // namespace fissile
