#include <fissile/file/json_text.hpp>

#include "temporary.hpp"

#include <limits>

namespace fissile {
namespace {

TEST(json_text, an_entry_a_line_and_lists_of_numbers_in_one) {
  const json_value value = {
      {"name", "x"}, {"list", {1, 2.5, "s"}}, {"none", json_value::array()}, {"rows", {{{"a", 1}}, {{"a", 2}}}}};
  EXPECT_EQ(to_text(value), R"({
  "name": "x",
  "list": [1, 2.5, "s"],
  "none": [],
  "rows": [
    {
      "a": 1
    },
    {
      "a": 2
    }
  ]
}
)");
  EXPECT_EQ(to_text(json_value(3)), "3\n");
  EXPECT_EQ(to_text(json_value::object()), "{}\n");
}

TEST(json_text, keys_and_strings_are_escaped) {
  EXPECT_EQ(scalar_text(json_value("a\"b\\\n\x01")), R"("a\"b\\\n\u0001")");
  EXPECT_EQ(to_text(json_value{{"a\"b", 1}}), "{\n  \"a\\\"b\": 1\n}\n");
}

TEST(json_text, what_json_has_no_number_for_is_null) {
  EXPECT_EQ(scalar_text(json_value(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(scalar_text(json_value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(scalar_text(json_value(~std::uint64_t{0})), "18446744073709551615");
}

TEST(json_text, broken_utf8_is_refused_instead_of_changed) {
  EXPECT_EQ(scalar_text(json_value("\u4e2d\ufffd")), "\"\u4e2d\ufffd\"") << "the replacement character itself is fine";
  testing::expect_says(testing::message_of<file_error>([] {
                         static_cast<void>(to_text(json_value{{"a", "\xff"}}));
                       }),
                       {"expected UTF-8"});
  EXPECT_THROW(static_cast<void>(to_text(json_value{{"\xc3", 1}})), file_error);
  EXPECT_THROW(static_cast<void>(scalar_text(json_value("\ufffd\xff"))), file_error) << "both at once";
}

}  // namespace
}  // namespace fissile
