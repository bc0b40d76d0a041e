#include <fissile/report/heat_map.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "report/well_formed.hpp"

#include <fissile/base/random.hpp>

#include <limits>

namespace fissile {
namespace {

using testing::occurrences;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

heat_map one_row(std::vector<double> values) {
  heat_map map{.title = "title", .notes = {}, .row_axis = "", .groups = {{.name = "layer 0", .rows = {}}}};
  map.groups[0].rows.push_back({"en", std::move(values)});
  return map;
}

heat_map random_map(random_source& random, index_t groups, index_t columns) {
  heat_map map{.title = "a <title>", .notes = {"a note & more"}, .row_axis = "layer, language", .groups = {}};
  for (index_t g = 0; g < groups; ++g) {
    heat_map_group group{.name = "layer " + std::to_string(g), .rows = {}};
    for (index_t r = random.below(9); r >= 0; --r) {
      heat_map_row row{.name = "\u4e2d" + std::to_string(r), .values = {}};
      for (index_t c = 0; c < columns; ++c) row.values.push_back(random.below(20) == 0 ? unknown : random.uniform());
      group.rows.push_back(std::move(row));
    }
    map.groups.push_back(std::move(group));
  }
  return map;
}

/// The numbers behind `name="` in all elements that begin with `element`.
std::vector<double> attributes(const std::string& xml, const std::string& element, const std::string& name) {
  std::vector<double> found;
  for (std::size_t at = xml.find(element); at != xml.npos; at = xml.find(element, at + 1)) {
    const std::size_t value = xml.find(" " + name + "=\"", at);
    if (value < xml.find('>', at)) found.push_back(std::stod(xml.substr(value + name.size() + 3)));
  }
  return found;
}

TEST(heat_map, every_value_is_drawn_once_and_nothing_leaves_the_page) {
  random_source random{30};
  for (int round = 0; round < 30; ++round) {
    const heat_map map = random_map(random, 1 + random.below(10), 1 + random.below(200));
    const std::string xml = to_svg(map);
    EXPECT_EQ(testing::not_well_formed(xml), "");
    std::size_t values = 0, names = 0;
    for (const heat_map_group& group : map.groups) {
      for (const heat_map_row& row : group.rows) {
        values += row.values.size();
        names += occurrences(xml, ">" + row.name + "</text>") > 0 ? 1 : 0;
      }
      EXPECT_EQ(occurrences(xml, ">" + group.name + "</text>"), 1u);
    }
    EXPECT_EQ(occurrences(xml, "z\"/>") + occurrences(xml, "zM"), values);
    EXPECT_GT(names, 0u);
    const double width = attributes(xml, "<svg", "width")[0], height = attributes(xml, "<svg", "height")[0];
    EXPECT_EQ(width, 1200);
    for (const double x : attributes(xml, "<text", "x")) EXPECT_TRUE(x >= 0 && x <= width);
    for (const double y : attributes(xml, "<text", "y")) EXPECT_TRUE(y >= 10 && y <= height - 10);
    for (const double size : attributes(xml, "<text", "font-size")) EXPECT_GE(size, 11) << "readable";
    EXPECT_EQ(xml.find("nan"), xml.npos);
    EXPECT_EQ(xml.find("inf"), xml.npos);
    EXPECT_EQ(to_svg(map), xml);
  }
}

TEST(heat_map, colours_follow_the_values) {
  heat_map map = one_row({0, 0.5, 1});
  map.maximum = 1;
  const std::string xml = to_svg(map);
  EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(0)) + "\""), 1u);
  EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(1)) + "\""), 1u);
  EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(128 / 255.0)) + "\""), 1u);
  EXPECT_EQ(occurrences(xml, "<path"), 3u);
}

TEST(heat_map, what_is_not_known_is_hatched_and_explained) {
  const std::string with = to_svg(one_row({0, unknown})), without = to_svg(one_row({0, 1}));
  EXPECT_EQ(occurrences(with, "<path fill=\"url(#unknown)\""), 1u);
  EXPECT_EQ(occurrences(with, ">not known</text>"), 1u);
  EXPECT_EQ(occurrences(without, "unknown"), 0u);
  EXPECT_EQ(testing::not_well_formed(to_svg(one_row({unknown, unknown}))), "") << "nothing known at all";
}

TEST(heat_map, the_legend_ends_at_the_maximum) {
  EXPECT_EQ(occurrences(to_svg(one_row({0, 0.38})), ">0.4</text>"), 1u);
  EXPECT_EQ(occurrences(to_svg(one_row({0, 0})), ">1</text>"), 2u) << "of the legend and of column 1";
  heat_map map = one_row({0, 7});
  map.maximum = 3.5;
  EXPECT_EQ(occurrences(to_svg(map), ">\u2265 3.5</text>"), 1u) << "larger values are drawn as the maximum";
  EXPECT_EQ(occurrences(to_svg(map), "<path fill=\"" + to_string(viridis(1)) + "\""), 1u);
}

