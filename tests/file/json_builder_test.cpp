#include <fissile/file/json.hpp>
#include <fissile/file/json_builder.hpp>

#include "temporary.hpp"

#include <fissile/base/random.hpp>

namespace fissile {
namespace {

std::string refusal(const std::string& text) {
  return testing::message_of<file_error>([&] { static_cast<void>(parse_json(text, "f")); });
}

TEST(json_builder, builds_what_the_usual_parser_builds) {
  for (const std::string text : {"null", "true", " 3 ", "-7", "1e3", "\"a\\u00e9\"", "[]", "{}", "[[],{},[1,[2]]]",
                                 R"({"b": 1, "a": [1, {"x": null, "y": [false]}], "c": {"b": {}}})"}) {
    EXPECT_EQ(parse_json(text, "f"), json_value::parse(text)) << text;
  }
  EXPECT_EQ(parse_json(R"({"b":1,"a":2})", "f").dump(), R"({"b":1,"a":2})") << "entries keep their order";
}

TEST(json_builder, a_key_given_twice_is_refused_at_its_byte) {
  EXPECT_EQ(refusal(R"({"a": 1, "a": 2})"), "f: byte 12: the key \"a\" is given twice");
  testing::expect_says(refusal(R"([{"x": {"k": [], "l": 1, "k": 2}}])"), {"\"k\""});
  EXPECT_NO_THROW(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])", "f")) << "the same key in another object is another key";
}

TEST(json_builder, what_is_no_json_is_refused_with_its_place) {
  testing::expect_says(refusal(""), {"f: byte 0", "unexpected end of input"});
  testing::expect_says(refusal("{\"a\":\n  tru}"), {"line 2, column 6"});
  for (const char* text : {"{", "[1,]", "{\"a\" 1}", "[1] 2", "'a'", "nul", "\"\x01\"", "\"\xff\"", "1e999", "01",
                           "NaN", "{1: 2}", "// x\n1", "\"\\ud800\"", "[1 2]", "\xef\xbb"}) {
    testing::expect_says(refusal(text), {"f: byte "});
  }
}

TEST(json_builder, deep_nesting_is_refused_before_it_costs_anything) {
  const std::string deep(1 << 20, '[');
  testing::expect_says(refusal(deep), {"f: byte 33", "nested deeper than 32"});
  std::string objects;
  for (int i = 0; i < 40; ++i) objects += "{\"a\":";
  testing::expect_says(refusal(objects), {"nested deeper than 32"});
  EXPECT_NO_THROW(parse_json(std::string(32, '[') + std::string(32, ']'), "f"));
}

TEST(json_builder, many_keys_are_checked_in_reasonable_time) {
  std::string text = "{";
  for (int i = 0; i < 50000; ++i) text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(parse_json(text + "}", "f").size(), 50000u);
  testing::expect_says(refusal(text + ",\"123\":0}"), {"\"123\" is given twice"});
}

TEST(json_builder, any_cut_and_any_changed_byte_is_a_value_or_a_file_error) {
  const std::string good = R"({"schema": "x", "list": [1, -2, 3.5e-7, "\u00e9", null, true], "inner": {"a": {}}})";
  random_source random{20};
  int values = 0, refusals = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = good.substr(0, to_size(random.below(length(good) + 1)));
    for (index_t change = random.below(3); change > 0 && !text.empty(); --change) {
      text[to_size(random.below(length(text)))] = static_cast<char>(random.below(256));
    }
    if (round % 2 == 0) text += good.substr(text.size());
    try {
      static_cast<void>(parse_json(text, "f"));
      ++values;
    } catch (const file_error&) {
      ++refusals;
    }
  }
  EXPECT_GT(values, 100);
  EXPECT_GT(refusals, 2000);
}

}  // namespace
}  // namespace fissile
