#include <fissile/file/gguf/writer.hpp>

#include "../temporary.hpp"
#include "sample.hpp"

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;
using testing::temporary_directory;

void copy_file(const std::string& from, const std::string& to) {
  const gguf_file file{from};
  gguf_writer out;
  out.copy_entries(file);
  for (const gguf_tensor& tensor : file.tensors()) out.copy(file, tensor.name);
  out.save(to);
}

TEST(gguf_writer, reading_and_writing_again_gives_the_same_bytes) {
  const temporary_directory directory;
  for (const std::uint32_t alignment : {0u, 8u, 16u, 32u, 64u, 4096u}) {
    const testing::sample sample;
    gguf_writer out = sample.writer();
    if (alignment != 0) out.set("general.alignment", alignment);
    out.save(directory / "first");
    copy_file(directory / "first", directory / "second");
    EXPECT_EQ(content_of(directory / "first"), content_of(directory / "second")) << alignment;
    const gguf_file file{directory / "second"};
    EXPECT_EQ(file.alignment(), alignment == 0 ? 32 : alignment);
    for (const gguf_tensor& tensor : file.tensors()) EXPECT_EQ(tensor.offset % file.alignment(), 0u);
    EXPECT_EQ(file.read_floats("f32"), sample.f32);
    EXPECT_EQ(std::filesystem::file_size(directory / "first") % file.alignment(), 0u);
  }
}

TEST(gguf_writer, a_file_can_be_written_over_the_one_it_borrows_from) {
  const temporary_directory directory;
  const testing::sample sample;
  sample.writer().save(directory / "a");
  const std::string before = content_of(directory / "a");
  copy_file(directory / "a", directory / "a");
  EXPECT_EQ(content_of(directory / "a"), before);
}

TEST(gguf_writer, keys_are_replaced_in_place_and_dropped) {
  const temporary_directory directory;
  gguf_writer out;
  out.set("a", 1);
  out.set("b", 2);
  out.set("c", 3);
  out.set("b", "now text");
  out.drop("c");
  out.drop("not there");
  out.save(directory / "keys");
  const gguf_file file{directory / "keys"};
  ASSERT_EQ(file.entries().size(), 2u);
  EXPECT_EQ(file.entries()[1].key, "b");
  EXPECT_EQ(file.get<std::string>("b"), "now text");
}

TEST(gguf_writer, tensors_can_be_renamed_and_reshaped_raw) {
  const temporary_directory directory;
  const testing::sample sample;
  sample.writer().save(directory / "a");
  const gguf_file file{directory / "a"};
  gguf_writer out;
  out.copy(file, "f16", "renamed");
  out.add({.name = "stack", .type = gguf_type::f32, .extents = {5, 1, 7, 1}, .dimensions = 3}, file.raw("f32"));
  out.save(directory / "b");
  const gguf_file changed{directory / "b"};
  EXPECT_EQ(changed.raw("renamed"), file.raw("f16"));
  EXPECT_EQ(changed.tensor("stack").dimensions, 3u);
  EXPECT_EQ(shape_of(changed.view<float>("stack")), "[7 x 5]");
}

TEST(gguf_writer, nothing_at_all_is_a_file_too) {
  const temporary_directory directory;
  gguf_writer{}.save(directory / "nothing");
  EXPECT_EQ(content_of(directory / "nothing").size(), 24u);
  EXPECT_TRUE(gguf_file{directory / "nothing"}.tensors().empty());
}

TEST(gguf_writer, refuses_what_the_reader_would) {
  const std::vector<float> numbers(64);
  const matrix_view<const float> matrix{numbers.data(), 8, 8};
  gguf_writer out;
  out.add("once", matrix);
  expect_says(message_of<file_error>([&] { out.add("once", matrix); }),
              {"gguf_writer: tensor \"once\"", "each name once"});
  expect_says(message_of<file_error>([&] { out.add(std::string(64, 'n'), matrix); }),
              {"1 to 63 bytes", "got 64 bytes"});
  EXPECT_NO_THROW(out.add(std::string(63, 'n'), matrix));
  expect_says(message_of<file_error>([&] { out.add("", matrix); }), {"1 to 63 bytes"});
  expect_says(message_of<file_error>([&] { out.set("", 1); }), {"gguf_writer: key", "1 to 65535 bytes"});
  const gguf_tensor odd{.name = "odd", .type = gguf_type::q8_0, .extents = {33, 1, 1, 1}, .dimensions = 1};
  expect_says(message_of<file_error>([&] { out.add(odd, std::string(34, 'x')); }), {"tensor \"odd\"", "whole blocks"});
  const gguf_tensor shorter{.name = "short", .type = gguf_type::f32, .extents = {4, 1, 1, 1}, .dimensions = 1};
  expect_says(message_of<file_error>([&] { out.add(shorter, "123"); }), {"16 bytes of F32, got 3 bytes"});
  const gguf_tensor flat{.name = "flat", .type = gguf_type::f32, .extents = {1, 4, 1, 1}, .dimensions = 1};
  expect_says(message_of<file_error>([&] { out.add(flat, std::string(16, 'x')); }), {"1 beyond its dimensions, got 4"});
  const gguf_tensor unknown{.name = "new", .type = gguf_type{99}, .extents = {4, 1, 1, 1}, .dimensions = 1};
  expect_says(message_of<file_error>([&] { out.add(unknown, "1234"); }), {"size is known", "unknown type 99"});
}

TEST(gguf_writer, a_failed_write_leaves_the_target_untouched) {
  const temporary_directory directory;
  testing::put(directory / "a", "precious");
  gguf_writer out = testing::sample{}.writer();
  out.set("general.alignment", std::uint32_t{24});
  expect_says(message_of<file_error>([&] { out.save(directory / "a"); }), {"general.alignment", "power of two"});
  out.set("general.alignment", "text");
  expect_says(message_of<file_error>([&] { out.save(directory / "a"); }), {"general.alignment", "another kind"});
  EXPECT_EQ(content_of(directory / "a"), "precious");
  EXPECT_EQ(directory.files(), 1u);
}

/// ggml ends the program for another kind.
TEST(gguf_writer, the_alignment_is_a_uint32) {
  const testing::temporary_directory directory;
  gguf_writer out;
  out.set("general.alignment", std::int32_t{64});
  testing::expect_says(testing::message_of<file_error>([&] { out.save(directory / "x.gguf"); }),
                       {"general.alignment", "a uint32"});
}

}  // namespace
}  // namespace fissile
