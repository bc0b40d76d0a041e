// Headers made by hand, one lie each.
#include <fissile/file/gguf/listing.hpp>

#include "../temporary.hpp"

#include <cstdint>
#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

/// Bytes of a file as they are asked for, legal or not.
struct forged {
  std::string bytes = "GGUF";

  forged(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) { put(version).put(tensors).put(keys); }
  template <class T>
  forged& put(T value) {
    encode(bytes, value);
    return *this;
  }
  forged& key(std::string_view name, gguf_kind kind) { return put(name).put(static_cast<std::uint32_t>(kind)); }
  forged& tensor(std::string_view name, const std::vector<std::int64_t>& extents, std::uint64_t offset,
                 std::uint32_t type = 0) {
    put(name).put(static_cast<std::uint32_t>(extents.size()));
    for (const std::int64_t extent : extents) put(extent);
    return put(type).put(offset);
  }
  forged& data(std::size_t count) {
    bytes.resize((bytes.size() + 31) / 32 * 32 + count);
    return *this;
  }
  gguf_listing list() const { return list_gguf(bytes, "forged.gguf"); }
  std::string refusal() const {
    return message_of<file_error>([&] { list(); });
  }
};

constexpr auto huge = std::numeric_limits<std::uint64_t>::max();

TEST(gguf_listing, reads_keys_and_tensors) {
  forged file{2, 1};
  file.key("a.b", gguf_kind::uint16).put(std::uint16_t{7});
  file.tensor("matrix", {3, 2}, 0).tensor("stack", {4, 3, 2}, 32, 1).data(32 + 48);
  const gguf_listing list = file.list();
  ASSERT_EQ(list.entries.size(), 1u);
  EXPECT_EQ(list.entries[0].value.as<int>(), 7);
  ASSERT_EQ(list.tensors.size(), 2u);
  EXPECT_EQ(list.tensors[0].rows(), 2);
  EXPECT_EQ(list.tensors[0].columns(), 3);
  EXPECT_EQ(list.tensors[0].bytes, 24u);
  EXPECT_EQ(list.tensors[1].rows(), 6);
  EXPECT_EQ(list.tensors[1].offset, list.tensors[0].offset + 32);
}

TEST(gguf_listing, legal_oddities_are_read) {
  EXPECT_EQ(forged(0, 0).list().tensors.size(), 0u);
  EXPECT_EQ(forged(0, 0, 2).list().version, 2u);
  EXPECT_EQ(forged(1, 0).tensor("scalar", {}, 0).data(4).list().tensors[0].count(), 1);
  EXPECT_EQ(forged(1, 0).tensor("", {1}, 0).data(4).list().tensors[0].name, "");
  EXPECT_EQ(forged(1, 0).tensor("empty", {32, 0}, 0).data(0).list().tensors[0].bytes, 0u);
  EXPECT_EQ(forged(2, 0).tensor("empty", {0}, 0).tensor("full", {8}, 0).data(32).list().tensors.size(), 2u);
  // An unknown type is listed; its bytes are nobody's business until it is opened.
  EXPECT_EQ(forged(1, 0).tensor("new", {8}, 0, 999).data(32).list().tensors[0].bytes, 0u);
}

TEST(gguf_listing, refuses_other_files) {
  expect_says(message_of<file_error>([] { list_gguf("", "empty"); }), {"empty: header at byte 0", "too short"});
  expect_says(message_of<file_error>([] { list_gguf("GGML and so on", "old"); }), {"expected GGUF", "another kind"});
  expect_says(forged(0, 0, 1).refusal(), {"forged.gguf: header", "version 2 or 3, got 1"});
  expect_says(forged(0, 0, 0x03000000u).refusal(), {"big-endian"});
}

TEST(gguf_listing, counts_are_bounded_by_the_file_before_anything_is_allocated) {
  expect_says(forged(0, huge).refusal(), {"header at byte 24", "18446744073709551615 keys"});
  expect_says(forged(huge, 0).refusal(), {"18446744073709551615 tensors"});
  expect_says(forged(huge, huge).refusal(), {"room for"});
  expect_says(forged(1, 0).refusal(), {"0 keys and 1 tensors"});
}

TEST(gguf_listing, lengths_are_bounded_by_the_rest_of_the_file) {
  expect_says(forged(0, 1).put(huge).data(64).refusal(), {"key 0", "cut short or a length in it is wrong"});
  expect_says(forged(0, 1).key("s", gguf_kind::string).put(huge).data(64).refusal(), {"key \"s\"", "more bytes"});
  for (const gguf_kind kind : {gguf_kind::uint8, gguf_kind::float64, gguf_kind::string}) {
    forged file{0, 1};
    file.key("a", gguf_kind::array).put(static_cast<std::uint32_t>(kind)).put(huge / 2).data(64);
    expect_says(file.refusal(), {"key \"a\" at byte", "elements in the rest of the file", "9223372036854775807"});
  }
  forged strings{0, 1};
  strings.key("a", gguf_kind::array).put(static_cast<std::uint32_t>(gguf_kind::string)).put(std::uint64_t{2});
  strings.put(std::string_view{"fine"}).put(huge).data(64);
  expect_says(strings.refusal(), {"key \"a\"", "more bytes"});
}

