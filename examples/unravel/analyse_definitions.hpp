// The definitions of an analysis, as its report prints them: nothing that decides a number is left to the reader's
// guess.
#pragma once

#include "analyse_run.hpp"

#include <fissile/report/similarity_map.hpp>

#include <fmt/format.h>

#include <string>

namespace fissile::unravel {

inline std::string line_definitions(const analysis_result& done, window_opening opening) {
  const std::string order =
      done.settings.order == line_order::parallel
          ? "Line i of each text translates line i of the others; a line that is blank in one of them is left out of "
            "all"
          : "Texts are no translations of each other line by line: what languages differ in is also what their texts "
            "tell of. Blank lines are left out";
  return fmt::format(
      "- {}. Up to {} lines of each text are read, spread evenly over it.\n"
      "- The model reads each line by itself{}. Of a line that is longer than the context, {} tokens, its end is read: "
      "those are counted as cut.\n"
      "- L is the loss of one line: the sum over its tokens of -ln P(token | those before it), in nats{}.\n"
      "- Characters are code points. Bytes, characters and tokens of a line are those of the whole line, without the "
      "begin token. They stand beside what compares languages, since a language that is cut into more tokens has more "
      "of everything that is summed over tokens, and less of what is divided by them.\n"
      "- Deviation between languages: the standard deviation of the numbers above it, with n - 1.\n",
      order, done.settings.windows,
      opening == window_opening::begin_token ? ", after the begin token that its file asks for" : "",
      window_tokens(done.sizes),
      opening == window_opening::begin_token ? "" : "; the first token is context only, nothing predicts it");
}

inline std::string importance_definitions(const analysis_result& done) {
  return fmt::format(
      "- Importance, after FuxiTranyu (arXiv 2408.06273): |output * dL/doutput| of every output of eight components of "
      "a layer, to first order the change of the loss were the output 0. The components are our choice: query, key "
      "(both before rotation), value, attention_output (what attention adds to the residual stream), gate, up, hidden "
      "(silu(gate) * up), down (what the MLP adds). A component's is the sum over its outputs, a layer's over its "
      "components; attention has the first four, the MLP the last four. It is summed over all positions that predict "
      "a token, and divided by their number (per token) or by the lines (per line; the paper's raw sums, but for that "
      "constant).\n"
      "- Silenced neurons: {} hidden neurons of all layers drawn by seed {}, the same for all languages, on up to {} "
      "of the lines. exact = sum over lines of |L with the neuron 0 for all tokens - L|, by a forward pass for each. "
      "first order = sum over lines of |sum over tokens of h dL/dh|; by token = sum over lines and tokens of |h "
      "dL/dh|. Spearman's rank correlation of each with exact; relative error = sum |first order - exact| / sum "
      "exact.\n",
      done.settings.silenced, done.settings.seed, done.settings.silenced_windows);
}

inline std::string state_definitions(const analysis_result& done) {
  return fmt::format(
      "- Similarity: v = mean over lines of the last token's hidden state (the residual stream; embedding: before the "
      "first block), cosine of two languages' v. Means over pairs leave a language with itself out, or include it. "
      "Which token most lines end with stands in the table of texts: what last tokens are is a part of how alike their "
      "states are. The middle layer is {}, of the embedding and {} blocks counted from 0.\n"
      "- Firing: a neuron fires for a token where silu(gate . x) > 0. |h|: mean over tokens and neurons. A language's "
      "own neurons: LAPE (arXiv 2402.16438) with its numbers, from those rates; at so few tokens an indication only.\n",
      states_name(fuxitranyu::middle_layer(done.found.centroids)), done.found.centroids.layers() - 1);
}

}  // namespace fissile::unravel
