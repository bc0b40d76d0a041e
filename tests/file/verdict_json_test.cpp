#include <fissile/base/random.hpp>
#include <fissile/file/verdict_json.hpp>

#include "temporary.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::temporary_directory;

/// Layers of different sizes, shared experts, any fate, odd letters in the reasons.
saved_verdict random_saved(random_source& random) {
  saved_verdict saved{.decided = {.judge = "keep_busiest(de)",
                                  .budget = "uniform(0.25)",
                                  .rate = random.uniform(),
                                  .corpus = "guide \"2\" \\ Grüße 中文",
                                  .tokens = random.bits()},
                      .partitions = {}};
  for (index_t layer = 1 + random.below(4); layer > 0; --layer) {
    const index_t neurons = 1 + random.below(30);
    std::vector<index_t> order = ascending(neurons);
    shuffle(order, random);
    const index_t experts = 1 + random.below(neurons);
    std::vector<index_t> shared;
    if (random.below(2) == 0) shared.push_back(random.below(experts));
    saved.partitions.emplace_back(cut_evenly(order, experts, "test"), shared);
    saved.decided.layers.emplace_back();
    for (index_t e = 0; e < experts; ++e) {
      saved.decided.layers.back().push_back(
          {random.below(2) == 0 ? fate::keep : fate::remove, "frequency 0.0031:\t\n" + std::to_string(random.bits())});
    }
  }
  return saved;
}

saved_verdict small() {
  return {.decided = {.judge = "j",
                      .budget = "b",
                      .rate = 0.5,
                      .corpus = "c",
                      .tokens = 12,
                      .layers = {{{fate::keep, "r0"}, {fate::remove, "r1"}}}},
          .partitions = {partition{{{0, 2}, {1}}, {0}}}};
}

TEST(verdict_json, what_is_read_equals_what_was_written) {
  const temporary_directory directory;
  random_source random{111};
  for (index_t round = 0; round < 40; ++round) {
    const saved_verdict saved = random_saved(random);
    write_verdict_json(directory / "v.json", saved.decided, saved.partitions);
    const saved_verdict read = read_verdict_json(directory / "v.json");
    ASSERT_EQ(read, saved);
    ASSERT_EQ(to_text(verdict_to_json(read.decided, read.partitions)), testing::content_of(directory / "v.json"));
  }
}

TEST(verdict_json, looks_like_this) {
  const saved_verdict saved = small();
  EXPECT_EQ(verdict_to_json(saved.decided, saved.partitions).dump(),
            R"({"schema":"fissile.verdict","version":1,"judge":"j","budget":"b","rate":0.5,"corpus":"c","tokens":12,)"
            R"("layers":[{"partition":{"neurons":3,"shared":[0],"experts":[[0,2],[1]]},"experts":[)"
            R"({"expert":0,"fate":"keep","reason":"r0"},{"expert":1,"fate":"remove","reason":"r1"}]}]})");
}

TEST(verdict_json, a_verdict_of_no_layers_is_one) {
  const saved_verdict none{.decided = {.judge = "j"}, .partitions = {}};
  EXPECT_EQ(verdict_from_json(verdict_to_json(none.decided, none.partitions), "x"), none);
}

