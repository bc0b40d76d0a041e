#include <fissile/report/svg.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "report/well_formed.hpp"

#include <fissile/base/random.hpp>

#include <clocale>
#include <limits>

namespace fissile {
namespace {

TEST(svg, numbers_are_short) {
  EXPECT_EQ(svg::number(0.25), "0.25");
  EXPECT_EQ(svg::number(1.0 / 3), "0.333");
  EXPECT_EQ(svg::number(-0.0), "0");
  EXPECT_EQ(svg::number(1234.5678, 6), "1234.57");
  EXPECT_EQ(svg::number(1e9), "1e+09");
  EXPECT_EQ(svg::number(std::numeric_limits<double>::infinity()), "inf");
}

TEST(svg, coordinates_are_rounded_to_a_hundredth_and_finite) {
  EXPECT_EQ(svg::pixels(12.3456), "12.35");
  EXPECT_EQ(svg::pixels(123456.78), "123456.78");
  EXPECT_EQ(svg::pixels(-0.001), "0");
  EXPECT_CONTRACT(svg::pixels(std::numeric_limits<double>::infinity()));
  EXPECT_CONTRACT(svg::pixels(std::numeric_limits<double>::quiet_NaN()));
}

TEST(svg, a_locale_with_commas_changes_nothing) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) std::setlocale(LC_ALL, name);
  EXPECT_EQ(svg::pixels(1.5), "1.5");
  std::setlocale(LC_ALL, before.c_str());
}

TEST(svg, markup_is_escaped) {
  EXPECT_EQ(svg::escaped("a < b & c > \"d\""), "a &lt; b &amp; c &gt; &quot;d&quot;");
  EXPECT_EQ(svg::escaped("line\nend\ttab"), "line end tab");
  EXPECT_EQ(svg::escaped("\u4e2d"), "\u4e2d");
  EXPECT_EQ(svg::escaped(std::string_view("\0\x1b\x7f\xff", 4)), "\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(svg::escaped("\uffff\ufffd"), "\ufffd\ufffd");
}

TEST(svg, any_bytes_make_a_well_formed_document) {
  random_source random{27};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (index_t i = random.below(40); i > 0; --i) {
      text += random.below(3) == 0 ? "<>&\"'\n\xc3\xa9]"[random.below(9)] : static_cast<char>(random.below(256));
    }
    const std::string document = svg::document(10, 10, text, svg::text(1, 2, text));
    EXPECT_EQ(testing::not_well_formed(document), "") << document;
  }
}

TEST(svg, long_texts_are_shortened_between_characters) {
  EXPECT_EQ(svg::shortened("short", 10, 100), "short");
  const std::string cut = svg::shortened("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", 10, 30);
  EXPECT_EQ(cut, "\u00e9\u00e9\u00e9\u00e9\u2026");
  EXPECT_LE(svg::text_width(cut, 10), 30);
  EXPECT_EQ(svg::shortened("abc", 10, 1), "\u2026");
  EXPECT_EQ(svg::shortened("", 10, 0), "");
}

TEST(svg, texts_are_wrapped_at_spaces) {
  EXPECT_EQ(svg::wrapped("one two three", 10, 1000), (std::vector<std::string>{"one two three"}));
  EXPECT_EQ(svg::wrapped("one two three", 10, 45), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(svg::wrapped("", 10, 45), (std::vector<std::string>{""}));
  random_source random{28};
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (index_t i = random.below(60); i > 0; --i) text += "ab \u4e2d"[random.below(3)];
    for (const std::string& line : svg::wrapped(text, 10, 60)) EXPECT_LE(svg::text_width(line, 10), 60);
  }
}

TEST(svg, axes_end_at_pleasant_numbers) {
  EXPECT_EQ(svg::round_up(0), 1);
  EXPECT_EQ(svg::round_up(1), 1);
  EXPECT_DOUBLE_EQ(svg::round_up(0.38), 0.4);
  EXPECT_DOUBLE_EQ(svg::round_up(0.973), 1);
  EXPECT_DOUBLE_EQ(svg::round_up(130), 160);
  random_source random{29};
  for (int round = 0; round < 2000; ++round) {
    const double value = std::exp(600 * (random.uniform() - 0.5));
    EXPECT_GE(svg::round_up(value), value);
    EXPECT_LE(svg::round_up(value), value * 1.3334);
  }
  for (const double value : {5e-324, 1e-310, 1.7976931348623157e308}) EXPECT_EQ(svg::round_up(value), value);
}

}  // namespace
}  // namespace fissile
