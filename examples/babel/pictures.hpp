// The report on one model: its tables, the curve over rates, and its speed.
#pragma once

#include "report.hpp"
#include "restricted_speed.hpp"

#include <fissile/report/line_chart.hpp>

#include <filesystem>
#include <limits>
#include <string>

namespace fissile::babel_study {

inline std::string speed_key(const std::string& file, const std::string& variant, double share,
                             const std::string& phase) {
  return std::filesystem::path{file}.stem().string() + " | speed, " + phase + " | " + variant + " " +
         short_number(share);
}

inline table speed_table(const results& of, const std::string& file) {
  table made =
      table_of({"experts left", "removed, decode", "removed, prompt", "never chosen, decode", "never chosen, prompt"});
  const auto cell = [&](const std::string& variant, double share, const std::string& phase) {
    const auto value = of.rows().find(speed_key(file, variant, share, phase));
    const auto dense = of.rows().find(speed_key(file, "dense", 1, phase));
    return value && dense ? fmt::format("{:.0f} ({:.2f} x)", *value, *value / *dense) : missing;
  };
  made.rows.push_back({"all", cell("dense", 1, "decode"), cell("dense", 1, "prompt"),
                       cell("all experts on", 1, "decode"), cell("all experts on", 1, "prompt")});
  for (const double rate : speed_rates) {
    made.rows.push_back({per_cent(1 - rate), cell("removed", 1 - rate, "decode"), cell("removed", 1 - rate, "prompt"),
                         cell("never chosen", 1 - rate, "decode"), cell("never chosen", 1 - rate, "prompt")});
  }
  return made;
}

/// Bits per byte over the share that is given up; bars are deviations over draws.
inline line_chart rates_chart(const results& of) {
  line_chart chart{.title = "What giving up experts costs " + of.model(),
                   .notes = {"Held-out pages of the Debian installation guide, mean of 8 languages; bars: standard "
                             "deviation over 10 draws."},
                   .x_axis = "experts given up, per cent",
                   .y_axis = "bits per byte",
                   .series = {}};
  const auto add = [&](const std::string& name, use_kind use, judge_kind judge) {
    chart_series series{.name = name, .points = {}};
    const auto mean = [](const by_language& bits) {
      return bits ? summary_of(*bits).mean : std::numeric_limits<double>::quiet_NaN();
    };
    series.points.push_back({0, mean(of.bits({.use = use})), 0});
    for (const double rate : rates) {
      const pruning how{.use = use, .judge = judge, .rate = rate};
      const bool drawn = judge == judge_kind::random;
      series.points.push_back({100 * rate, mean(drawn ? of.random_bits(how, random_seeds) : of.bits(how)),
                               drawn ? of.deviation_of_draws(how, random_seeds).value_or(0) : 0});
    }
    chart.series.push_back(std::move(series));
  };
  add("removed: random", use_kind::remove, judge_kind::random);
  add("removed: by all", use_kind::remove, judge_kind::all);
  add("removed: by the language", use_kind::remove, judge_kind::own);
  add("never chosen: random", use_kind::restrict, judge_kind::random);
  add("never chosen: by all", use_kind::restrict, judge_kind::all);
  add("never chosen: by the language", use_kind::restrict, judge_kind::own);
  return chart;
}

/// `all_sides`: with layer rates, sizes, splits and scores.
inline std::string model_report(const results& of, bool all_sides) {
  std::string made;
  const auto add = [&](const std::string& title, const table& content) {
    made += "## " + of.model() + ": " + title + "\n\n" + to_markdown(content) + "\n";
  };
  add("removed", rates_table(of, use_kind::remove));
  add("never chosen", rates_table(of, use_kind::restrict));
  add("removed, by language, more than nothing", languages_table(of, use_kind::remove));
  add("never chosen, by language, more than all candidates", languages_table(of, use_kind::restrict));
  if (!all_sides) return made;
  add("layer rates", levels_table(of));
  for (const use_kind use : {use_kind::remove, use_kind::restrict}) {
    const std::string how = use == use_kind::remove ? ", removed" : ", never chosen";
    add("sizes" + how, views_table(of, size_views(), use));
    add("splits" + how, views_table(of, split_views(), use));
    add("scores" + how, scores_table(of, use));
  }
  return made;
}

}  // namespace fissile::babel_study
