#include <fissile/file/json.hpp>

#include "temporary.hpp"

#include <cmath>
#include <limits>

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;
using testing::put;
using testing::temporary_directory;

TEST(json, reads_what_was_written) {
  const temporary_directory directory;
  const json_value value = {{"name", "\u4e2d \"quoted\" \n"},
                            {"big", std::numeric_limits<std::uint64_t>::max()},
                            {"small", std::numeric_limits<std::int64_t>::min()},
                            {"real", 0.1},
                            {"none", nullptr},
                            {"yes", true},
                            {"list", {1, 2, 3}},
                            {"empty", json_value::array()},
                            {"inner", {{"a", {{{"b", 1}}, {{"b", 2}}}}}}};
  write_json(directory / "a.json", value);
  EXPECT_EQ(read_json(directory / "a.json"), value);
  EXPECT_EQ(directory.files(), 1u);
}

TEST(json, a_file_that_is_not_there_is_named) {
  expect_says(message_of<file_error>([] { static_cast<void>(read_json("/no/such.json")); }), {"/no/such.json", "open"});
}

TEST(json, numbers_keep_every_bit) {
  for (const double number : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 0x1p-24}) {
    const auto back = json_as<double>(parse_json(to_text(json_value(number)), "x"), "x");
    EXPECT_EQ(back, number);
    EXPECT_EQ(std::signbit(back), std::signbit(number));
  }
  EXPECT_TRUE(std::isnan(json_as<double>(parse_json(to_text(json_value(std::nan(""))), "x"), "x")));
}

TEST(json, values_of_another_kind_are_refused) {
  const json_value value =
      parse_json(R"({"n": -1, "big": 4294967296, "s": "text", "r": 1.5, "l": [1, "x"], "b": true})", "f");
  EXPECT_EQ(require<int>(value, "n", "f"), -1);
  EXPECT_EQ(require<std::uint64_t>(value, "big", "f"), 4294967296u);
  EXPECT_EQ(require<double>(value, "n", "f"), -1.0);
  EXPECT_EQ(require<std::string>(value, "s", "f"), "text");
  EXPECT_TRUE(require<bool>(value, "b", "f"));
  const auto says = [&](auto&& body) { return message_of<file_error>(body); };
  EXPECT_EQ(says([&] { require<std::uint64_t>(value, "n", "f"); }),
            "f: n: expected a whole number, not negative, got -1");
  EXPECT_EQ(says([&] { require<int>(value, "big", "f"); }), "f: big: expected a whole number, got 4294967296");
  EXPECT_EQ(says([&] { require<int>(value, "r", "f"); }), "f: r: expected a whole number, got 1.5");
  EXPECT_EQ(says([&] { require<double>(value, "s", "f"); }), "f: s: expected a number, got \"text\"");
  EXPECT_EQ(says([&] { require<bool>(value, "n", "f"); }), "f: n: expected true or false, got -1");
  EXPECT_EQ(says([&] { require<std::string>(value, "l", "f"); }), "f: l: expected a string, got array");
  EXPECT_EQ(says([&] { require<std::vector<int>>(value, "l", "f"); }), "f: l[1]: expected a whole number, got \"x\"");
  EXPECT_EQ(says([&] { require<std::vector<int>>(value, "n", "f"); }), "f: n: expected a list, got -1");
  EXPECT_EQ(says([&] { require<int>(value, "x", "f"); }), "f: expected an object with \"x\", got one without");
  EXPECT_EQ(says([&] { require<int>(value["l"], "x", "f"); }), "f: expected an object with \"x\", got array");
}

TEST(json, a_whole_number_beyond_64_bits_is_no_whole_number) {
  EXPECT_THROW(json_as<std::uint64_t>(parse_json("18446744073709551616", "f"), "f"), file_error);
  EXPECT_THROW(json_as<std::int64_t>(parse_json("9223372036854775808", "f"), "f"), file_error);
  EXPECT_EQ(json_as<std::uint64_t>(parse_json("18446744073709551615", "f"), "f"), ~std::uint64_t{0});
}

TEST(json, schema_and_version) {
  const auto check = [](const char* text) {
    return message_of<file_error>([&] { require_schema(parse_json(text, "f"), "fissile.test", 2, "f"); });
  };
  EXPECT_NO_THROW(
      require_schema(parse_json(R"({"schema": "fissile.test", "version": 2})", "f"), "fissile.test", 2, "f"));
  EXPECT_EQ(check(R"({"schema": "other", "version": 1})"), "f: schema: expected fissile.test, got other");
  expect_says(check(R"({"schema": "fissile.test", "version": 3})"), {"f: version: expected from 1 to 2, got 3"});
  expect_says(check(R"({"schema": "fissile.test", "version": 0})"), {"got 0"});
  expect_says(check(R"({"version": 1})"), {"\"schema\""});
  expect_says(check("[]"), {"\"schema\"", "array"});
}

TEST(json, what_a_value_refuses_is_the_files_fault) {
  EXPECT_EQ(message_of<file_error>([] { as_file_error("f", []() -> int { fail<setting_error>("wrong"); }); }),
            "f: wrong");
  EXPECT_EQ(message_of<file_error>([] { as_file_error("f", []() -> int { fail<shape_error>("wrong"); }); }),
            "f: wrong");
  EXPECT_EQ(message_of<file_error>([] { as_file_error("f", []() -> int { fail<file_error>("g: bad"); }); }), "g: bad");
  EXPECT_EQ(as_file_error("f", [] { return 3; }), 3);
}

}  // namespace
}  // namespace fissile
