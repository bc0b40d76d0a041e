#include "convert_command.hpp"

#include "convert_hf.hpp"
#include "convert_plan.hpp"
#include "convert_report.hpp"
#include "places.hpp"
#include "score.hpp"
#include "targets.hpp"

#include <engine/feed_forward.hpp>
#include <engine/mixture.hpp>

#include <cmath>

namespace fissile::unravel {

namespace {

/// What is read: to make the plan from, and to score.
struct convert_texts {
  std::string corpus;
  std::vector<window> learned, scored;
};

convert_texts cut(const convert_words& asked, const gguf_file& file) {
  const corpus texts = asked.texts.empty() ? default_corpus({.guide = asked.guide, .folders = text_folders()})
                                           : corpus_of_arguments(asked.texts);
  const engine::tokenizer words{file};
  const index_t context = window_tokens(engine::read_architecture(file));
  convert_texts made{.corpus = texts.name, .learned = {}, .scored = {}};
  for (const text& one : texts.texts) {
    const halves parts = split_halves(one, asked.bytes > 0 ? asked.bytes : 8192);
    for (window& each : windows_of(parts.counted, words, context)) made.learned.push_back(std::move(each));
    for (window& each : windows_of(parts.scored, words, context)) made.scored.push_back(std::move(each));
  }
  return made;
}

/// The routers of the fit whose share is nearest.
std::vector<std::vector<float>> routers_of(const std::string& path, const convert_words& asked,
                                           const moe_sizes& sizes) {
  const distil_results read = read_distilled(path);
  if (read.sizes != distil_sizes{sizes.layers, sizes.width, sizes.neurons, asked.experts}) {
    fail<file_error>({.argument = "--router " + path,
                      .expected = "routers of " + std::to_string(asked.experts) + " experts for this model",
                      .got = "those of " + std::to_string(read.sizes.experts) + " or of another"});
  }
  const double wanted = static_cast<double>(asked.active) / static_cast<double>(asked.experts);
  index_t nearest = 0;
  for (index_t share = 1; share < length(read.shares); ++share) {
    const auto distance = [&](index_t i) { return std::abs(read.shares[to_size(i)] - wanted); };
    if (distance(share) < distance(nearest)) nearest = share;
  }
  std::vector<std::vector<float>> rows;
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    const distil_state<float>* found = read.find({taught::routers, nearest, layer});
    if (found == nullptr) {
      fail<file_error>({.argument = "--router " + path,
                        .expected = "a router for layer " + std::to_string(layer),
                        .got = "none: these were learned together with experts, or the run was stopped"});
    }
    rows.push_back(found->router);
  }
  return rows;
}

planning settled(const convert_words& asked, const gguf_file& file) {
  const index_t routed = asked.experts - asked.shared;
  const std::string usual = asked.active == routed ? "zero" : "distilled";
  planning how{.experts = asked.experts,
               .active = asked.active,
               .shared = asked.shared,
               .split = split_named(asked.partition),
               .router = router_named(asked.router.empty() ? usual : asked.router)};
  how.fit = distil_plan{}.fit;
  how.fit.steps = asked.steps;
  how.seed = asked.seed;
  if (asked.logit_spread > 0) how.spread = asked.logit_spread;
  if (how.router == router_rule::zero && asked.active != routed) {
    fail<setting_error>({.argument = "--router",
                         .expected = "a router that chooses " + std::to_string(asked.active) + " experts",
                         .got = "zero, which serves only where all work",
                         .cure = "write --router distilled, or leave it out"});
  }
  if ((how.split == split_rule::importance) != !asked.imatrix.empty()) {
    fail<setting_error>({.argument = "--imatrix",
                         .expected = "an importance matrix with --partition importance, and only then",
                         .got = asked.imatrix.empty() ? "none" : "--partition " + asked.partition});
  }
  if (how.split == split_rule::importance) how.measured = read_imatrix(asked.imatrix);
  if (how.split == split_rule::file) {
    how.given_splits = read_partitions_json(asked.partition);
    check_given_splits(how, sizes_of(file), asked.partition);
  }
  if (how.router == router_rule::file) {
    if (asked.shared > 0) {
      fail<setting_error>({.argument = "--router",
                           .expected = "analytic or distilled beside shared experts",
                           .got = "a file, whose routers choose among all experts"});
    }
    if (how.split != split_rule::even) {
      fail<setting_error>({.argument = "--partition",
                           .expected = "even, which `unravel distil` learns for",
                           .got = asked.partition,
                           .cure = "leave it out where --router is a file"});
    }
    how.given_routers = routers_of(asked.router, asked, sizes_of(file));
  }
  return how;
}

/// In words, for the file.
std::string told(const convert_words& asked, const planning& how, const convert_texts& texts) {
  const std::string router = how.router == router_rule::zero       ? "zero"
                             : how.router == router_rule::analytic ? "analytic"
                             : how.router == router_rule::file     ? "of a file"
                                                                   : "distilled";
  const std::string shared = asked.shared > 0 ? fmt::format(" and {} shared", asked.shared) : "";
  std::string made =
      fmt::format("{} of {} experts{}, partition {}, router {}", asked.active, asked.experts - asked.shared, shared,
                  how.split == split_rule::file ? "of a file" : asked.partition, router);
  return how.reads() ? made + ", from " + texts.corpus : made;
}

moe_plan plan_for(const convert_words& asked, const gguf_file& file, const planning& how, const convert_texts& texts) {
  const bool plain = how.split == split_rule::even && how.router == router_rule::zero;
  if (!plain) {
    progress working{"planning", sizes_of(file).layers, style_of_stderr()};
    moe_plan plan = make_plan(file, texts.learned, how, working);
    plan.made = told(asked, how, texts);
    return plan;
  }
  // Without a look at the weights: any architecture, and no time.
  const moe_sizes sizes = sizes_of(file);
  const moe_layer layer{share_experts(even_slices{}.split(sizes.neurons, asked.experts), asked.shared)};
  return {.experts = asked.experts - asked.shared,
          .active = asked.active,
          .layers = std::vector<moe_layer>(to_size(sizes.layers), layer),
          .made = told(asked, how, texts)};
}

convert_scores score_both(const std::string& dense_path, const std::string& target,
                          const std::vector<window>& windows) {
  convert_scores made;
  made.bytes = scored_bytes(windows);
  const engine::mixture<float> converted{target};
  const engine::model<float> dense{dense_path};
  const engine::session_settings settings = session_for(window_tokens(dense.sizes()));
  engine::session read_converted{converted, settings};
  engine::session read_dense{dense, settings};
  engine::mixture_feed_forward by_router{converted, read_converted.batch()};
  engine::split_feed_forward whole{dense, 1, read_dense.batch()};
  made.converted = score_windows(read_converted, windows, by_router).bits_per_byte();
  made.dense = score_windows(read_dense, windows, whole).bits_per_byte();
  return made;
}

}  // namespace

