// A tree of things that came together, as SVG: names at the right, the distance of each merge along the axis.
#pragma once

#include <fissile/count/clustering.hpp>
#include <fissile/report/line_chart.hpp>
#include <fissile/report/svg.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace fissile::babel_study {

struct dendrogram_leaf {
  std::string name;
  std::string colour = "#1a1a1a";
};

struct dendrogram {
  std::string title;
  std::vector<std::string> notes;
  std::string axis = "distance";
  std::vector<dendrogram_leaf> leaves;  // [things]
  std::vector<merge_step> steps;        // of average_linkage
};

/// The things in the order in which a tree draws them: none of its lines cross.
inline std::vector<index_t> drawing_order(const std::vector<merge_step>& steps) {
  const index_t things = length(steps) + 1;
  std::vector<std::vector<index_t>> members;
  for (index_t thing = 0; thing < things; ++thing) members.push_back({thing});
  for (const merge_step& step : steps) {
    std::vector<index_t> both = members[to_size(step.first)];
    const std::vector<index_t>& more = members[to_size(step.second)];
    both.insert(both.end(), more.begin(), more.end());
    members.push_back(std::move(both));
  }
  return members.back();
}

inline std::string to_svg(const dendrogram& tree) {
  constexpr double width = 960, margin = 20, row = 24, names = 200;
  std::string out;
  double y = margin - 4;
  out += svg::text(margin, y += 20, tree.title, {.size = 20, .extra = "font-weight=\"bold\""});
  y += 6;
  for (const std::string& note : tree.notes) {
    for (const std::string& line : svg::wrapped(note, 13, width - 2 * margin)) {
      out += svg::text(margin, y += 17, line, {.size = 13, .extra = "fill=\"#4d4d4d\""});
    }
  }
  const double top = y + 24, right = width - margin - names,
               bottom = top + row * static_cast<double>(tree.leaves.size());
  double most = 0;
  for (const merge_step& step : tree.steps) most = std::max(most, step.distance);
  const chart_axis axis = chart_axis::around(0, most, 6);
  const auto across = [&](double distance) { return right - (right - margin) * distance / axis.high; };

  std::vector<svg::point> at(tree.leaves.size());  // where each cluster's line ends
  const std::vector<index_t> order = drawing_order(tree.steps);
  for (index_t place = 0; place < length(order); ++place) {
    const index_t thing = order[to_size(place)];
    const double middle = top + row * (static_cast<double>(place) + 0.5);
    at[to_size(thing)] = {right, middle};
    const dendrogram_leaf& leaf = tree.leaves[to_size(thing)];
    out += svg::text(right + 10, middle + 5, leaf.name, {.size = 14, .extra = "fill=\"" + leaf.colour + "\""});
  }
  const std::string stroke = "stroke=\"#0072b2\" stroke-width=\"1.6\"";
  for (const merge_step& step : tree.steps) {
    const svg::point a = at[to_size(step.first)], b = at[to_size(step.second)];
    const double x = across(step.distance);
    out += svg::line(a, {x, a.y}, stroke) + svg::line(b, {x, b.y}, stroke) + svg::line({x, a.y}, {x, b.y}, stroke);
    at.push_back({x, (a.y + b.y) / 2});
  }
  for (int i = 0; i < axis.ticks(); ++i) {
    const double x = across(axis.tick(i));
    out += svg::line({x, bottom}, {x, bottom + 4}, "stroke=\"#4d4d4d\"");
    out += svg::text(x, bottom + 18, svg::number(axis.tick(i)), {.at = svg::anchor::middle});
  }
  out += svg::text((margin + right) / 2, bottom + 38, tree.axis,
                   {.size = 13, .at = svg::anchor::middle, .extra = "font-style=\"italic\""});
  return svg::document(width, bottom + 52, tree.title, out);
}

}  // namespace fissile::babel_study
