// Activation counts as CSV (RFC 4180): a row for each layer, expert and label, for spreadsheets and data frames.
//
// The first line names the columns; the last column names the schema and its version. Numbers are exact. CSV is for
// looking; fissile/file/counts_json.hpp is what can be read back.
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/file/atomic_file.hpp>

#include <charconv>
#include <string>
#include <string_view>

namespace fissile {

inline constexpr std::string_view counts_csv_schema = "fissile.activation_counts.1";

/// A field in quotes where it needs them.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted += '"';
}
/// The shortest text that reads back as the same number, under every locale.
inline std::string csv_field(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

inline std::string counts_to_csv(const activation_counts& counts) {
  std::string out =
      "layer,expert,label,uses,tokens,frequency,weight,shared,empty_routes,undefined_scores,saturations,corpus,"
      "schema\n";
  const std::string tail = "," + csv_field(counts.corpus()) + "," + std::string(counts_csv_schema) + "\n";
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    for (index_t e = 0; e < counts.experts(layer); ++e) {
      for (const std::string& label : counts.labels()) {
        const layer_counts& cell = counts.of(label, layer);
        out += std::to_string(layer) + "," + std::to_string(e) + "," + csv_field(label);
        out += "," + std::to_string(cell.uses[to_size(e)]) + "," + std::to_string(cell.tokens);
        out += "," + csv_field(cell.frequency(e)) + "," + csv_field(cell.weight(e)) + (cell.is_shared(e) ? ",1" : ",0");
        out += "," + std::to_string(cell.empty_routes) + "," + std::to_string(cell.undefined_scores);
        out += "," + std::to_string(cell.saturations) + tail;
      }
    }
  }
  return out;
}

inline void write_counts_csv(const std::string& path, const activation_counts& counts) {
  write_file_atomically(path, counts_to_csv(counts));
}

}  // namespace fissile
