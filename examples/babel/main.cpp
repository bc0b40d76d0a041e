// babel: the experiments of "Unraveling Babel" (recipes/babel.hpp) on models of our own.
//
// Every number is a row in a file, kept as soon as it is known: a run that was stopped goes on, and a report can be
// written at any time, with what is not there yet as missing.
#include "count_files.hpp"
#include "counts_report.hpp"
#include "pictures.hpp"
#include "restricted_speed.hpp"
#include "splitting.hpp"

#include <fissile/file/atomic_file.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace fissile;
using namespace fissile::babel_study;

struct study_words {
  std::vector<std::string> models;
  std::string guide;
  std::string work = "babel-study";  // rows and counts
  std::string out = "babel-report";
  bool measure = false, sides = false, speed = false;
};

/// Splits the model in every view and counts; both come back as they were where they were made before.
void see(subject& model, const std::vector<language_text>& texts, const study_words& asked, counted_model& counts) {
  const auto folder = std::filesystem::path{asked.work} / model.name();
  splitter split{model, texts, folder};
  const bool first = model.name() == std::filesystem::path{asked.models.front()}.stem();
  const auto views = asked.sides && first ? all_views() : size_views();
  for (const view_kind& kind : views) counts.views.emplace_back(kind, split(kind));
  if (load_counts(folder, counts)) return;
  count_languages(model, texts, counts);
  save_counts(folder, counts);
}

void measure(subject& model, const counted_model& counts, const std::vector<language_text>& texts, row_file& rows) {
  std::vector<pruning> plan = main_plan();
  const bool all_sides = counts.views.size() == all_views().size();
  for (const pruning& how : all_sides ? side_plan() : std::vector<pruning>{}) plan.push_back(how);
  unravel::progress told{"pruning " + model.name(), length(plan), unravel::style_of_stderr()};
  for (const pruning& how : plan) {
    for (const std::string_view language : pruned_languages) {
      const std::string key = how.key(model.name(), language);
      if (!rows.find(key)) rows.add(key, cost_of(how, model, counts, texts, language));
    }
    told.piece_done();
  }
}

/// Medians of so many rounds.
constexpr int speed_rounds_taken = 15;

void measure_speed(const std::string& file, row_file& rows) {
  speed_rounds bench{file};
  std::vector<speed_variant> variants = speed_variants(bench.weights());
  for (int round = 0; round < speed_rounds_taken; ++round) bench.round(variants);
  for (const speed_variant& one : variants) {
    rows.add(speed_key(file, one.name, one.share, "decode"), unravel::median(one.decode));
    rows.add(speed_key(file, one.name, one.share, "prompt"), unravel::median(one.prompt));
  }
}

std::string section(const std::string& title, const table& content) {
  return "## " + title + "\n\n" + to_markdown(content) + "\n";
}

void run(const study_words& asked) {
  const std::vector<language_text> texts = read_guide(asked.guide);
  std::filesystem::create_directories(asked.work);
  std::filesystem::create_directories(asked.out);
  row_file rows{(std::filesystem::path{asked.work} / "rows.jsonl").string()};
  table kinships = kinship_table(), correlations = correlation_table(), sets = sets_table(), halves = stability_table(),
        variants = variants_table();
  std::optional<activation_counts> first;  // of the first model, in the usual view
  add_byte_kinship(kinships, texts);
  std::string report;
  const auto write = [&](const std::string& name, const std::string& content) {
    write_file_atomically((std::filesystem::path{asked.out} / name).string(), content);
  };
  for (const std::string& file : asked.models) {
    subject model{file};
    counted_model counts;
    see(model, texts, asked, counts);
    if (asked.measure) measure(model, counts, texts, rows);
    if (asked.speed) measure_speed(file, rows);
    const results found{rows, model.name()};
    report += model_report(found, file == asked.models.front());
    report += section(model.name() + ": speed", speed_table(found, file));
    add_model_kinship(kinships, model.name(), counts);
    add_correlations(correlations, model.name(), counts, texts);
    add_sets(sets, model.name(), counts);
    add_stability(halves, model.name(), counts);
    const activation_counts& usual = counts.of({}).all;
    if (!first) first = usual;
    if (file != asked.models.front() && first->layers() == usual.layers() && first->experts(0) == usual.experts(0)) {
      add_variant(variants, model.name() + " against the first", *first, usual);
    }
    write("unraveling_babel_frequencies_" + model.name() + ".svg", to_svg(frequencies_by_family(model.name(), counts)));
    write("unraveling_babel_families_" + model.name() + ".svg",
          to_svg(family_tree(model.name(), babel::distances(counts.of({}).all, jensen_shannon))));
    write("unraveling_babel_rates_" + model.name() + ".svg", to_svg(rates_chart(found)));
  }
  report += section("Families", kinships) + section("Families beside bytes", correlations) + section("Sets", sets) +
            section("Halves", halves) + section("Variants", variants);
  write("tables.md", report);
}

}  // namespace

int main(int count, char** words) try {
  CLI::App app{"Counts, prunes and compares as \"Unraveling Babel\" does, on the Debian installation guide."};
  study_words asked;
  app.add_option("MODEL", asked.models, "GGUF files")->required();
  app.add_option("--guide", asked.guide, "where the package installation-guide-amd64 was unpacked");
  app.add_option("--work", asked.work, "folder for rows and counts, to go on from")->capture_default_str();
  app.add_option("--out", asked.out, "folder for tables and pictures")->capture_default_str();
  app.add_flag("--measure", asked.measure, "measure the rows that are missing; else only report");
  app.add_flag("--sides", asked.sides, "look at the first model from all sides: sizes, splits, scores, layer rates");
  app.add_flag("--speed", asked.speed, "measure speed, too: on a machine that does nothing else");
  CLI11_PARSE(app, count, words);
  run(asked);
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "babel: %s\n", problem.what());
  return 1;
}
