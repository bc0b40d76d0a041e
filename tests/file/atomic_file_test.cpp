#include <fissile/file/atomic_file.hpp>

#include "temporary.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <csignal>

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;
using testing::temporary_directory;

/// While it lives, no file grows beyond `bytes`: what a full disk looks like to a program.
class small_disk {
public:
  explicit small_disk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

private:
  rlimit before_ = {};
  void (*handler_)(int);
};

TEST(atomic_file, appears_at_commit_and_not_before) {
  const temporary_directory directory;
  atomic_file out{directory / "a"};
  out.write("one ");
  out.write("two");
  EXPECT_EQ(out.position(), 7u);
  out.pad(8);
  EXPECT_FALSE(std::filesystem::exists(directory / "a"));
  out.commit();
  EXPECT_EQ(content_of(directory / "a"), std::string("one two\0", 8));
  EXPECT_EQ(directory.files(), 1u);
}

TEST(atomic_file, an_abandoned_write_leaves_nothing) {
  const temporary_directory directory;
  testing::put(directory / "a", "old");
  { atomic_file{directory / "a"}.write("new"); }
  EXPECT_EQ(content_of(directory / "a"), "old");
  EXPECT_EQ(directory.files(), 1u);
}

TEST(atomic_file, replaces_the_target_whole) {
  const temporary_directory directory;
  write_file_atomically(directory / "a", "a long old content");
  write_file_atomically(directory / "a", "new");
  EXPECT_EQ(content_of(directory / "a"), "new");
  EXPECT_EQ(directory.files(), 1u);
}

TEST(atomic_file, a_full_disk_leaves_the_target_and_says_so) {
  const temporary_directory directory;
  testing::put(directory / "a", "old");
  const std::string big(1 << 20, 'x');
  std::string message;
  {
    const small_disk disk{4096};
    message = message_of<file_error>([&] { write_file_atomically(directory / "a", big); });
  }
  expect_says(message, {directory / "a", "cannot write", "File too large", "the target is untouched"});
  EXPECT_EQ(content_of(directory / "a"), "old");
  EXPECT_EQ(directory.files(), 1u);
}

TEST(atomic_file, a_full_disk_met_only_at_commit_is_still_seen) {
  const temporary_directory directory;
  {
    const small_disk disk{100};  // less than the buffer: the error comes when it is emptied
    atomic_file out{directory / "a"};
    out.write(std::string(200, 'x'));
    expect_says(message_of<file_error>([&] { out.commit(); }), {"cannot write"});
  }
  EXPECT_EQ(directory.files(), 0u);
}

TEST(atomic_file, two_writers_do_not_share_a_temporary) {
  const temporary_directory directory;
  atomic_file first{directory / "a"}, second{directory / "a"};
  first.write("first");
  second.write("second");
  second.commit();
  EXPECT_EQ(content_of(directory / "a"), "second");
  first.commit();
  EXPECT_EQ(content_of(directory / "a"), "first");
  EXPECT_EQ(directory.files(), 1u);
}

TEST(atomic_file, moves) {
  const temporary_directory directory;
  atomic_file out{directory / "a"};
  out.write("12");
  atomic_file moved{std::move(out)};
  moved.write("3");
  moved.commit();
  EXPECT_EQ(content_of(directory / "a"), "123");
}

TEST(atomic_file, refuses_what_renaming_would_break) {
  const temporary_directory directory;
  expect_says(message_of<file_error>([&] { atomic_file{directory / ""}; }), {"regular file", "directory"});
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  expect_says(message_of<file_error>([&] { atomic_file{directory / "pipe"}; }), {"regular file", "pipe"});
  expect_says(message_of<file_error>([&] { atomic_file{directory / "no/such/place"}; }),
              {"cannot create", "No such file or directory", "untouched"});
}

TEST(atomic_file, what_is_replaced_keeps_its_mode_and_links_stay_links) {
  const temporary_directory directory;
  write_file_atomically(directory / "private", "one");
  ASSERT_EQ(::chmod((directory / "private").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("private", (directory / "link").c_str()), 0);
  write_file_atomically(directory / "link", "two");
  EXPECT_EQ(content_of(directory / "private"), "two");
  struct stat status = {};
  ASSERT_EQ(::lstat((directory / "link").c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  ASSERT_EQ(::stat((directory / "private").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

}  // namespace
}  // namespace fissile
