// What packing costs in precision: bits per byte of texts by the model in float, as its file says, and as it is packed.
#pragma once

#include "blocks.hpp"
#include "score.hpp"

#include <engine/model.hpp>
#include <engine/packed_model.hpp>
#include <engine/packing.hpp>
#include <engine/tokenizer.hpp>
#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

namespace fissile::unravel {

struct precision_row {
  std::string language;
  score plain, packed;
  double difference = 0, size = 0;  // sums of squares: of the logits' differences, and of the plain logits
  double relative_error() const noexcept { return std::sqrt(difference / size); }
};

/// A text in windows, read by both models at once, all experts on.
template <packed_element T>
precision_row compare_models(const engine::packed_model<float>& plain, const engine::packed_model<T>& packed,
                             const std::vector<window>& windows, executor_reference run) {
  const index_t context = window_tokens(plain.sizes());
  engine::session one{plain, session_for(context), run};
  engine::session other{packed, session_for(context), run};
  engine::packed_feed_forward dense{plain, one.batch(), run};
  engine::packed_feed_forward experts{packed, other.batch(), run};
  precision_row row;
  for (const window& read : windows) {
    read_window(one, read, dense, [&](index_t first, index_t count) {
      if (first == 0) other.rewind(0);
      other(vector_view<const engine::token_id>{read.tokens}.part(first, count), experts);
      for (index_t i = 0; i < count && first + i + 1 < length(read.tokens); ++i) {
        const auto a = one.logits().row(i), b = other.logits().row(i);
        const std::size_t next = to_size(first + i + 1);
        row.plain.bits += surprise(a, read.tokens[next]);
        row.packed.bits += surprise(b, read.tokens[next]);
        row.plain.bytes += read.bytes[next];
        row.packed.bytes += read.bytes[next];
        for (index_t word = 0; word < a.length(); ++word) {
          const double difference = static_cast<double>(a[word]) - static_cast<double>(b[word]);
          row.difference += difference * difference;
          row.size += static_cast<double>(a[word]) * static_cast<double>(a[word]);
        }
      }
    });
  }
  return row;
}

inline std::vector<precision_row> measure_precision(const engine::model<float>& source, engine::packing how,
                                                    const corpus& texts, executor_reference run) {
  const engine::packed_model<float> plain{source};  // float panels hold the very numbers
  const engine::tokenizer words{source.file()};
  return engine::with_packing(how, [&]<class T>(std::type_identity<T>, pack_settings panels) {
    const engine::packed_model<T> packed{source, {.experts = 1, .panels = panels}};
    std::vector<precision_row> rows;
    for (const text& one : texts.texts) {
      const auto windows = windows_of(blocks_of(one.content), words, window_tokens(source.sizes()));
      rows.push_back(compare_models(plain, packed, windows, run));
      rows.back().language = one.language;
    }
    return rows;
  });
}

inline std::string precision_text(const std::vector<precision_row>& rows, engine::packing how) {
  table shown{.columns = {{"text"},
                          {"bytes", alignment::right},
                          {"bits per byte", alignment::right},
                          {"packed", alignment::right},
                          {"more", alignment::right},
                          {"error of the logits", alignment::right}},
              .rows = {}};
  for (const precision_row& row : rows) {
    const double before = row.plain.bits_per_byte(), after = row.packed.bits_per_byte();
    shown.rows.push_back({row.language, std::to_string(row.plain.bytes), fmt::format("{:.5f}", before),
                          fmt::format("{:.5f}", after), fmt::format("{:+.5f}", after - before),
                          fmt::format("{:.1e}", row.relative_error())});
  }
  return fmt::format(
             "\nPrecision: every matrix packed as {} against the file's own numbers in float; the error is that of all "
             "logits, relative.\n\n",
             engine::name_of(how)) +
         to_plain_text(shown);
}

}  // namespace fissile::unravel
