#include <fissile/file/counts_json.hpp>

#include "../count/random_counts.hpp"
#include "temporary.hpp"

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;
using testing::put;
using testing::temporary_directory;

activation_counts random_counts(random_source& random) {
  const std::vector<partition> splits = testing::random_splits(random, 1 + random.below(3));
  activation_counts counts = testing::random_counts(random, splits, {"en", "\u4e2d\u6587", "a \"b\", c"});
  counts.merge(testing::random_counts(random, splits, {"en", "de"}));
  return counts;
}

TEST(counts_json, what_is_read_equals_what_was_written) {
  const temporary_directory directory;
  random_source random{22};
  for (int round = 0; round < 40; ++round) {
    const activation_counts counts = random_counts(random);
    write_counts_json(directory / "c.json", counts);
    EXPECT_EQ(read_counts_json(directory / "c.json"), counts);
  }
}

TEST(counts_json, every_bit_of_64_is_kept) {
  const temporary_directory directory;
  activation_counts counts{partition{{{0}, {1}}, {1}}, {.labels = {"en"}}};
  layer_counts most = counts.of("en", 0);
  most.tokens = ~std::uint64_t{0};
  most.uses = {most.tokens - 1, most.tokens};
  most.weights = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max() - 1};
  most.saturations = most.undefined_scores = most.tokens - 2;
  counts.set("en", 0, most);
  write_counts_json(directory / "c.json", counts);
  EXPECT_EQ(read_counts_json(directory / "c.json"), counts);
}

TEST(counts_json, the_file_names_schema_version_corpora_and_tokens) {
  random_source random{23};
  const activation_counts counts = random_counts(random);
  const json_value file = counts_to_json(counts);
  EXPECT_EQ(file.begin().key(), "schema");
  EXPECT_EQ(file["schema"], "fissile.activation_counts");
  EXPECT_EQ(file["version"], 1);
  EXPECT_EQ(file["corpora"].get<std::vector<std::string>>(), counts.corpora());
  EXPECT_EQ(file["counts"][0]["tokens"], counts.tokens("en", 0));
}

/// A file of one label, one layer and two experts, changed in one place.
class changed_counts {
public:
  changed_counts() {
    activation_counts counts{partition{{{0}, {1}}}, {.labels = {"en"}, .layers = 1, .corpus = "x"}};
    counts.set("en", 0, testing::counts_of(5, {2, 4}));
    file_ = counts_to_json(counts);
  }
  json_value& operator[](const char* key) { return file_[key]; }
  json_value& cell() { return file_["counts"][0]; }
  std::string refusal() const {
    return message_of<file_error>([&] { static_cast<void>(counts_from_json(file_, "f")); });
  }
  json_value& file() { return file_; }

private:
  json_value file_;
};

TEST(counts_json, what_cannot_be_true_is_refused_with_its_place) {
  const auto refusal = [](auto&& change) {
    changed_counts counts;
    change(counts);
    return counts.refusal();
  };
  EXPECT_NO_THROW(counts_from_json(changed_counts{}.file(), "f")) << "unchanged, it is good";
  expect_says(refusal([](changed_counts& c) { c["schema"] = "other"; }), {"f: schema"});
  expect_says(refusal([](changed_counts& c) { c["version"] = 2; }), {"f: version"});
  expect_says(refusal([](changed_counts& c) { c["labels"] = {"en", "de"}; }), {"counts of each label and layer"});
  expect_says(refusal([](changed_counts& c) { c["labels"] = {"de"}; }), {"f: counts[0]: expected de, layer 0"});
  expect_says(refusal([](changed_counts& c) { c["labels"] = json_value::array(); }), {"at least one label"});
  expect_says(refusal([](changed_counts& c) { c["layers"] = 0; }), {"at least one label and layer"});
  expect_says(refusal([](changed_counts& c) { c["layers"] = 1000000000000; }), {"shared experts of each layer"});
  expect_says(refusal([](changed_counts& c) { c["layers"] = -1; }), {"at least one"});
  expect_says(refusal([](changed_counts& c) { c["weight_step"] = 1; }), {"weight_step"});
  expect_says(refusal([](changed_counts& c) { c["shared"] = {{2}}; }), {"counts[0]: shared: expected experts below 2"});
  expect_says(refusal([](changed_counts& c) { c["shared"] = {{-1}}; }), {"got -1"});
  expect_says(refusal([](changed_counts& c) { c["counts"] = 3; }), {"counts of each label and layer"});
  expect_says(refusal([](changed_counts& c) { c["corpora"] = "x"; }), {"corpora: expected a list"});
  expect_says(refusal([](changed_counts& c) { c.cell()["layer"] = 1; }), {"counts[0]: expected en, layer 0"});
  expect_says(refusal([](changed_counts& c) { c.cell()["uses"] = {6, 4}; }), {"counts[0]: expert 0 is used by more"});
  expect_says(refusal([](changed_counts& c) { c.cell()["uses"] = {2}; }), {"differ in length"});
  expect_says(refusal([](changed_counts& c) {
                c.cell()["uses"] = {2, 2.5};
              }),
              {"counts[0]: uses[1]: expected a whole"});
  expect_says(refusal([](changed_counts& c) { c.cell()["uses"] = {2, -4}; }), {"not negative, got -4"});
  expect_says(refusal([](changed_counts& c) { c.cell()["weights"] = {1, 2, 3}; }), {"differ in length"});
  expect_says(refusal([](changed_counts& c) { c.cell()["tokens"] = 3; }), {"expert 1 is used by more"});
  expect_says(refusal([](changed_counts& c) { c.cell().erase("tokens"); }), {"an object with \"tokens\""});
  expect_says(refusal([](changed_counts& c) { c.cell() = nullptr; }), {"counts[0]"});
}

TEST(counts_json, layers_of_two_labels_must_have_the_same_experts) {
  activation_counts counts{partition{{{0}, {1}}}, {.labels = {"en", "de"}}};
  json_value file = counts_to_json(counts);
  file["counts"][1]["uses"] = {0, 0, 0};
  file["counts"][1]["weights"] = {0, 0, 0};
  expect_says(message_of<file_error>([&] { static_cast<void>(counts_from_json(file, "f")); }), {"f: ", "2 experts"});
}

TEST(counts_json, any_damage_is_a_file_error_or_counts_that_can_be_true) {
  const temporary_directory directory;
  random_source random{24};
  const activation_counts counts = testing::random_counts(random, testing::random_splits(random, 2), {"en", "de"});
  write_counts_json(directory / "c.json", counts);
  const std::string good = content_of(directory / "c.json");
  int refused = 0;
  const auto read = [&](const std::string& text) {
    put(directory / "d.json", text);
    try {
      const activation_counts found = read_counts_json(directory / "d.json");
      for (const std::string& label : found.labels()) {
        for (index_t layer = 0; layer < found.layers(); ++layer) EXPECT_EQ(found.of(label, layer).contradiction(), "");
      }
    } catch (const file_error& error) {
      EXPECT_NE(std::string(error.what()).find("d.json"), std::string::npos) << error.what();
      ++refused;
    }
  };
  for (std::size_t cut = 0; cut < good.size() - 1; cut += 3) read(good.substr(0, cut));
  EXPECT_EQ(refused, static_cast<int>((good.size() + 1) / 3)) << "no beginning of the file is a whole file";
  refused = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string text = good;
    text[to_size(random.below(length(text)))] = "0123456789-.,:[]{}\"ae \xff"[random.below(23)];
    read(text);
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace fissile
