// Makes the tables and figures of docs/results/robustness.md from the rows that queue.sh left. Rows that are not there
// yet are named as missing.
//
//   robustness_report ROWS OUT
#include <fissile/file/atomic_file.hpp>
#include <fissile/recipes/robustness.hpp>
#include <fissile/report/heat_map.hpp>
#include <fissile/report/table.hpp>

#include <babel/languages.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../seed_rows.hpp"

namespace fissile::examples {
namespace {

constexpr int seeds = 3;
constexpr std::array<std::string_view, 4> trained_languages{"es", "de", "cs", "zh_CN"};
constexpr std::array<std::string_view, 3> levels{"character", "word", "multi"};
using all_rows = std::map<std::string, kind_rows>;

std::string kind_of(std::string_view trained, std::string_view level) {
  return fmt::format("{}-{}", trained, level);
}

const babel_study::language& language_of(std::string_view code) {
  const auto found = std::find_if(babel_study::languages.begin(), babel_study::languages.end(),
                                  [&](const babel_study::language& one) { return one.code == code; });
  if (found != babel_study::languages.end()) return *found;
  fail<setting_error>(
      {.argument = "robustness_report: language", .expected = "one of the guide's", .got = std::string(code)});
}

robustness::losses losses_in(const json_value& row, std::string_view level, std::string_view language) {
  const json_value& of = row["measured"][std::string(level)][std::string(language)]["text"];
  return {.clean = of["clean"].get<double>(), .noised = of["noised"].get<double>()};
}

/// One place of a level's matrix for each seed that is there; `how` is the noise of training: the level, or "clean".
std::vector<robustness::transfer_entry> entries(const all_rows& rows, std::string_view level, std::string_view how,
                                                std::string_view trained, std::string_view measured) {
  std::vector<robustness::transfer_entry> made;
  const json_value& base = rows.at("base").front();
  for (const json_value& row : rows.at(kind_of(trained, how))) {
    if (row.is_null() || base.is_null()) continue;
    made.push_back({.trained = std::string(trained),
                    .measured = std::string(measured),
                    .before = losses_in(base, level, measured),
                    .after = losses_in(row, level, measured)});
  }
  return made;
}

/// Who is measured beside the language that is trained on.
enum class relation { itself, family, script, distant };
constexpr std::array relations{relation::itself, relation::family, relation::script, relation::distant};

constexpr const char* words_of(relation which) {
  constexpr std::array<const char*, 4> names{"itself", "its family and script", "its script, another family",
                                             "another script"};
  return names[static_cast<std::size_t>(which)];
}

relation between(std::string_view trained, std::string_view measured) {
  const babel_study::language &a = language_of(trained), &b = language_of(measured);
  if (a.code == b.code) return relation::itself;
  if (a.script != b.script) return relation::distant;
  return a.family == b.family ? relation::family : relation::script;
}

/// The mean of number(entry) over the languages of a relation, one for each seed.
template <class Number>
std::vector<double> means(const all_rows& rows, std::string_view level, std::string_view how, std::string_view trained,
                          relation which, const Number& number) {
  std::vector<double> sums;
  double count = 0;
  for (const babel_study::language& measured : babel_study::languages) {
    if (between(trained, measured.code) != which) continue;
    const auto found = entries(rows, level, how, trained, measured.code);
    sums.resize(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) sums[i] += number(found[i]);
    ++count;
  }
  for (double& sum : sums) sum /= count;
  return sums;
}

table summary(const all_rows& rows) {
  table made{.columns = {{"level"},
                         {"trained on"},
                         {"measured"},
                         {"transfer", alignment::right},
                         {"clean gain", alignment::right},
                         {"damage repaired", alignment::right},
                         {"transfer of clean training", alignment::right},
                         {"seeds"}},
             .rows = {}};
  for (const std::string_view level : levels) {
    for (const std::string_view trained : trained_languages) {
      for (const relation which : relations) {
        const auto holds = [&](const babel_study::language& one) { return between(trained, one.code) == which; };
        if (std::none_of(babel_study::languages.begin(), babel_study::languages.end(), holds)) continue;
        const auto mean = [&](std::string_view how, const auto& number) {
          return told(means(rows, level, how, trained, which, number), 3);
        };
        const auto transfer = [](const robustness::transfer_entry& e) { return e.transfer(); };
        made.rows.push_back({std::string(level), std::string(trained), words_of(which), mean(level, transfer),
                             mean(level, [](const auto& e) { return e.clean_gain(); }),
                             mean(level, [](const auto& e) { return e.repaired(); }), mean("clean", transfer),
                             seeds_told(rows.at(kind_of(trained, level)))});
      }
    }
  }
  return made;
}

/// What noise costs the model before any training.
table damage(const all_rows& rows) {
  table made{.columns = {{"language"}}, .rows = {}};
  const json_value& base = rows.at("base").front();
  if (base.is_null()) return made;
  made.columns.push_back({"clean", alignment::right});
  for (const std::string_view level : levels) made.columns.push_back({std::string(level), alignment::right});
  for (const std::string_view level : levels) {
    made.columns.push_back({fmt::format("clean text behind {}", level), alignment::right});
  }
  for (const babel_study::language& one : babel_study::languages) {
    std::vector<std::string> cells{std::string(one.code),
                                   fmt::format("{:.2f}", losses_in(base, "multi", one.code).clean)};
    for (const std::string_view level : levels) {
      cells.push_back(fmt::format("+{:.2f}", losses_in(base, level, one.code).damage()));
    }
    for (const std::string_view level : levels) {
      const json_value& of = base["measured"][std::string(level)][std::string(one.code)]["behind"];
      cells.push_back(fmt::format("{:+.3f}", of["noised"].get<double>() - of["clean"].get<double>()));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Trained languages down, all across; means over seeds. Heat maps have no colours below their minimum, so the scale
/// begins at the least value.
heat_map matrix(const all_rows& rows, std::string_view level) {
  heat_map map{.title = fmt::format("Transfer of robustness, noise of level {}", level),
               .notes = {"How many bits per byte of noised text the training on another language's noised text saves",
                         "Mean over seeds; beyond what the same training on clean text saves"},
               .row_axis = "trained on",
               .column_axis = "measured",
               .value_axis = "bits per byte saved",
               .groups = {{"", {}}}};
  for (const babel_study::language& one : babel_study::languages) map.columns.emplace_back(one.code);
  const auto transfer = [](const std::vector<robustness::transfer_entry>& of) {
    std::vector<double> numbers;
    for (const auto& one : of) numbers.push_back(one.transfer());
    return mean_of(numbers);
  };
  for (const std::string_view trained : trained_languages) {
    heat_map_row row{std::string(trained), {}};
    for (const babel_study::language& one : babel_study::languages) {
      const auto noised = entries(rows, level, level, trained, one.code);
      const auto clean = entries(rows, level, "clean", trained, one.code);
      if (noised.empty() || clean.empty()) break;
      row.values.push_back(transfer(noised) - transfer(clean));
      map.minimum = std::min(map.minimum, row.values.back());
    }
    if (!row.values.empty()) map.groups.front().rows.push_back(std::move(row));
  }
  return map;
}

int report(const std::filesystem::path& folder, const std::filesystem::path& out) {
  std::vector<std::string> names{"base"};
  for (const std::string_view trained : trained_languages) {
    for (const std::string_view level : levels) names.push_back(kind_of(trained, level));
    names.push_back(kind_of(trained, "clean"));
  }
  const all_rows rows = read_seed_rows(folder, names, seeds);
  std::filesystem::create_directories(out);
  write_file_atomically((out / "tables.md").string(),
                        "## Before\n\n" + to_markdown(damage(rows)) + "\n## Transfer\n\n" + to_markdown(summary(rows)));
  for (const std::string_view level : levels) {
    const heat_map map = matrix(rows, level);
    if (map.groups.front().rows.empty()) continue;
    write_file_atomically((out / fmt::format("robustness_{}.svg", level)).string(), to_svg(map));
  }
  fmt::print("{}: tables.md and figures are written.\n", out.string());
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  return fissile::examples::run_report("robustness_report", count, words, fissile::examples::report);
}
