// The definitions of a study, as its report prints them: nothing that decides a number is left to the reader's guess.
#pragma once

#include "study.hpp"

#include <fmt/format.h>

#include <string>

namespace fissile::unravel {

inline std::string text_definitions(index_t context, window_opening opening) {
  const char* first_token = opening == window_opening::begin_token
                                ? "every window begins with the model's begin token, so that every token of the text "
                                  "is predicted"
                                : "the model's file asks for no begin token, so the first token of a window is context "
                                  "only and its bytes are not counted";
  return fmt::format(
      "- Texts are cut into blocks of {} bytes, numbered from 1. Frequencies come from odd blocks, bits per byte from "
      "even ones, the first ones of each; bytes asked for are rounded up to whole blocks.\n"
      "- A window is as many tokens as the model's context holds ({}), within one block; the last one of a block may "
      "be shorter. Windows do not overlap; {}. A token of several bytes counts its bytes.\n"
      "- bits per byte = - sum of log2 P(token) / bytes predicted.\n",
      block_bytes, context, first_token);
}

inline std::string expert_definitions(const study_settings& chosen) {
  return fmt::format(
      "- Experts: each layer's neurons in stored order, cut into {} slices whose sizes differ by at most one.\n"
      "- Counting: the model runs dense; beside it an oracle scores every expert of every layer by the sum of |h| over "
      "its neurons, h = act(gate) * up, and the {} best are counted as used (ties: the lower expert). frequency = "
      "tokens that used the expert / tokens.\n"
      "- Judges: none removes nothing; own the least used by the language; all the least used by all, by the mean of "
      "their frequencies; other the least used by the next language of the list, the first following the last; random "
      "one draw for each of the seeds {} to {}; most the most used by the language. Ties: the lower expert stays.\n"
      "- The draws of random are the same for all languages, so that the spread over languages does not hold theirs; "
      "the tables show the deviation over seeds.\n"
      "- A pruned model keeps its survivors all on at weight 1 (routing all), or the oracle chooses {} of them for "
      "each token (routing top_k).\n",
      chosen.experts, chosen.active, chosen.seed, chosen.seed + random_seeds - 1, chosen.active);
}

inline std::string budget_definitions(const study_settings& chosen) {
  return fmt::format(
      "- The uniform budget removes floor(rate * {} + 1/2) experts from each layer. The level budget removes the same "
      "total: rate_l = rate - {:g} * (level_l - mean level) / (highest level - lowest level), brought to whole experts "
      "by largest remainders; a layer keeps at least {}, or what the uniform budget leaves if that is less. The level "
      "of a layer is the share of its experts whose frequency is at least {}/{}, mean over languages.\n\n",
      chosen.experts, level_lambda, chosen.active, chosen.active, chosen.experts);
}

inline std::string definitions(const study_settings& chosen, index_t context, window_opening opening) {
  return text_definitions(context, opening) + expert_definitions(chosen) + budget_definitions(chosen);
}

}  // namespace fissile::unravel
