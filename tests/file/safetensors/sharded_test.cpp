#include <fissile/file/safetensors/sharded.hpp>

#include "sample.hpp"

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::put;

class safetensors_shards : public ::testing::Test {
protected:
  safetensors_shards() {
    save("one.safetensors", {"a", "b"}, 1);
    save("two.safetensors", {"c"}, 2);
    index = directory / "model.safetensors.index.json";
  }
  void save(const std::string& name, const std::vector<std::string>& tensors, float number) const {
    const std::vector<float> numbers(4, number);
    safetensors_writer out;
    for (const std::string& one : tensors) out.add(one, matrix_view<const float>{numbers.data(), 2, 2});
    out.save(directory / name);
  }
  std::string folder() const { return std::filesystem::path{index}.parent_path().string(); }

  testing::temporary_directory directory;
  std::string index;
};

TEST_F(safetensors_shards, are_read_as_one) {
  put(index, R"({"metadata":{"total_size":48},)"
             R"("weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}})");
  for (const std::string& path : {folder(), index}) {
    const safetensors_model model{path};
    EXPECT_EQ(model.names(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(model.files().size(), 2u);
    EXPECT_EQ(model.view<float>("b")(1, 1), 1.0f);
    EXPECT_EQ(model.read_floats("c"), (std::vector<float>(4, 2.0f)));
    EXPECT_FALSE(model.contains("d"));
    expect_says(message_of<file_error>([&] { model.raw("d"); }), {"tensor \"d\"", "one of 2 files"});
  }
}

TEST_F(safetensors_shards, a_single_file_is_a_model) {
  EXPECT_EQ(safetensors_model{directory / "one.safetensors"}.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_THROW(safetensors_model{folder()}, file_error);  // neither an index nor model.safetensors
  save("model.safetensors", {"z"}, 3);
  EXPECT_EQ(safetensors_model{folder()}.names(), std::vector<std::string>{"z"});
}

TEST_F(safetensors_shards, an_index_that_lies_is_refused) {
  put(index, R"({"weight_map":{"a":"one.safetensors","d":"two.safetensors"}})");
  expect_says(message_of<file_error>([&] { safetensors_model{index}; }), {"two.safetensors", "tensor \"d\""});
  put(index, R"({"weight_map":{"a":"three.safetensors"}})");
  expect_says(message_of<file_error>([&] { safetensors_model{index}; }), {"three.safetensors", "cannot open"});
  put(index, R"({"weight_map":{"a":"../one.safetensors"}})");
  expect_says(message_of<file_error>([&] { safetensors_model{index}; }), {"files beside the index"});
  put(index, R"({"weight_map":{}})");
  expect_says(message_of<file_error>([&] { safetensors_model{index}; }), {"an object of tensors and their files"});
  save("two.safetensors", {"a"}, 2);
  put(index, R"({"weight_map":{"b":"one.safetensors","a":"two.safetensors"}})");
  expect_says(message_of<file_error>([&] { safetensors_model{index}; }), {"each tensor in one file"});
}

}  // namespace
}  // namespace fissile
