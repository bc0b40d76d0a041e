#include <fissile/file/mapped_file.hpp>

#include "temporary.hpp"

#include <cstdint>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::temporary_directory;

TEST(mapped_file, shows_the_bytes) {
  const temporary_directory directory;
  testing::put(directory / "a", "seven bytes");
  const mapped_file file{directory / "a"};
  EXPECT_EQ(file.bytes(), "seven bytes");
  EXPECT_EQ(file.size(), 11u);
  EXPECT_EQ(file.path(), directory / "a");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.data()) % alignof(std::max_align_t), 0u);
}

TEST(mapped_file, an_empty_file_is_empty) {
  const temporary_directory directory;
  testing::put(directory / "empty", "");
  const mapped_file file{directory / "empty"};
  EXPECT_TRUE(file.bytes().empty());
}

TEST(mapped_file, moving_keeps_the_memory_where_it_is) {
  const temporary_directory directory;
  testing::put(directory / "a", "first");
  testing::put(directory / "b", "second");
  mapped_file a{directory / "a"};
  const std::string_view view = a.bytes();
  mapped_file moved{std::move(a)};
  EXPECT_EQ(moved.bytes().data(), view.data());
  moved = mapped_file{directory / "b"};
  EXPECT_EQ(moved.bytes(), "second");
}

TEST(mapped_file, stays_good_when_the_name_is_removed) {
  const temporary_directory directory;
  testing::put(directory / "a", "still here");
  const mapped_file file{directory / "a"};
  std::filesystem::remove(directory / "a");
  EXPECT_EQ(file.bytes(), "still here");
}

TEST(mapped_file, refusals_name_the_file_and_the_reason) {
  const temporary_directory directory;
  expect_says(message_of<file_error>([&] { mapped_file{directory / "none"}; }),
              {directory / "none", "cannot open", "No such file or directory"});
  expect_says(message_of<file_error>([&] { mapped_file{directory / ""}; }), {"expected a regular file", "directory"});
}

}  // namespace
}  // namespace fissile
