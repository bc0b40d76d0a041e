#include <fissile/file/counts_csv.hpp>

#include "../count/random_counts.hpp"
#include "temporary.hpp"

#include <cmath>
#include <limits>
#include <sstream>

namespace fissile {
namespace {

/// A reader of RFC 4180, as a stranger would write it.
std::vector<std::vector<std::string>> rows_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& field = rows.back().back();
    if (quoted && text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      field += text[++i];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == ',') {
      rows.back().emplace_back();
    } else if (!quoted && text[i] == '\n') {
      rows.emplace_back(1, "");
    } else {
      field += text[i];
    }
  }
  rows.pop_back();  // behind the last line end
  return rows;
}

TEST(counts_csv, every_number_is_there_and_exact) {
  random_source random{25};
  const activation_counts counts =
      testing::random_counts(random, testing::random_splits(random, 3), {"en", "a, \"b\"\nc", "\u4e2d"});
  const auto rows = rows_of(counts_to_csv(counts));
  ASSERT_EQ(rows[0],
            (std::vector<std::string>{"layer", "expert", "label", "uses", "tokens", "frequency", "weight", "shared",
                                      "empty_routes", "undefined_scores", "saturations", "corpus", "schema"}));
  std::size_t row = 1;
  for (index_t layer = 0; layer < 3; ++layer) {
    for (index_t e = 0; e < counts.experts(layer); ++e) {
      for (const std::string& label : counts.labels()) {
        ASSERT_LT(row, rows.size());
        const std::vector<std::string>& fields = rows[row++];
        ASSERT_EQ(fields.size(), rows[0].size());
        EXPECT_EQ(fields[0], std::to_string(layer));
        EXPECT_EQ(fields[1], std::to_string(e));
        EXPECT_EQ(fields[2], label);
        EXPECT_EQ(fields[3], std::to_string(counts.uses(label, layer, e)));
        EXPECT_EQ(fields[4], std::to_string(counts.tokens(label, layer)));
        EXPECT_EQ(std::stod(fields[5]), counts.frequency(label, layer, e));
        EXPECT_EQ(std::stod(fields[6]), counts.weight(label, layer, e));
        EXPECT_EQ(fields[7], counts.of(label, layer).is_shared(e) ? "1" : "0");
        EXPECT_EQ(fields[8], std::to_string(counts.of(label, layer).empty_routes));
        EXPECT_EQ(fields[9], std::to_string(counts.of(label, layer).undefined_scores));
        EXPECT_EQ(fields[11], counts.corpus());
        EXPECT_EQ(fields[12], "fissile.activation_counts.1");
      }
    }
  }
  EXPECT_EQ(row, rows.size());
}

TEST(counts_csv, fields_are_quoted_where_they_must_be) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_field(0.1), "0.1");
  EXPECT_EQ(csv_field(1e-300), "1e-300");
  EXPECT_EQ(csv_field(-std::numeric_limits<double>::max()), "-1.7976931348623157e+308");
}

TEST(counts_csv, is_written_whole) {
  const testing::temporary_directory directory;
  random_source random{26};
  const activation_counts counts = testing::random_counts(random, testing::random_splits(random, 1), {"en"});
  write_counts_csv(directory / "c.csv", counts);
  EXPECT_EQ(testing::content_of(directory / "c.csv"), counts_to_csv(counts));
  EXPECT_EQ(directory.files(), 1u);
}

}  // namespace
}  // namespace fissile
