// The words of `unravel prune` become a plan and samples, or are refused.
#pragma once

#include "calibrate_stream.hpp"
#include "places.hpp"
#include "prune_command.hpp"
#include "prune_plan.hpp"

#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// Throws setting_error for another word.
inline score_rule score_of(const std::string& word) {
  constexpr std::array rules{score_rule::magnitude, score_rule::wanda, score_rule::wanda_ratio, score_rule::sparsegpt,
                             score_rule::random};
  for (const score_rule rule : rules) {
    if (word == name_of(rule)) return rule;
  }
  fail<setting_error>({.argument = "--score",
                       .expected = "magnitude, wanda, wanda_ratio, sparsegpt or random",
                       .got = "\"" + word + "\"",
                       .cure = "wanda is the usual one"});
}

/// "2:4" is 2 of 4 that go. Throws setting_error for other words.
inline n_of_m groups_of(const std::string& word) {
  n_of_m made;
  const char* const end = word.data() + word.size();
  const auto removed = std::from_chars(word.data(), end, made.removed);
  const bool colon = removed.ec == std::errc{} && removed.ptr != end && *removed.ptr == ':';
  const auto of = colon ? std::from_chars(removed.ptr + 1, end, made.of) : removed;
  if (colon && of.ec == std::errc{} && of.ptr == end) return made;
  fail<setting_error>({.argument = "--nm",
                       .expected = "N:M, so many of every few that go",
                       .got = "\"" + word + "\"",
                       .cure = "write --nm 2:4"});
}

/// Throws setting_error for other words.
inline budget_rule budget_of(const std::string& word) {
  for (const budget_rule rule : {budget_rule::uniform, budget_rule::owl, budget_rule::level}) {
    if (word == name_of(rule)) return rule;
  }
  fail<setting_error>({.argument = "--budget",
                       .expected = "uniform, owl or level",
                       .got = "\"" + word + "\"",
                       .cure = "uniform is the usual one"});
}
inline budget_unit unit_of(const std::string& word) {
  if (word == "block") return budget_unit::block;
  if (word == "matrix") return budget_unit::matrix;
  fail<setting_error>({.argument = "--per", .expected = "block or matrix", .got = "\"" + word + "\""});
}

/// Throws setting_error for words that do not go together.
inline prune_plan plan_of(const prune_words& asked) {
  const auto refuse = [](const char* argument, const char* expected, const char* got, const char* cure) {
    fail<setting_error>({.argument = argument, .expected = expected, .got = got, .cure = cure});
  };
  prune_plan plan = asked.plan;
  plan.score = score_of(asked.score);
  plan.budget.rule = budget_of(asked.budget);
  plan.budget.unit = unit_of(asked.per);
  if (!asked.rate && asked.groups.empty()) refuse("--rate", "a share that goes", "none", "write --rate 0.5");
  if (asked.rate && !asked.groups.empty()) refuse("--nm", "no --rate beside it", "both", "leave out one");
  if (asked.rate) plan.rate = *asked.rate;
  if (!asked.groups.empty()) plan.groups = groups_of(asked.groups);
  if (plan.unit == removed_unit::neurons && plan.experts > 0) {
    refuse("--neurons", "neurons or --experts", "both", "leave out one");
  }
  if (plan.experts > 0) plan.unit = removed_unit::experts;
  if ((plan.score == score_rule::wanda_ratio) == asked.against.empty()) {
    refuse("--against", "texts with --score wanda_ratio, and with no other score",
           asked.against.empty() ? "none" : "some", "write --score wanda_ratio --against code=FILE");
  }
  check(plan);
  return plan;
}

/// Windows of the first `bytes` of each text's odd blocks; the even ones are left for scoring.
inline calibration_corpus samples_of(const corpus& texts, const engine::model<float>& weights, index_t bytes) {
  const engine::tokenizer words{weights.file()};
  calibration_corpus made;
  for (const text& one : texts.texts) {
    made.name += (made.name.empty() ? "" : " + ") + one.language;
    for (window& read : windows_of(split_halves(one, bytes).counted, words, window_tokens(weights.sizes()))) {
      made.samples.push_back({.tokens = std::move(read.tokens)});
    }
  }
  return made;
}

}  // namespace fissile::unravel
