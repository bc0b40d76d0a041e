// What a command writes is never what it reads.
#include <unravel/targets.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace fissile::unravel {
namespace {

using testing::expect_says;
using testing::message_of;

std::string target_refusal(const std::vector<std::string>& inputs, const std::vector<asked_target>& targets) {
  return message_of<file_error>([&] { check_targets(inputs, targets); });
}

TEST(targets, may_be_new_or_old_files_of_their_own) {
  const testing::temporary_directory directory;
  write_file_atomically(directory / "in", "x");
  write_file_atomically(directory / "old", "y");
  check_targets({directory / "in", ""},
                {{"--out", directory / "new"}, {"--json", directory / "old"}, {"--figure", ""}, {"--save", ""}});
}

TEST(targets, are_no_inputs_however_they_are_written) {
  const testing::temporary_directory directory;
  write_file_atomically(directory / "in", "x");
  std::filesystem::create_symlink(directory / "in", directory / "link");
  const std::string roundabout = std::filesystem::path{directory / "in"}.parent_path() / "." / "in";
  for (const std::string& target : {directory / "in", directory / "link", roundabout}) {
    expect_says(target_refusal({directory / "other", directory / "in"}, {{"--json", target}}),
                {"--json " + target, "a new file", "the input " + (directory / "in")});
  }
}

TEST(targets, are_not_each_other) {
  const testing::temporary_directory directory;
  expect_says(target_refusal({}, {{"--out", directory / "a"}, {"--json", directory / "a"}}),
              {"--json", "a file of its own", "that of --out"});
}

TEST(targets, texts_are_inputs) {
  std::vector<std::string> inputs;
  add_text_files(inputs, {"en=a.txt", "de=b=c.txt"});
  EXPECT_EQ(inputs, (std::vector<std::string>{"a.txt", "b=c.txt"}));
}

}  // namespace
}  // namespace fissile::unravel
