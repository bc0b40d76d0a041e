// The analysis: every chosen line of every language once forward and once backward through the model, heard by all
// statistics at once; a few lines again, with single neurons silenced.
#pragma once

#include "analyse_capture.hpp"
#include "analyse_lines.hpp"
#include "analyse_settings.hpp"
#include "analyse_silencing.hpp"
#include "workers.hpp"

#include <fissile/count/text_measure.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// What a language brought.
struct analysed_language {
  std::string language, origin;
  index_t lines = 0, there = 0;   // read, and could have been read
  index_t cut = 0;                // of those read, longer than the context
  index_t tokens = 0, bytes = 0;  // predicted
  double loss = 0;                // of them, in nats
  std::string last_piece = {};    // the bytes of the token that most lines end with
  index_t last_lines = 0;         // so many do
  std::vector<silencing> silenced = {};

  double bits_per_byte() const noexcept { return loss / std::log(2.0) / static_cast<double>(bytes); }
  double last_share() const noexcept { return static_cast<double>(last_lines) / static_cast<double>(lines); }
};

struct analysis_result {
  analyse_settings settings;  // as used
  std::string corpus;
  engine::architecture sizes;
  std::vector<analysed_language> languages;
  text_measure measure;  // of the whole lines that were read
  statistics found;

  std::vector<std::string> names() const { return measure.labels(); }
};

class analysis {
public:
  /// Borrows the model and the texts. Throws setting_error for settings and texts that do not serve.
  analysis(const engine::model<float>& weights, const corpus& texts, analyse_settings chosen)
      : weights_(weights), settings_(settled(chosen)), name_(texts.name) {
    const engine::tokenizer words{weights.file()};
    context_ = window_tokens(weights.sizes());
    for (const text_lines& one : choose_lines(texts, settings_.order, settings_.windows)) add_text(one, words);
  }

  analysis_result run(progress_style style) const {
    std::vector<std::string> names;
    for (const analysed_language& one : languages_) names.push_back(one.language);
    analysis_result made{.settings = settings_,
                         .corpus = name_,
                         .sizes = weights_.sizes(),
                         .languages = languages_,
                         .measure = text_measure{{names, name_}},
                         .found = empty_statistics(weights_.sizes(), names, name_)};
    index_t pieces = 0;
    for (const std::vector<line_of_text>& lines : lines_) pieces += length(lines);
    progress told{"analysing", pieces, style};
    progress languages_told{"languages", length(languages_), progress_style::silent};
    run_jobs({.jobs = length(languages_), .threads = settings_.threads}, languages_told, [&] {
      return [&, pass = std::make_unique<engine::gradient_pass<float>>(weights_, context_)](index_t language) {
        read_language(language, *pass, made, told);
      };
    });
    return made;
  }

private:
  struct line_of_text {
    std::string_view line;
    line_window window;
  };

  static analyse_settings settled(analyse_settings chosen) {
    const auto refuse = [](const char* option, const char* expected, index_t got) {
      fail<setting_error>({.argument = option, .expected = expected, .got = std::to_string(got)});
    };
    if (chosen.windows < 1) refuse("--windows", "at least 1", chosen.windows);
    if (chosen.silenced < 0) refuse("--silenced", "at least 0", chosen.silenced);
    if (chosen.silenced_windows < 1) refuse("--silenced-windows", "at least 1", chosen.silenced_windows);
    chosen.threads = threads_or_cores(chosen.threads);
    return chosen;
  }

  [[noreturn]] static void refuse_text(const analysed_language& one, const char* expected, std::string got) {
    fail<setting_error>(
        {.argument = "text " + one.language + " (" + one.origin + ")", .expected = expected, .got = std::move(got)});
  }

  void add_text(const text_lines& from, const engine::tokenizer& words) {
    analysed_language made{.language = from.language, .origin = from.origin, .there = from.there};
    std::vector<line_of_text>& lines = lines_.emplace_back();
    std::map<engine::token_id, index_t> last;
    for (const std::string_view line : from.lines) {
      const line_window& window = lines.emplace_back(line_of_text{line, window_of_line(line, words, context_)}).window;
      if (window.tokens == 0) refuse_text(made, "a token in every line", "none in \"" + std::string{line} + "\"");
      made.cut += window.cut ? 1 : 0;
      made.tokens += length(window.read.tokens) - 1;
      made.bytes += scored_bytes({window.read});
      ++last[window.read.tokens.back()];
    }
    made.lines = length(lines);
    if (made.bytes == 0) refuse_text(made, "a line of which anything is predicted", "lines of one token");
    for (const auto& [token, count] : last) {
      if (count <= made.last_lines) continue;
      made.last_lines = count;
      made.last_piece = words.piece(token);
    }
    languages_.push_back(std::move(made));
  }

  void read_language(index_t language, engine::gradient_pass<float>& pass, analysis_result& made,
                     progress& told) const {
    analysed_language& into = made.languages[to_size(language)];
    const std::vector<line_of_text>& lines = lines_[to_size(language)];
    language_capture capture{made.found, language};
    into.silenced = draw_neurons(weights_.sizes(), settings_.silenced, settings_.seed);
    const std::vector<index_t> again = spread(length(lines), settings_.silenced_windows);
    for (index_t i = 0; i < length(lines); ++i) {
      const auto& [line, window] = lines[to_size(i)];
      made.measure.add(language, line, window.tokens);
      capture.line_begin(window.read.text_begin);
      const double loss = pass.forward(window.read.tokens, capture);
      into.loss += loss;
      if (std::binary_search(again.begin(), again.end(), i)) {
        pass.backward(silencing_listener{into.silenced, capture});
        for (silencing& one : into.silenced) one.exact += std::abs(pass.loss_without(one.neuron) - loss);
      } else {
        pass.backward(capture);
      }
      told.piece_done();
    }
  }

  engine::wide_model<float> weights_;
  analyse_settings settings_;
  std::string name_;
  index_t context_ = 0;
  std::vector<analysed_language> languages_;      // what is known before the model reads
  std::vector<std::vector<line_of_text>> lines_;  // [languages]
};

}  // namespace fissile::unravel
