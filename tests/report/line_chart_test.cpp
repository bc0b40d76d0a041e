#include <fissile/report/line_chart.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "report/well_formed.hpp"

#include <fissile/base/random.hpp>

#include <cmath>
#include <limits>

namespace fissile {
namespace {

using testing::occurrences;

constexpr double gap = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

line_chart chart_of(std::vector<chart_series> series) {
  return {.title = "title", .notes = {}, .x_axis = "rate", .y_axis = "bits per byte", .series = std::move(series)};
}

TEST(line_chart, draws_names_points_and_bars) {
  const std::string xml =
      to_svg(chart_of({{"own <&>", {{0, 1.8}, {0.25, 2, 0.1}, {0.5, 2.7, 0.3}}}, {"most", {{0, 1.8}}}}));
  EXPECT_EQ(testing::not_well_formed(xml), "");
  EXPECT_EQ(occurrences(xml, ">own &lt;&amp;&gt;</text>"), 1u);
  EXPECT_EQ(occurrences(xml, "<circle"), 4u) << "three points and one of the legend";
  EXPECT_EQ(occurrences(xml, "stroke-width=\"1.2\""), 6u) << "two bars of three lines each";
  EXPECT_EQ(occurrences(xml, "stroke-dasharray"), 2u) << "the second series, and its legend";
  for (const char* text : {">rate<", ">bits per byte<", ">title<", ">0.5<"})
    EXPECT_GT(occurrences(xml, text), 0u) << text;
}

TEST(line_chart, an_unknown_value_breaks_the_line) {
  const std::string xml = to_svg(chart_of({{"a", {{0, 1}, {1, 2}, {2, gap}, {3, 1}, {4, 2}}}}));
  EXPECT_EQ(testing::not_well_formed(xml), "");
  const std::size_t path = xml.find("<path d=\"M");
  const std::string moves = xml.substr(path, xml.find('>', path) - path);
  EXPECT_EQ(occurrences(moves, "M"), 2u);
  EXPECT_EQ(occurrences(moves, "L"), 2u);
  EXPECT_EQ(xml.find("nan"), xml.npos);
}

TEST(line_chart, any_numbers_stay_within_the_page) {
  random_source random{33};
  for (int round = 0; round < 200; ++round) {
    const double scale = std::exp(80 * (random.uniform() - 0.5)),
                 offset = random.below(2) == 0 ? 0 : random.normal() * scale;
    std::vector<chart_series> series;
    for (index_t s = random.below(9); s >= 0; --s) {
      chart_series one{"series " + std::to_string(s), {}};
      for (index_t i = random.below(6); i >= 0; --i) {
        one.points.push_back({offset + scale * random.uniform(), offset + scale * random.normal(),
                              random.below(2) == 0 ? 0 : scale * random.uniform()});
      }
      series.push_back(std::move(one));
    }
    const std::string xml = to_svg(chart_of(std::move(series)));
    ASSERT_EQ(testing::not_well_formed(xml), "");
    for (const std::string name : {" x=\"", " x1=\"", " cx=\"", " y=\"", " y1=\"", " y2=\"", " cy=\""}) {
      const double most = name[1] == 'x' || name[2] == 'x' ? 960 : 640;
      for (std::size_t at = xml.find(name); at != xml.npos; at = xml.find(name, at + 1)) {
        const double value = std::stod(xml.substr(at + name.size()));
        ASSERT_GE(value, 0) << name;
        ASSERT_LE(value, most) << name;
      }
    }
  }
}

TEST(line_chart, axes_hold_all_numbers_in_a_few_pleasant_steps) {
  random_source random{34};
  for (int round = 0; round < 1000; ++round) {
    const double scale = std::exp(80 * (random.uniform() - 0.5));
    const double least = scale * random.normal(), most = least + scale * random.uniform();
    const chart_axis axis = chart_axis::around(least, most, 6);
    EXPECT_LE(axis.low, least + axis.step * 1e-9);
    EXPECT_GE(axis.high, most - axis.step * 1e-9);
    EXPECT_GE(axis.ticks(), 2);
    EXPECT_LE(axis.ticks(), 10);
  }
  EXPECT_EQ(chart_axis::around(0, 0.5, 8).ticks(), 6);
  EXPECT_EQ(chart_axis::around(0, 0.5, 8).tick(0), 0.0);
  EXPECT_LT(chart_axis::around(2, 2, 6).low, 2);
  EXPECT_GT(chart_axis::around(2, 2, 6).high, 2);
  EXPECT_GT(chart_axis::around(0, 0, 6).high, 0);
}

TEST(line_chart, what_cannot_be_drawn_is_refused) {
  const auto refusal = [](std::vector<chart_series> series) {
    return testing::refusal<setting_error>([&] { static_cast<void>(to_svg(chart_of(series))); });
  };
  EXPECT_NE(refusal({}).find("got none"), std::string::npos);
  EXPECT_NE(refusal({{"a", {{0, gap}}}}).find("got none"), std::string::npos);
  EXPECT_NE(refusal({{"a", {{0, infinite}}}}).find("(0, inf +- 0) in a"), std::string::npos);
  EXPECT_NE(refusal({{"a", {{gap, 1}}}}).find("in a"), std::string::npos);
  EXPECT_NE(refusal({{"a", {{0, 1, -1}}}}).find("+- -1"), std::string::npos);
  EXPECT_NE(refusal({{"a", {{0, 1, gap}}}}).find("in a"), std::string::npos);
  EXPECT_NE(refusal({{"a", {{0, -1e308}, {1, 1.7e308}}}}).find("too far apart"), std::string::npos);
}

TEST(line_chart, numbers_that_differ_by_rounding_alone_are_one) {
  const double y = 3.6897531676891187;
  const line_chart chart = chart_of({{"a", {{0, y}, {1, std::nextafter(y, 4)}}}});
  EXPECT_EQ(occurrences(to_svg(chart), "<svg"), 1);
  const chart_axis axis = chart_axis::around(y, std::nextafter(std::nextafter(y, 4), 4), 5);
  EXPECT_LT(axis.low, y);
  EXPECT_GT(axis.high, y);
  EXPECT_LE(axis.ticks(), 12);
}

}  // namespace
}  // namespace fissile