TEST(gguf_listing, kinds_are_the_thirteen_and_arrays_do_not_nest) {
  expect_says(forged(0, 1).key("k", static_cast<gguf_kind>(13)).data(64).refusal(), {"thirteen kinds, got 13"});
  forged unknown{0, 1};
  unknown.key("k", gguf_kind::array).put(std::uint32_t{77}).put(std::uint64_t{0}).data(64);
  expect_says(unknown.refusal(), {"thirteen kinds, got 77"});
  forged nested{0, 1};
  nested.key("k", gguf_kind::array);
  for (int depth = 0; depth < 10000; ++depth) {
    nested.put(static_cast<std::uint32_t>(gguf_kind::array)).put(std::uint64_t{1});
  }
  expect_says(nested.refusal(), {"key \"k\"", "an array of arrays"});
}

TEST(gguf_listing, names_are_short_and_come_once) {
  expect_says(forged(0, 1).key("", gguf_kind::uint8).data(64).refusal(), {"key 0", "a name"});
  forged keys{0, 2};
  keys.key("k", gguf_kind::uint8).put(std::uint8_t{1}).key("k", gguf_kind::uint8).put(std::uint8_t{2}).data(8);
  expect_says(keys.refusal(), {"key \"k\"", "each key once, got it again"});
  expect_says(forged(2, 0).tensor("t", {8}, 0).tensor("t", {8}, 32).data(64).refusal(),
              {"tensor \"t\"", "each name once"});
  expect_says(forged(1, 0).tensor(std::string(64, 'n'), {8}, 0).data(64).refusal(), {"at most 63 bytes", "64 bytes"});
  EXPECT_EQ(forged(1, 0).tensor(std::string(63, 'n'), {8}, 0).data(64).list().tensors.size(), 1u);
  expect_says(forged(1, 0).tensor(std::string_view{"a\0b", 3}, {8}, 0).data(64).refusal(), {"none of them zero"});
}

TEST(gguf_listing, alignment_is_a_power_of_two_of_at_least_8) {
  for (const std::uint32_t wrong : {0u, 1u, 4u, 24u, 33u, 0x80000001u}) {
    forged file{0, 1};
    file.key("general.alignment", gguf_kind::uint32).put(wrong).data(64);
    expect_says(file.refusal(), {"general.alignment", "a power of two", std::to_string(wrong)});
  }
  expect_says(forged(0, 1).key("general.alignment", gguf_kind::float32).put(32.0f).data(64).refusal(), {"got float32"});
  forged far{1, 1};  // the data would begin beyond the end
  far.key("general.alignment", gguf_kind::uint32).put(0x80000000u).tensor("t", {1}, 0).data(64);
  expect_says(far.refusal(), {"data at byte", "more bytes"});
  expect_says(forged(1, 0).tensor("t", {1}, 16).data(64).refusal(), {"tensor \"t\"", "multiple of 32, got 16"});
}

TEST(gguf_listing, products_of_extents_do_not_overflow) {
  const std::int64_t big = std::int64_t{1} << 32;
  expect_says(forged(1, 0).tensor("t", {big, big}, 0).data(64).refusal(), {"tensor \"t\"", "fewer than 2^63 numbers"});
  expect_says(forged(1, 0).tensor("t", {0, big, big}, 0).data(64).refusal(), {"fewer than 2^63 numbers"});
  expect_says(forged(1, 0).tensor("t", {big, big / 4}, 0).data(64).refusal(), {"fewer than 2^63 bytes"});
  EXPECT_EQ(forged(1, 0).tensor("t", {big, big / 4}, 0, 999).data(64).list().tensors[0].bytes, 0u);  // of no known size
  expect_says(forged(1, 0).tensor("t", {-8}, 0).data(64).refusal(), {"extents of at least 0, got -8"});
  expect_says(forged(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0).data(64).refusal(), {"at most 4 dimensions, got 5"});
  expect_says(forged(1, 0).tensor("t", {33, 2}, 0, 8).data(128).refusal(), {"whole blocks of 32", "33 columns"});
}

TEST(gguf_listing, tensors_lie_inside_the_file_and_apart) {
  expect_says(forged(1, 0).tensor("t", {17}, 0).data(64).refusal(), {"tensor \"t\"", "68 bytes", "64 bytes of data"});
  expect_says(forged(1, 0).tensor("t", {8}, huge - 31).data(64).refusal(), {"tensor \"t\"", "64 bytes of data"});
  expect_says(forged(2, 0).tensor("a", {16}, 0).tensor("b", {8}, 32).data(64).refusal(),
              {"tensor \"b\"", "also belong to tensor \"a\""});
  expect_says(forged(2, 0).tensor("a", {8}, 32).tensor("b", {8}, 32).data(64).refusal(), {"also belong to"});
  expect_says(forged(2, 0).tensor("a", {16}, 0).tensor("new", {8}, 32, 999).data(64).refusal(), {"also belong to"});
  EXPECT_EQ(forged(2, 0).tensor("a", {8}, 32).tensor("b", {8}, 0).data(64).list().tensors.size(), 2u);
}

}  // namespace
}  // namespace fissile