TEST(heat_map, extreme_values_are_drawn) {
  for (const double value : {5e-324, 1e-310, 1e300, std::numeric_limits<double>::max()}) {
    const std::string xml = to_svg(one_row({0, value}));
    EXPECT_EQ(testing::not_well_formed(xml), "");
    EXPECT_EQ(xml.find("inf"), xml.npos) << value;
    EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(1)) + "\""), 1u) << value;
  }
}

TEST(heat_map, rows_may_differ_in_length_and_columns_in_number) {
  heat_map map = one_row({0.1, 0.2, 0.3});
  map.groups.push_back({"layer 1", {{"en", {0.1}}, {"de", {}}}});
  map.groups.push_back({"empty", {}});
  const std::string xml = to_svg(map);
  EXPECT_EQ(occurrences(xml, "z\"/>") + occurrences(xml, "zM"), 4u);
  EXPECT_EQ(occurrences(xml, ">empty</text>"), 0u);
  const std::string wide = to_svg(one_row(std::vector<double>(3000, 0.5)));
  EXPECT_GT(attributes(wide, "<svg", "width")[0], 3000) << "a column is at least one pixel";
}

TEST(heat_map, column_numbers_do_not_run_into_each_other) {
  for (const std::size_t columns : {1u, 8u, 48u, 100u, 172u, 500u, 1500u}) {
    const std::string xml = to_svg(one_row(std::vector<double>(columns, 0.5)));
    std::vector<double> ticks;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t at = xml.find(" font-size=\"12\" text-anchor=\"middle\">" + std::to_string(column) + "</text>");
      if (at == xml.npos || xml.find("fill=\"#440154\"") < at) continue;
      ticks.push_back(std::stod(xml.substr(xml.rfind("x=\"", at) + 3)));
    }
    EXPECT_GE(ticks.size(), std::min<std::size_t>(columns, 5));
    for (std::size_t i = 1; i < ticks.size(); ++i) EXPECT_GE(ticks[i] - ticks[i - 1], 16);
  }
}

TEST(heat_map, the_scale_may_begin_anywhere) {
  heat_map map = one_row({-0.5, 0.25, 1});
  map.minimum = -0.5;
  const std::string xml = to_svg(map);
  EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(0)) + "\""), 1u);
  EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(128 / 255.0)) + "\""), 1u);
  EXPECT_EQ(occurrences(xml, "<path fill=\"" + to_string(viridis(1)) + "\""), 1u);
  for (const char* tick : {">-0.5</text>", ">-0.125</text>", ">0.25</text>", ">0.625</text>"}) {
    EXPECT_EQ(occurrences(xml, tick), 1u) << tick;
  }
  map.minimum = 0;
  EXPECT_THROW(static_cast<void>(to_svg(map)), setting_error);
  heat_map equal = one_row({1, 1});
  equal.minimum = 1;
  EXPECT_EQ(occurrences(to_svg(equal), "<path fill=\"" + to_string(viridis(0)) + "\""), 1u) << "from 1 to 2";
}

TEST(heat_map, columns_have_names_side_by_side_or_turned) {
  heat_map map = one_row({0.1, 0.2, 0.3});
  map.columns = {"en", "d<e"};
  const std::string xml = to_svg(map);
  for (const char* name : {">en</text>", ">d&lt;e</text>", ">2</text>"}) EXPECT_GE(occurrences(xml, name), 1u) << name;
  EXPECT_EQ(occurrences(xml, "rotate"), 0u);
  heat_map many = one_row(std::vector<double>(40, 0.5));
  for (int i = 0; i < 40; ++i) many.columns.push_back("language " + std::to_string(i));
  const std::string turned = to_svg(many);
  EXPECT_EQ(testing::not_well_formed(turned), "");
  EXPECT_EQ(occurrences(turned, "rotate(90 "), 40u);
  many.columns.clear();
  EXPECT_LT(attributes(to_svg(many), "<svg", "height")[0], attributes(turned, "<svg", "height")[0]);
}

TEST(heat_map, what_cannot_be_drawn_is_refused) {
  const double infinite = std::numeric_limits<double>::infinity();
  const auto refusal = [](const heat_map& map) {
    return testing::refusal<setting_error>([&] { static_cast<void>(to_svg(map)); });
  };
  EXPECT_NE(refusal({.title = "x", .notes = {}, .row_axis = "", .groups = {}}).find("no values"), std::string::npos);
  EXPECT_NE(refusal(one_row({})).find("no values"), std::string::npos);
  EXPECT_NE(refusal(one_row({0, -0.5})).find("-0.5 in row layer 0 en"), std::string::npos);
  EXPECT_NE(refusal(one_row({infinite})).find("inf in row"), std::string::npos);
  for (const double maximum : {-1.0, infinite, unknown}) {
    heat_map map = one_row({1});
    map.maximum = maximum;
    EXPECT_NE(refusal(map).find("a maximum of"), std::string::npos);
  }
}

}  // namespace
}  // namespace fissile