void run_convert(const convert_words& asked) {
  constexpr std::array<std::pair<const char*, bool>, 2> targets{{{"llama.cpp", true}, {"hf", false}}};
  const bool llama = value_named(asked.kind, targets, "--target");
  const std::optional<gguf_type> down = down_named(asked.down);
  const gguf_file file{asked.model};
  std::vector<std::string> inputs{asked.model, asked.imatrix, asked.partition, asked.router};
  add_text_files(inputs, asked.texts);
  check_targets(inputs, {{"OUT", asked.target}, {"--json", asked.json}});
  if (!llama && asked.shared > 0) {
    fail<setting_error>({.argument = "--shared", .expected = "--target llama.cpp", .got = "--target hf"});
  }
  recipe_for(file, asked.shared > 0 ? weighing::sigmoid : weighing::softmax);
  if (llama) check_counts(file, {asked.experts, asked.active, asked.shared}, down);
  const planning how = settled(asked, file);
  const convert_texts texts = how.reads() ? cut(asked, file) : convert_texts{};
  const moe_plan plan = plan_for(asked, file, how, texts);
  if (!llama) {
    const mixtral_outcome done = mixtral_folder{file, plan, {.as = down}}.save(asked.target);
    for (const std::string& path : done.paths) fmt::print("{} is written.\n", path);
    return;
  }
  moe_gguf out{file, plan, {.down = down}};
  progress working{"writing", out.made(), style_of_stderr()};
  const convert_outcome done = out.save(asked.target, [&] { working.piece_done(); });
  fmt::print("{}", convert_text(plan, done));
  convert_scores scores;
  if (how.reads()) {
    scores = score_both(asked.model, asked.target, texts.scored);
    fmt::print("bits per byte of {} other bytes of these texts: dense {:.4f}, converted {:.4f}\n", scores.bytes,
               scores.dense, scores.converted);
  }
  fmt::print("{} is written.\n", asked.target);
  if (asked.json.empty()) return;
  write_json(asked.json, convert_json(plan, done, scores));
  fmt::print("{} is written.\n", asked.json);
}

}  // namespace fissile::unravel
