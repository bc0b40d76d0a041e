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

}  // namespace
}  // namespace fissile