TEST(verdict_json, refuses_to_write_what_does_not_fit) {
  const saved_verdict saved = small();
  const auto writing = [](const verdict& decided, const std::vector<partition>& partitions) {
    return [&] { verdict_to_json(decided, partitions); };
  };
  expect_says(message_of<shape_error>(writing(saved.decided, {})), {"partitions", "expected 1", "got 0"});
  expect_says(message_of<shape_error>(writing(saved.decided, {partition{{{0}, {1}, {2}}}})),
              {"layer 0", "2 experts", "got 3"});
  for (const double rate : {-0.5, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    verdict changed = saved.decided;
    changed.rate = rate;
    expect_says(message_of<setting_error>(writing(changed, saved.partitions)), {"rate", "less than 1"});
  }
}

TEST(verdict_json, hostile_files_are_refused_by_name) {
  const saved_verdict saved = small();
  const json_value good = verdict_to_json(saved.decided, saved.partitions);
  struct attack {
    const char* at;
    json_value value;
    std::vector<std::string_view> says;
  };
  const attack attacks[] = {
      {"/schema", "fissile.partitions", {"schema", "fissile.verdict"}},
      {"/version", 2, {"version", "later release"}},
      {"/version", 0, {"version"}},
      {"/judge", 1, {"judge", "a string"}},
      {"/budget", nullptr, {"budget"}},
      {"/rate", nullptr, {"rate", "less than 1"}},
      {"/rate", 1, {"rate", "less than 1"}},
      {"/rate", -1e-9, {"rate"}},
      {"/rate", "0.5", {"rate", "a number"}},
      {"/corpus", json_value::array(), {"corpus"}},
      {"/tokens", -1, {"tokens", "not negative"}},
      {"/tokens", 1e30, {"tokens"}},
      {"/layers", 3, {"layers", "a list"}},
      {"/layers/0", json_value::array(), {"layers[0]", "partition"}},
      {"/layers/0/partition", nullptr, {"layers[0]: partition"}},
      {"/layers/0/partition/experts/0/0", 1, {"layers[0]: partition", "neuron 1"}},
      {"/layers/0/partition/experts/0/0", 1000000000000, {"layers[0]: partition"}},
      {"/layers/0/partition/experts/0/0", -7, {"layers[0]: partition"}},
      {"/layers/0/partition/experts", json_value::array(), {"layers[0]: partition"}},
      {"/layers/0/partition/neurons", 4, {"layers[0]: partition", "4 neurons"}},
      {"/layers/0/partition/shared/0", 2, {"layers[0]: partition", "shared"}},
      {"/layers/0/experts", json_value::object(), {"layers[0]: experts", "a list of 2"}},
      {"/layers/0/experts", json_value::array(), {"layers[0]: experts", "a list of 2", "one of 0"}},
      {"/layers/0/experts/1", 5, {"layers[0]: experts[1]"}},
      {"/layers/0/experts/1/expert", 0, {"experts[1]: expert", "in order", "got 0"}},
      {"/layers/0/experts/1/fate", "Keep", {"experts[1]: fate", "\"keep\" or \"remove\"", "Keep"}},
      {"/layers/0/experts/1/fate", false, {"experts[1]: fate"}},
      {"/layers/0/experts/1/reason", 1, {"experts[1]: reason"}},
  };
  for (const attack& one : attacks) {
    json_value bad = good;
    bad[json_value::json_pointer(one.at)] = one.value;
    const std::string message = message_of<file_error>([&] { verdict_from_json(bad, "v.json"); });
    EXPECT_EQ(message.substr(0, 6), "v.json") << one.at;
    for (const std::string_view part : one.says)
      EXPECT_NE(message.find(part), message.npos) << one.at << ": " << message;
  }
}

TEST(verdict_json, a_missing_entry_is_named) {
  const saved_verdict saved = small();
  const json_value good = verdict_to_json(saved.decided, saved.partitions);
  for (const auto& [key, value] : good.items()) {
    json_value bad = good;
    bad.erase(key);
    expect_says(message_of<file_error>([&] { verdict_from_json(bad, "v.json"); }), {"v.json", key});
  }
}

TEST(verdict_json, every_truncation_is_refused_and_changed_bytes_do_no_harm) {
  const saved_verdict saved = small();
  const std::string good = to_text(verdict_to_json(saved.decided, saved.partitions));
  const auto read = [](const std::string& text) { return verdict_from_json(parse_json(text, "v.json"), "v.json"); };
  ASSERT_EQ(read(good), saved);
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {  // the last byte is a line end
    expect_says(message_of<file_error>([&] { read(good.substr(0, size)); }), {"v.json"});
  }
  random_source random{112};
  index_t refused = 0;
  for (index_t round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (index_t i = 1 + random.below(3); i > 0; --i) {
      bad[to_size(random.below(length(bad)))] = static_cast<char>(random.below(256));
    }
    try {
      const saved_verdict found = read(bad);
      ASSERT_EQ(found.decided.layers.size(), found.partitions.size());
    } catch (const file_error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST(verdict_json, a_file_that_is_not_there_is_named) {
  const temporary_directory directory;
  expect_says(message_of<file_error>([&] { read_verdict_json(directory / "none.json"); }), {directory / "none.json"});
}

}  // namespace
}  // namespace fissile
