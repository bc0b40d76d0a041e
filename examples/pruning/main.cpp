// pruning_study: which text should a multilingual model read before it is pruned? Translations, after Kim et al.
// (arXiv 2409.16911), against one language, all of them, and nothing that means anything.
//
// Every number is a row in a file, kept as soon as it is known: a run that was stopped goes on, and the report can be
// written at any time, with what is not there yet as missing.
#include "feature_report.hpp"
#include "item_report.hpp"
#include "pictures.hpp"

#include <unravel/places.hpp>

#include <fissile/file/atomic_file.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace fissile;
using namespace fissile::pruning_study;

struct study_words {
  std::string model;
  std::string guide;
  std::string work = "pruning-study";  // rows
  std::string out = "pruning-report";
  index_t scored_bytes = unravel::block_bytes;
  std::vector<std::string> measured;  // parts
  std::uint64_t last_seed = seeds;
};

/// "weights50", "weights30", "neurons50", "neurons30", "items", "features" and "all".
void measure(const study_material& with, row_file& rows, const std::string& part, std::uint64_t last_seed) {
  measurement take{with, rows};
  take.whole_model();
  for (table_plan plan : all_tables()) {
    plan.last_seed = std::min(plan.last_seed, last_seed);
    const std::string name = (takes_neurons(plan.how) ? "neurons" : "weights") + short_number(100 * plan.rate);
    if (part == "all" || part == name) take.table(plan);
  }
  if (part == "all" || part == "items") {
    for (std::uint64_t seed = 1; seed <= last_seed; ++seed) {
      for (asked_models of : asked_items()) {
        of.one.seed = seed;
        if (seed <= of.last_seed) take.items(of.one, of.in);
      }
    }
  }
  if (part == "all" || part == "features") measure_features(with, rows);
}

std::string tables(const study_material& with, const row_file& rows) {
  std::string report;
  const auto add = [&](const std::string& title, const table& content) {
    report += "## " + title + "\n\n" + to_markdown(content) + "\n";
  };
  std::vector<table_plan> of_weights, of_neurons;
  for (const table_plan& plan : all_tables()) {
    if (!reads_text(plan.how)) continue;
    const std::string title = std::string{name_of(plan.how)} + ", " + short_number(100 * plan.rate) + " %";
    add(title + ": bits per byte", matrix_table(rows, plan));
    add(title + ": what stayed, intersection over union", overlap_table(rows, plan));
    add(title + ": errors of layers", error_table(rows, plan, with.model.sizes().layers));
    (takes_neurons(plan.how) ? of_neurons : of_weights).push_back(plan);
  }
  add("Weights: what the second costs more than the first", comparison_table(rows, of_weights));
  add("Neurons: what the second costs more than the first", comparison_table(rows, of_neurons));
  std::vector<table_plan> all = of_weights;
  all.insert(all.end(), of_neurons.begin(), of_neurons.end());
  const std::vector<comparison> claims = comparisons();
  for (const comparison& what : {claims[0], claims[3]}) {
    add(what.second_name + " less " + what.first_name + ", by language", language_table(rows, all, what));
  }
  add("Large features of one text that are small in another, per cent", feature_table(rows));
  add("Which text goes on? The likeliest", item_table(rows, with.items, item_score::likely));
  add("Which text goes on? What is likelier than by itself", item_table(rows, with.items, item_score::likelier));
  return report;
}

void run(const study_words& asked) {
  const auto guide = examples::guide::find_directory(asked.guide);
  if (!guide) {
    fail<setting_error>({.argument = "--guide",
                         .expected = "a folder with en/index.html, or where installation-guide-amd64 was unpacked",
                         .got = asked.guide});
  }
  const study_material with{asked.model.empty() ? unravel::default_model() : asked.model, examples::guide::read(*guide),
                            asked.scored_bytes};
  const std::filesystem::path work{asked.work}, out{asked.out};
  std::filesystem::create_directories(work);
  std::filesystem::create_directories(out);
  row_file rows{(work / "rows.jsonl").string()};
  for (const std::string& part : asked.measured) measure(with, rows, part, asked.last_seed);
  const auto write = [&](const std::string& name, const std::string& content) {
    write_file_atomically((out / name).string(), content);
  };
  write("tables.md", tables(with, rows));
  write("translation_pruning_matrix.svg", to_svg(matrix_map(rows, method::wanda)));
  for (const padding_rule padding : {padding_rule::masked, padding_rule::reference}) {
    if (!rows.has(feature_overlap_key(padding))) continue;
    const std::string name = padding == padding_rule::masked ? "masked" : "reference";
    write("translation_pruning_features_" + name + ".svg", to_svg(overlap_map(rows, padding)));
  }
}

}  // namespace

int main(int count, char** words) try {
  CLI::App app{"Prunes a model by what it makes of different texts, and scores it in eight languages."};
  study_words asked;
  app.add_option("MODEL", asked.model, "a GGUF file; babel.gguf if none is named");
  app.add_option("--guide", asked.guide, "where the package installation-guide-amd64 was unpacked");
  app.add_option("--work", asked.work, "folder for rows, to go on from")->capture_default_str();
  app.add_option("--out", asked.out, "folder for tables and pictures")->capture_default_str();
  app.add_option("--bytes", asked.scored_bytes, "of each language to score")->capture_default_str();
  app.add_option("--measure", asked.measured, "measure the rows that are missing of these parts; else only report")
      ->check(CLI::IsMember({"all", "weights50", "weights30", "neurons50", "neurons30", "items", "features"}));
  app.add_option("--seeds", asked.last_seed, "draws of each calibration to measure, 1 to 3")
      ->check(CLI::Range(std::uint64_t{1}, seeds))
      ->capture_default_str();
  CLI11_PARSE(app, count, words);
  run(asked);
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "pruning_study: %s\n", problem.what());
  return 1;
}
