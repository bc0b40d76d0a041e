// What a bench tells: rows, printed as a table and written as JSON.
#pragma once

#include <fissile/base/index.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace fissile::bench {

struct row {
  std::string name;
  std::string element;
  index_t width = 0, neurons = 0, experts = 0;
  double active = 1;  // experts that a token uses / experts
  index_t batch = 1, threads = 1;
  double seconds = 0;         // median of one call over the whole batch
  double bytes = 0;           // of weights that a call touches, without padding
  double flops = 0;           // of a call
  double share_of_limit = 0;  // of the time that the limit allows
  double over_best_dense = 0;
  std::string against;  // what the target says, and whether it is met; not in the file
};

inline void to_json(nlohmann::ordered_json& to, const row& from) {
  to = {{"name", from.name},
        {"element", from.element},
        {"width", from.width},
        {"neurons", from.neurons},
        {"experts", from.experts},
        {"active", from.active},
        {"batch", from.batch},
        {"threads", from.threads},
        {"seconds", from.seconds},
        {"bytes", from.bytes},
        {"flops", from.flops},
        {"share_of_limit", from.share_of_limit},
        {"over_best_dense", from.over_best_dense}};
}

inline void print_header() {
  fmt::print("{:<15}{:<9}{:>7}{:>6}{:>8}{:>11}{:>8}{:>9}{:>9}{:>8}  {}\n", "name", "element", "active", "batch",
             "threads", "ms", "GB/s", "GFLOP/s", "of limit", "/dense", "target");
}
inline void print(const row& r) {
  fmt::print("{:<15}{:<9}{:>7.3f}{:>6}{:>8}{:>11.4f}{:>8.1f}{:>9.1f}{:>9.3f}{:>8.3f}  {}\n", r.name, r.element,
             r.active, r.batch, r.threads, r.seconds * 1e3, r.bytes / r.seconds / 1e9, r.flops / r.seconds / 1e9,
             r.share_of_limit, r.over_best_dense, r.against);
}

/// Writes all rows; nothing where no file was asked for.
inline void write_json(const std::string& path, const std::vector<row>& rows) {
  if (path.empty()) return;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const row& r : rows) all.push_back(r);
  std::ofstream file(path);
  file << all.dump(1) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace fissile::bench
