// The files of a study: each appears whole or not at all.
#pragma once

#include "study.hpp"

#include <fissile/file/counts_csv.hpp>
#include <fissile/file/counts_json.hpp>
#include <fissile/file/verdict_json.hpp>
#include <fissile/report/frequency_map.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace fissile::unravel {

/// {"language", "judge", "routing", "budget", "rate", "seed", "bits_per_byte", "bytes"} for each row.
inline json_value rows_to_json(const study_result& done) {
  json_value rows = json_value::array();
  for (const study_row& row : done.rows) {
    rows.push_back({{"language", done.languages[to_size(row.language)].language},
                    {"judge", name_of(row.how.judge)},
                    {"routing", name_of(row.how.how)},
                    {"budget", name_of(row.how.budget)},
                    {"rate", row.how.rate},
                    {"seed", row.how.seed},
                    {"bits_per_byte", row.scored.bits_per_byte()},
                    {"bytes", row.scored.bytes}});
  }
  return rows;
}

/// Makes the folder, and throws file_error where that cannot be: before the work rather than after it.
inline void make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem || !std::filesystem::is_directory(folder)) {
    fail<file_error>({.argument = folder.string(),
                      .expected = "a folder to write into",
                      .got = problem ? problem.message() : "a file of this name"});
  }
}

/// `model`: what the heat map is of.
inline void save_study(const study_result& done, const std::string& model, const std::string& report,
                       const std::filesystem::path& folder) {
  make_folder(folder / "verdicts");
  for (const auto& [name, decided] : done.verdicts) {
    write_verdict_json((folder / "verdicts" / name).string(), decided, done.partitions);
  }
  write_counts_json((folder / "counts.json").string(), done.counts);
  write_counts_csv((folder / "counts.csv").string(), done.counts);
  heat_map map = frequency_map(done.counts, "How often each expert of " + model + " works, by language");
  map.row_axis = "layer, language";
  write_file_atomically((folder / "heatmap.svg").string(), to_svg(map));
  write_file_atomically((folder / "report.md").string(), report);
  write_json((folder / "study.json").string(), rows_to_json(done));
}

}  // namespace fissile::unravel
