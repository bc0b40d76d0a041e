// Whatever the bytes of a safetensors file, it is refused by name or it reads within its bounds.
#include <fissile/file/safetensors/listing.hpp>

#include "sample.hpp"

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::safetensors_text;

std::string refusal_of(const std::string& bytes) {
  return message_of<file_error>([&] { list_safetensors(bytes, "x.safetensors", trailing_bytes::refused); });
}

TEST(safetensors_listing, refuses_what_is_no_header) {
  expect_says(refusal_of(""), {"x.safetensors", "eight bytes"});
  expect_says(refusal_of(std::string(8, '\0')), {"header", "a JSON object"});
  expect_says(refusal_of(std::string(20, '\xff')), {"header", "at most 100 MB"});
  expect_says(refusal_of(safetensors_text("[]", 0)), {"header", "another kind of file"});
  expect_says(refusal_of(safetensors_text("{\"a\":", 0)), {"header: byte 5"});
  expect_says(refusal_of(safetensors_text(R"({"a":1})", 0)), {"tensor \"a\"", "an object with \"dtype\""});
  expect_says(refusal_of(safetensors_text(R"({"__metadata__":{"a":1}})", 0)), {"__metadata__: a", "a string"});
}

TEST(safetensors_listing, refuses_ranges_that_do_not_fit) {
  const auto one = [](const std::string& shape, const std::string& range) {
    return R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + range + "}}";
  };
  expect_says(refusal_of(safetensors_text(one("[2]", "[0,4]"), 4)), {"tensor \"a\"", "expected 8 bytes", "got 4"});
  expect_says(refusal_of(safetensors_text(one("[1]", "[4,0]"), 4)), {"data_offsets", "begin and end"});
  expect_says(refusal_of(safetensors_text(one("[1]", "[0,4,8]"), 4)), {"data_offsets", "begin and end"});
  expect_says(refusal_of(safetensors_text(one("[1]", "[4,8]"), 8)), {"tensor \"a\"", "a hole"});
  expect_says(refusal_of(safetensors_text(one("[2]", "[0,8]"), 4)), {"tensor \"a\"", "the file is cut short"});
  expect_says(refusal_of(safetensors_text(one("[-1]", "[0,4]"), 4)), {"extents of at least 0"});
  expect_says(refusal_of(safetensors_text(one("[4294967296,4294967296]", "[0,4]"), 4)), {"fewer than 2^63 bytes"});
  expect_says(refusal_of(safetensors_text(one("[0,4294967296,4294967296]", "[0,0]"), 0)), {"fewer than 2^63 bytes"});
  expect_says(refusal_of(safetensors_text(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},)"
                                          R"("b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}})",
                                          3)),
              {"tensor \"b\"", "bytes that also belong to another"});
  expect_says(refusal_of(safetensors_text(R"({"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},)"
                                          R"("a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}})",
                                          0)),
              {"the key \"a\" is given twice"});
}

TEST(safetensors_listing, trailing_bytes_are_a_setting) {
  const std::string bytes = safetensors_text(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}})", 6);
  expect_says(refusal_of(bytes), {"behind the last tensor", "trailing_bytes::allowed"});
  EXPECT_EQ(list_safetensors(bytes, "x", trailing_bytes::allowed).tensors.size(), 1u);
}

TEST(safetensors_listing, of_a_damaged_file_is_a_refusal_or_stays_inside) {
  const testing::temporary_directory directory;
  const std::string path = directory / "sample.safetensors";
  testing::safetensors_sample{}.writer().save(path);
  const std::string good = testing::content_of(path);
  random_source random{11};
  int refused = 0, read = 0;
  const auto attempt = [&](const std::string& bytes) {
    try {
      const safetensors_listing listing = list_safetensors(bytes, "x", trailing_bytes::refused);
      for (const safetensors_tensor& one : listing.tensors) {
        ASSERT_LE(one.offset, bytes.size());
        ASSERT_LE(one.bytes, bytes.size() - one.offset);
        if (safetensors_size(one.type) != 0) {
          ASSERT_EQ(static_cast<std::uint64_t>(one.count()) * safetensors_size(one.type), one.bytes);
        }
      }
      ++read;
    } catch (const file_error&) {
      ++refused;
    }
  };
  for (std::size_t size = 0; size < good.size(); ++size) attempt(good.substr(0, size));
  EXPECT_EQ(read, 0);  // every cut is seen: the last tensor ends at the end
  for (int draw = 0; draw < 5000; ++draw) {
    std::string bytes = good;
    for (index_t change = 1 + random.below(3); change > 0; --change) {
      bytes[to_size(random.below(length(bytes)))] = static_cast<char>(random.below(256));
    }
    attempt(bytes);
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace fissile
