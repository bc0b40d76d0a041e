#include <fissile/file/gguf/cursor.hpp>

#include "../temporary.hpp"

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

TEST(gguf_cursor, walks_and_stops_at_the_end) {
  std::string bytes;
  encode(bytes, std::uint16_t{513});
  encode(bytes, std::string_view{"text"});
  const std::string path = "some.gguf";
  gguf_cursor cursor{bytes, path};
  EXPECT_EQ(cursor.number<std::uint16_t>(), 513);
  EXPECT_EQ(cursor.text(), "text");
  EXPECT_EQ(cursor.position(), bytes.size());
  EXPECT_EQ(cursor.rest(), 0u);
  EXPECT_EQ(cursor.take(0), "");
  cursor.enter("key \"last\"");
  expect_says(message_of<file_error>([&] { cursor.number<std::uint8_t>(); }),
              {"some.gguf: key \"last\" at byte 14: expected 1 more bytes, got 0", "cut short"});
}

TEST(gguf_cursor, a_value_is_checked_to_its_end) {
  std::string bytes;
  encode(bytes, std::vector<std::string>{"a", "bc"});
  const std::string path = "some.gguf";
  gguf_cursor whole{bytes, path};
  EXPECT_EQ(whole.value(gguf_kind::array).count(), 2u);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    gguf_cursor cut{std::string_view{bytes}.substr(0, size), path};
    EXPECT_THROW(cut.value(gguf_kind::array), file_error) << size;
  }
}

}  // namespace
}  // namespace fissile
