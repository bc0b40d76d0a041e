// Counts of a model kept in files, since counting takes a minute: a folder for each model.
#pragma once

#include "counting.hpp"

#include <fissile/file/counts_json.hpp>
#include <fissile/file/json.hpp>

#include <filesystem>
#include <string>

namespace fissile::babel_study {

inline std::filesystem::path count_file(const std::filesystem::path& folder, std::size_t view, std::string_view half) {
  return folder / ("view" + std::to_string(view) + "_" + std::string{half} + ".json");
}

inline void save_counts(const std::filesystem::path& folder, const counted_model& counts) {
  std::filesystem::create_directories(folder);
  for (std::size_t view = 0; view < counts.views.size(); ++view) {
    write_counts_json(count_file(folder, view, "all").string(), counts.views[view].all);
    write_counts_json(count_file(folder, view, "half").string(), counts.views[view].half);
  }
  write_json((folder / "magnitudes.json").string(), json_value(counts.magnitudes));  // last: all is there
}

/// Whether there were counts of these very views to read; otherwise nothing has changed.
inline bool load_counts(const std::filesystem::path& folder, counted_model& into) {
  const std::filesystem::path last = folder / "magnitudes.json";
  if (!std::filesystem::exists(last)) return false;
  counted_model read = into;
  for (std::size_t view = 0; view < read.views.size(); ++view) {
    if (!std::filesystem::exists(count_file(folder, view, "half"))) return false;
    counted_view& one = read.views[view];
    activation_counts all = read_counts_json(count_file(folder, view, "all").string());
    if (all.layers() != one.all.layers() || all.experts(0) != one.all.experts(0)) return false;
    one.all = std::move(all);
    one.half = read_counts_json(count_file(folder, view, "half").string());
  }
  read.magnitudes = read_json(last.string()).get<std::vector<std::vector<double>>>();
  into = std::move(read);
  return true;
}

}  // namespace fissile::babel_study
