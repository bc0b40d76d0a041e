#include <fissile/file/safetensors/writer.hpp>

#include "sample.hpp"

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;

TEST(safetensors_writer, reading_and_writing_again_gives_the_same_bytes) {
  const testing::temporary_directory directory;
  const std::string first = directory / "first.safetensors", second = directory / "second.safetensors";
  testing::safetensors_sample{}.writer().save(first);
  const safetensors_file file{first};
  safetensors_writer again;
  for (const auto& [key, text] : file.metadata()) again.note(key, text);
  for (const safetensors_tensor& one : file.tensors()) again.copy(file, one.name);
  again.save(second);
  EXPECT_EQ(content_of(first), content_of(second));
}

TEST(safetensors_writer, every_tensor_can_be_borrowed) {
  const testing::temporary_directory directory;
  const std::string path = directory / "aligned.safetensors";
  random_source random{5};
  for (int draw = 0; draw < 50; ++draw) {
    const std::vector<float> numbers(64, 1.5f);
    const std::vector<bf16> narrow(64, to_bf16(2.5f));
    const std::vector<std::int8_t> bytes(64, 7);
    safetensors_writer out;
    for (index_t i = 0; i < 6; ++i) {
      const std::string name(to_size(1 + random.below(9)), static_cast<char>('a' + i));
      const index_t count = random.below(5);
      if (i % 3 == 0) out.add(name, vector_view<const std::int8_t>{bytes.data(), count});
      if (i % 3 == 1) out.add(name, vector_view<const bf16>{narrow.data(), count});
      if (i % 3 == 2) out.add(name, vector_view<const float>{numbers.data(), count});
    }
    out.save(path);
    const safetensors_file file{path};
    ASSERT_EQ(file.tensors().size(), 6u);
    EXPECT_EQ(file.tensors().front().offset % 64, 0u);
    for (const safetensors_tensor& one : file.tensors()) {
      if (one.type == "F32") {
        EXPECT_EQ(file.view<float>(one.name).columns(), one.count());
      }
      if (one.type == "BF16") {
        EXPECT_EQ(file.view<bf16>(one.name).columns(), one.count());
      }
      if (one.type == "I8") {
        EXPECT_EQ(file.view<std::int8_t>(one.name).columns(), one.count());
      }
    }
  }
}

TEST(safetensors_writer, refuses_what_the_format_cannot_hold_and_leaves_the_target) {
  const testing::temporary_directory directory;
  const std::vector<float> numbers(6);
  safetensors_writer out;
  out.add("a", matrix_view<const float>{numbers.data(), 2, 3});
  expect_says(message_of<file_error>([&] { out.add("a", vector_view<const float>{numbers}); }), {"each name once"});
  expect_says(message_of<file_error>([&] { out.add("__metadata__", vector_view<const float>{numbers}); }),
              {"a name of its own"});
  expect_says(message_of<file_error>(
                  [&] { out.add({.name = "b", .type = "F32", .shape = {3}}, std::string_view{"12345678"}); }),
              {"tensor \"b\": expected 12 bytes for its shape in F32, got 8"});
  const std::string path = directory / "nowhere/x.safetensors";
  EXPECT_THROW(out.save(path), file_error);
  EXPECT_EQ(directory.files(), 0u);
}

TEST(safetensors_writer, a_model_is_one_file_or_shards_with_an_index) {
  const testing::temporary_directory directory;
  const testing::safetensors_sample sample;
  const safetensors_writer out = sample.writer();
  const std::string one = directory / "one", many = directory / "many";
  std::filesystem::create_directory(one);
  std::filesystem::create_directory(many);
  EXPECT_EQ(out.save_model(one, 100000), std::vector<std::string>{one + "/model.safetensors"});
  const std::vector<std::string> paths = out.save_model(many, 100);
  ASSERT_GT(paths.size(), 3u);
  EXPECT_EQ(paths.back(), many + "/model.safetensors.index.json");
  EXPECT_EQ(paths.front(), many + "/model-00001-of-0000" + std::to_string(paths.size() - 1) + ".safetensors");
  const safetensors_model single{one}, sharded{many};
  ASSERT_EQ(single.names(), sharded.names());
  EXPECT_EQ(sharded.path(), paths.back());
  std::uint64_t total = 0;
  for (const std::string& name : single.names()) {
    EXPECT_EQ(single.raw(name), sharded.raw(name)) << name;
    EXPECT_EQ(single.tensor(name).shape, sharded.tensor(name).shape);
    total += single.tensor(name).bytes;
  }
  for (const safetensors_file& file : sharded.files()) {
    std::uint64_t bytes = 0;
    for (const safetensors_tensor& tensor : file.tensors()) bytes += tensor.bytes;
    EXPECT_TRUE(bytes <= 100 || file.tensors().size() == 1);
    EXPECT_EQ(file.metadata().size(), 1u);
  }
  EXPECT_EQ(require<std::uint64_t>(require_entry(read_json(paths.back()), "metadata", ""), "total_size", ""), total);
  // Readers take one kind or the other where a folder has both: neither may hide the other.
  expect_says(message_of<file_error>([&] { static_cast<void>(out.save_model(many, 100000)); }),
              {"index.json: expected no such file", "a folder of its own"});
  expect_says(message_of<file_error>([&] { static_cast<void>(out.save_model(one, 100)); }), {"model.safetensors"});
}

TEST(safetensors_writer, tensors_are_made_when_their_turn_comes) {
  const testing::temporary_directory directory;
  const std::string path = directory / "made.safetensors", bytes(12, '\1');
  safetensors_writer out;
  out.add({.name = "made", .type = "I32", .shape = {3}}, [&] { return bytes; });
  out.save(path);
  EXPECT_EQ(safetensors_file{path}.raw("made"), bytes);
  out.add({.name = "wrong", .type = "I8", .shape = {3}}, [] { return std::string{"four"}; });
  expect_says(message_of<file_error>([&] { out.save(path); }), {"tensor \"wrong\"", "3 bytes to be made, got 4"});
  EXPECT_EQ(safetensors_file{path}.raw("made"), bytes);
}

TEST(safetensors_writer, text_that_is_not_utf8_is_refused) {
  safetensors_writer out;
  EXPECT_THROW(out.note("key", "\xff"), file_error);
  EXPECT_THROW(out.note("\xff", "text"), file_error);
  EXPECT_THROW(out.add({.name = "\xff", .type = "I8", .shape = {1}}, [] { return std::string{"1"}; }), file_error);
}

}  // namespace
}  // namespace fissile
