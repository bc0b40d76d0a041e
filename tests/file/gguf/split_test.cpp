// Parts of a split file are read as one, and merged again they are the file that was split.
#include <fissile/file/gguf.hpp>

#include "../temporary.hpp"
#include "sample.hpp"

#include <deque>

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;
using testing::put;

class gguf_split : public ::testing::Test {
protected:
  /// In three parts or more.
  std::vector<std::string> split(gguf_writer out) const { return out.save_split(directory / "model.gguf", 200); }
  static void merge(const std::string& from, const std::string& to) {
    const gguf_model model{from};
    gguf_writer out;
    out.copy_entries(model);
    for (const gguf_tensor& tensor : model.tensors()) out.copy(model, tensor.name);
    out.save(to);
  }

  testing::temporary_directory directory;
  testing::sample sample;
};

TEST_F(gguf_split, names_are_those_of_llama_cpp) {
  EXPECT_EQ(gguf_part_path("a/model.gguf", 0, 3), "a/model-00001-of-00003.gguf");
  EXPECT_EQ(gguf_part_path("model", 11, 12), "model-00012-of-00012.gguf");
  EXPECT_EQ(gguf_whole_path("a/model-00002-of-00003.gguf", 1, 3), "a/model.gguf");
  EXPECT_EQ(gguf_whole_path("a/model-00002-of-00003.gguf", 0, 3), std::nullopt);
  EXPECT_EQ(gguf_whole_path("model.gguf", 0, 1), std::nullopt);
}

TEST_F(gguf_split, parts_are_read_as_one_and_merge_to_the_whole) {
  for (const std::uint32_t alignment : {0u, 8u, 256u}) {
    gguf_writer out = sample.writer();
    if (alignment != 0) out.set("general.alignment", alignment);
    out.save(directory / "whole.gguf");
    const std::vector<std::string> paths = split(out);
    ASSERT_GE(paths.size(), 3u);
    EXPECT_EQ(paths.front(), gguf_part_path(directory / "model.gguf", 0, paths.size()));
    const gguf_file whole{directory / "whole.gguf"};
    const gguf_model model{paths.front()};
    EXPECT_EQ(model.files().size(), paths.size());
    EXPECT_EQ(model.get<int>("k.int16"), -16);
    EXPECT_EQ(model.get<int>("split.count"), static_cast<int>(paths.size()));
    ASSERT_EQ(model.entries().size(), whole.entries().size());
    ASSERT_EQ(model.tensors().size(), whole.tensors().size());
    for (const gguf_tensor& tensor : whole.tensors()) {
      EXPECT_EQ(model.raw(tensor.name), whole.raw(tensor.name)) << tensor.name;
      EXPECT_EQ(model.tensor(tensor.name).extents, tensor.extents);
    }
    for (const gguf_file& part : model.files()) {
      EXPECT_EQ(part.alignment(), alignment == 0 ? 32 : alignment);
      std::uint64_t bytes = 0;
      for (const gguf_tensor& tensor : part.tensors()) bytes += tensor.bytes;
      EXPECT_TRUE(bytes <= 200 || part.tensors().size() == 1);
    }
    EXPECT_EQ(shape_of(model.view<bf16>("bf16.strided")), "[6 x 4]");
    EXPECT_EQ(model.read_floats("f32"), sample.f32);
    EXPECT_EQ(model.find_tensor("none"), nullptr);
    expect_says(message_of<file_error>([&] { model.raw("none"); }), {paths.front(), "tensor \"none\""});
    merge(paths.front(), directory / "merged.gguf");
    EXPECT_EQ(content_of(directory / "merged.gguf"), content_of(directory / "whole.gguf"));
    const gguf_model moved = gguf_model{paths.front()};
    EXPECT_EQ(moved.read_floats("f32"), sample.f32);
  }
}

TEST_F(gguf_split, a_single_file_is_a_model) {
  sample.writer().save(directory / "whole.gguf");
  merge(directory / "whole.gguf", directory / "again.gguf");
  EXPECT_EQ(content_of(directory / "again.gguf"), content_of(directory / "whole.gguf"));
  const auto paths = sample.writer().save_split(directory / "one.gguf", ~std::uint64_t{0});
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(gguf_model{paths.front()}.tensors().size(), 6u);
}

TEST_F(gguf_split, parts_that_do_not_belong_together_are_refused) {
  const std::vector<std::string> paths = split(sample.writer());
  expect_says(message_of<file_error>([&] { gguf_model{paths[1]}; }), {paths[1], "got part 2", "name the first part"});
  const std::string second = content_of(paths[1]);
  std::filesystem::remove(paths[1]);
  expect_says(message_of<file_error>([&] { gguf_model{paths[0]}; }), {paths[1], "cannot open"});
  put(paths[1], content_of(paths[2]));
  expect_says(message_of<file_error>([&] { gguf_model{paths[0]}; }), {paths[1], "part 2 of", "got part 3"});
  put(directory / "other.gguf", content_of(paths[0]));
  expect_says(message_of<file_error>([&] { gguf_model{directory / "other.gguf"}; }), {"-00001-of-", "another name"});

  // A part of another model: its tensors are too many, or there already.
  gguf_writer more;
  more.copy_entries(gguf_file{(put(paths[1], second), paths[1])});
  const std::vector<float> numbers(4);
  more.add("more", vector_view<const float>{numbers});
  more.save(paths[1]);
  EXPECT_THROW(gguf_model{paths[0]}, file_error);
  more.add("f32", vector_view<const float>{numbers});
  more.save(paths[1]);
  expect_says(message_of<file_error>([&] { gguf_model{paths[0]}; }), {"tensor \"f32\"", "each tensor in one part"});
}

