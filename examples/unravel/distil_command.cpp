#include "distil_command.hpp"

#include "distil_report.hpp"
#include "distil_training.hpp"
#include "places.hpp"
#include "targets.hpp"

#include <chrono>
#include <filesystem>

namespace fissile::unravel {

namespace {

distil_plan settled(const distil_words& asked) {
  distil_plan plan = asked.plan;
  plan.threads = threads_or_cores(plan.threads);
  plan.fit.rule.threshold = static_cast<float>(asked.threshold);
  if (plan.shares.empty()) {
    fail<setting_error>({.argument = "--target-active", .expected = "at least one share", .got = "none"});
  }
  for (std::size_t i = 0; i < plan.shares.size(); ++i) {
    settings_of(plan, {.share = static_cast<index_t>(i)}).check();
    if (std::count(plan.shares.begin(), plan.shares.end(), plan.shares[i]) > 1) {
      fail<setting_error>({.argument = "--target-active",
                           .expected = "each share once",
                           .got = fmt::format("{} twice", plan.shares[i])});
    }
  }
  return plan;
}

/// What is read: to learn from, and to score.
struct distil_texts {
  std::string corpus;
  std::vector<std::vector<window>> lessons;  // by text
  std::vector<scored_text> scored;
  index_t learned_bytes = 0, scored_bytes = 0;

  std::string told() const {
    return fmt::format("{}; {} bytes learned from, {} scored", corpus, learned_bytes, scored_bytes);
  }
};

distil_texts cut(const corpus& texts, const distil_plan& plan, const engine::model<float>& weights) {
  const engine::tokenizer words{weights.file()};
  const index_t context = window_tokens(weights.sizes());
  distil_texts made{.corpus = texts.name, .lessons = {}, .scored = {}};
  for (const text& one : texts.texts) {
    const auto lessons = split_halves(one, plan.learned_bytes).counted;
    made.lessons.push_back(windows_of(lessons, words, context));
    made.learned_bytes += bytes_of(lessons);
    made.scored.push_back({one.language, windows_of(split_halves(one, plan.scored_bytes).scored, words, context)});
    const index_t bytes = scored_bytes(made.scored.back().windows);
    made.scored_bytes += bytes;
    if (bytes > 0) continue;
    fail<setting_error>({.argument = "text " + one.language + " (" + one.origin + ")",
                         .expected = "bytes to score in its second block",
                         .got = "none that anything predicts",
                         .cure = "give a longer text"});
  }
  return made;
}

/// 64 bits that tell texts apart (FNV-1a).
std::string fingerprint(const std::vector<std::vector<window>>& texts) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const auto& text : texts) {
    for (const window& one : text) {
      for (const engine::token_id token : one.tokens) {
        hash = (hash ^ static_cast<std::uint64_t>(token)) * 0x100000001b3u;
      }
    }
  }
  return fmt::format("{:016x}", hash);
}

/// Nothing learned yet, or what was learned before this run was stopped.
distil_results begin(const distil_words& asked, const distil_results& nothing) {
  if (asked.resume.empty()) return nothing;
  distil_results saved = read_distilled(asked.resume);
  if (saved.run == nothing.run && saved.sizes == nothing.sizes) return saved;
  fail<setting_error>({.argument = "--resume " + asked.resume,
                       .expected = "the state of this very run (" + nothing.run + ")",
                       .got = "that of another (" + saved.run + ")",
                       .cure = "give the same model, texts and settings"});
}

struct comparison {
  std::vector<distil_row> rows;
  std::vector<double> captured;  // by MoEfication's network, by layer
};

comparison compare(const engine::packed_model<float>& fast, const split_model& split,
                   const std::vector<layer_samples>& samples, const distil_results& learned, const distil_plan& plan,
                   const distil_texts& texts) {
  std::vector<layer_rivals> rivals;
  {
    progress told{"rivals", length(samples), style_of_stderr()};
    rivals = make_rivals(split, samples, {.threads = plan.threads}, plan.seed, told);
  }
  const std::vector<contender> contenders = distil_contenders{split, rivals, learned, plan}.all();
  progress told{"scoring", length(contenders) * length(texts.scored), style_of_stderr()};
  comparison made{.rows = score_contenders(fast, contenders, texts.scored, plan.threads, told), .captured = {}};
  for (const layer_rivals& one : rivals) made.captured.push_back(one.network.captured);
  return made;
}

}  // namespace

void run_distil(const distil_words& asked) {
  const distil_plan plan = settled(asked);
  const std::string path = asked.model.empty() ? default_model() : asked.model;
  const std::string model = std::filesystem::path{path}.filename().string();
  const engine::model<float> weights{path};
  const split_model split{weights, plan.experts};
  const distil_texts texts = cut(asked.texts.empty() ? default_corpus({.guide = asked.guide, .folders = text_folders()})
                                                     : corpus_of_arguments(asked.texts),
                                 plan, weights);
  const std::string state_file = asked.target + ".state";
  std::vector<std::string> inputs = files_of_model(path);
  add_text_files(inputs, asked.texts);
  check_targets(
      inputs, {{"--out", asked.target}, {"the state", state_file}, {"--json", asked.json}, {"--figure", asked.figure}});
  if (asked.resume.empty() && std::filesystem::exists(state_file)) {
    fail<file_error>({.argument = "--out " + asked.target,
                      .expected = "no state of a run that was stopped",
                      .got = state_file,
                      .cure = "go on from it with --resume " + state_file + ", or remove it"});
  }
  const engine::architecture& sizes = weights.sizes();
  distil_results results = begin(asked, {.run = to_string(plan, model, fingerprint(texts.lessons)),
                                         .threshold = plan.fit.rule.threshold,
                                         .sizes = {sizes.layers, sizes.width, sizes.neurons, plan.experts},
                                         .shares = plan.shares,
                                         .fits = {}});
  write_distilled(state_file, results);  // before the work: a place that cannot be written is told now

  const auto start = std::chrono::steady_clock::now();
  const auto minutes = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
  };
  const engine::packed_model<float> fast{weights};
  std::vector<layer_samples> samples;
  {
    progress told{"reading", length(texts.lessons), style_of_stderr()};
    samples = overhear(fast, texts.lessons, plan.threads, told);
  }
  distil_training{split, samples, plan, state_file}.run(results, style_of_stderr());
  write_distilled(asked.target, results);
  std::filesystem::remove(state_file);
  const double learning = minutes();

  const comparison made = compare(fast, split, samples, results, plan, texts);
  const std::vector<distil_summary> summary = summarise(made.rows);
  fmt::print("{}: {} layers of {} experts\n{}\n", model, sizes.layers, plan.experts, texts.told());
  fmt::print("{} steps of {} tokens, seed {}; {:.1f} minutes of learning, {:.1f} in all, threads: {}\n\n{}\n",
             plan.fit.steps, plan.fit.batch, plan.seed, learning, minutes(), plan.threads,
             to_plain_text(distil_table(summary)));
  for (std::size_t layer = 0; layer < made.captured.size(); ++layer) {
    fmt::print("layer {}: MoEfication's network captures {:.1f} % of the oracle's scores at 20 %, held out\n", layer,
               100 * made.captured[layer]);
  }
  if (!asked.json.empty()) write_json(asked.json, distil_json(made.rows));
  if (!asked.figure.empty()) write_file_atomically(asked.figure, to_svg(distil_chart(summary, model, texts.told())));
  fmt::print("\n{} is written.\n", asked.target);
}

}  // namespace fissile::unravel
