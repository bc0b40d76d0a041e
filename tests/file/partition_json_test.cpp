#include <fissile/file/partition_json.hpp>

#include <fissile/base/random.hpp>

#include "temporary.hpp"

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::put;
using testing::temporary_directory;

partition random_partition(random_source& random) {
  const index_t neurons = 1 + random.below(60);
  std::vector<index_t> order = ascending(neurons), shared;
  shuffle(order, random);
  const index_t experts = 1 + random.below(neurons);
  for (index_t e = 0; e < experts; ++e) {
    if (random.below(4) == 0) shared.push_back(e);
  }
  return partition{cut_evenly(order, experts, "test"), shared};
}

TEST(partition_json, what_is_read_equals_what_was_written) {
  const temporary_directory directory;
  random_source random{21};
  for (int round = 0; round < 40; ++round) {
    std::vector<partition> layers;
    for (index_t layer = random.below(4); layer >= 0; --layer) layers.push_back(random_partition(random));
    write_partitions_json(directory / "p.json", layers);
    EXPECT_EQ(read_partitions_json(directory / "p.json"), layers);
  }
}

TEST(partition_json, partitions_that_cannot_be_are_refused_with_their_place) {
  const temporary_directory directory;
  const auto read = [&](const std::string& layers) {
    put(directory / "p.json", R"({"schema": "fissile.partitions", "version": 1, "layers": )" + layers + "}");
    return message_of<file_error>([&] { static_cast<void>(read_partitions_json(directory / "p.json")); });
  };
  const std::string good = R"({"neurons": 2, "shared": [], "experts": [[1], [0]]})";
  expect_says(read("3"), {"layers: expected a list"});
  expect_says(read("[3]"), {"layers[0]", "\"experts\""});
  expect_says(read("[" + good + R"(, {"neurons": 3, "shared": [], "experts": [[1], [0]]}])"),
              {"p.json: layers[1]: experts: expected 3 neurons, got 2"});
  expect_says(read(R"([{"neurons": 2, "shared": [], "experts": [[1], [1]]}])"), {"layers[0]", "neuron 1 twice"});
  expect_says(read(R"([{"neurons": 2, "shared": [], "experts": [[1, 0], []]}])"), {"expert 1", "at least one neuron"});
  expect_says(read(R"([{"neurons": 2, "shared": [2], "experts": [[1], [0]]}])"), {"shared"});
  expect_says(read(R"([{"neurons": 2, "shared": [], "experts": [[1], [-1]]}])"), {"neuron -1"});
  expect_says(read(R"([{"neurons": 2, "shared": [], "experts": [[1], [99999999999999]]}])"), {"neuron 99999999999999"});
  expect_says(read(R"([{"neurons": 0, "shared": [], "experts": []}])"), {"at least one expert"});
  expect_says(read(R"([{"neurons": 2, "shared": [], "experts": [1, 0]}])"), {"experts[0]: expected a list"});
}

}  // namespace
}  // namespace fissile