TEST_F(gguf_split, lies_about_the_parts_are_refused) {
  for (const std::uint16_t count : {std::uint16_t{0}, std::uint16_t{2}, std::uint16_t{65535}}) {
    gguf_writer out = sample.writer();
    out.set("split.count", count);
    out.set("split.no", std::uint16_t{0});
    const std::string path = gguf_part_path(directory / "lie.gguf", 0, count);
    out.save(path);
    EXPECT_THROW(gguf_model{path}, file_error) << count;
  }
  gguf_writer out = sample.writer();
  out.set("split.tensors.count", std::int32_t{7});
  out.save(directory / "lie.gguf");
  expect_says(message_of<file_error>([&] { gguf_model{directory / "lie.gguf"}; }), {"7 tensors in all, got 6"});
  out.set("split.tensors.count", std::int32_t{-1});
  out.save(directory / "lie.gguf");
  EXPECT_THROW(gguf_model{directory / "lie.gguf"}, file_error);
}

TEST_F(gguf_split, any_byte_of_any_part_may_be_wrong) {
  const std::vector<std::string> paths = split(sample.writer());
  random_source random{31};
  index_t read = 0;
  for (const std::string& path : paths) {
    const std::string whole = content_of(path);
    const std::size_t header = gguf_file{path}.tensors().front().offset;
    for (int round = 0; round < 400; ++round) {
      std::string changed = whole;
      char& byte = changed[to_size(random.below(static_cast<index_t>(header)))];
      byte = static_cast<char>(byte ^ (1 << random.below(8)));
      if (round % 4 == 0) changed.resize(to_size(random.below(length(changed))));
      put(path, changed);
      try {
        const gguf_model model{paths.front()};
        for (const gguf_tensor& tensor : model.tensors()) read += length(model.raw(tensor.name));
      } catch (const file_error&) {  // of a part or of a tensor's type
      }
    }
    put(path, whole);
  }
  EXPECT_GT(read, 0);
  EXPECT_NO_THROW(gguf_model{paths.front()});
}

TEST_F(gguf_split, tensors_are_made_when_their_turn_comes) {
  gguf_writer out;
  const std::vector<float> numbers{1, 2, 3, 4};
  int made = 0;
  const std::string bytes{reinterpret_cast<const char*>(numbers.data()), 16};
  const gguf_tensor shape{.name = "made", .type = gguf_type::f32, .extents = {2, 2, 1, 1}, .dimensions = 2};
  out.add(shape, [&] { return ++made, bytes; });
  EXPECT_EQ(made, 0);
  out.save(directory / "made.gguf");
  EXPECT_EQ(made, 1);
  EXPECT_EQ(gguf_file{directory / "made.gguf"}.read_floats("made"), numbers);
  gguf_tensor wrong = shape;
  wrong.name = "wrong";
  out.add(wrong, [] { return std::string(15, 'x'); });
  put(directory / "made.gguf", "precious");
  expect_says(message_of<file_error>([&] { out.save(directory / "made.gguf"); }),
              {"tensor \"wrong\"", "16 bytes to be made, got 15"});
  EXPECT_EQ(content_of(directory / "made.gguf"), "precious");
}

/// Every type whose size is known passes through as raw blocks.
TEST_F(gguf_split, blocks_of_every_type_are_passed_on) {
  gguf_writer out;
  std::deque<std::string> blocks;  // borrowed by `out`
  random_source random{5};
  for (std::uint32_t type = 0; type < 64; ++type) {
    const gguf_type_layout layout = layout_of(gguf_type{type});
    if (layout.block == 0) continue;
    std::string& bytes = blocks.emplace_back(3 * 2 * layout.bytes, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.bits());
    const auto columns = static_cast<index_t>(2 * layout.block);
    out.add({.name = layout.name, .type = gguf_type{type}, .extents = {columns, 3, 1, 1}, .dimensions = 2}, bytes);
  }
  ASSERT_GE(blocks.size(), 30u);
  out.save(directory / "whole.gguf");
  const auto paths = out.save_split(directory / "parts.gguf", 1000);
  merge(paths.front(), directory / "merged.gguf");
  EXPECT_EQ(content_of(directory / "merged.gguf"), content_of(directory / "whole.gguf"));
  const gguf_model model{paths.front()};
  for (std::size_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(model.raw(model.tensors()[i].name), blocks[i]);
}

}  // namespace
}  // namespace fissile
