// The floors: includes go down only, the headers' list equals the folder, and the core needs no more than it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

const std::filesystem::path source{FISSILE_SOURCE_DIR};
const std::vector<std::string> floors{"base",  "weights", "partition", "pack",  "route",  "run",
                                      "count", "detect",  "prune",     "train", "recipes"};

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::filesystem::path> headers() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source / "include")) {
    if (entry.path().extension() == ".hpp") found.push_back(std::filesystem::relative(entry.path(), source));
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// "route" for include/fissile/route/top_k.hpp, "" for include/fissile/fissile.hpp.
std::string folder_of(const std::filesystem::path& header) {
  const std::string inside = std::filesystem::relative(header, "include/fissile").generic_string();
  const std::size_t slash = inside.find('/');
  return slash == std::string::npos ? "" : inside.substr(0, slash);
}

std::vector<std::string> includes(const std::filesystem::path& header) {
  const std::string text = text_of(source / header);
  const std::regex include(R"(#include <([^>]+)>)");
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

std::ptrdiff_t floor_of(const std::string& folder) {
  const auto at = std::find(floors.begin(), floors.end(), folder);
  return at == floors.end() ? -1 : at - floors.begin();
}

TEST(architecture, includes_go_down_only) {
  ASSERT_GT(headers().size(), 40u);
  for (const auto& header : headers()) {
    const std::string folder = folder_of(header);
    for (const std::string& name : includes(header)) {
      if (name.rfind("fissile/", 0) != 0) continue;
      const std::string other = folder_of("include/" + name);
      if (floor_of(folder) >= 0) {
        EXPECT_LE(floor_of(other), floor_of(folder)) << header << " includes " << name;
        EXPECT_GE(floor_of(other), 0) << header << " includes " << name << ", which is no floor below it";
      }
      EXPECT_TRUE(other != "with" || folder == "with") << header << " includes the rim: " << name;
    }
  }
}

TEST(architecture, the_core_needs_only_its_three_packages_and_base_not_even_eigen) {
  for (const auto& header : headers()) {
    const std::string folder = folder_of(header);
    for (const std::string& name : includes(header)) {
      if (name.rfind("fmt/", 0) == 0) {
        EXPECT_TRUE(folder == "with") << header << " includes " << name;
      }
      if (name.rfind("Eigen/", 0) == 0) {
        EXPECT_TRUE(folder == "with" || folder == "train" || folder == "recipes") << header << " includes " << name;
      }
      if (name.rfind("nlohmann/", 0) == 0) {
        EXPECT_EQ(folder, "file") << header << " includes " << name;
      }
      EXPECT_NE(name, "random") << header << ": results would differ between standard libraries";
      EXPECT_NE(name, "iostream") << header << ": static constructors in every user";
    }
  }
}

TEST(architecture, the_table_of_contents_holds_every_header_of_the_floors) {
  const std::vector<std::string> listed = includes("include/fissile/fissile.hpp");
  std::set<std::string> reachable(listed.begin(), listed.end());
  for (std::size_t before = 0; before != reachable.size();) {
    before = reachable.size();
    for (const std::string& name : std::set<std::string>(reachable)) {
      if (name.rfind("fissile/", 0) != 0) continue;
      for (const std::string& next : includes("include/" + name)) reachable.insert(next);
    }
  }
  for (const auto& header : headers()) {
    if (floor_of(folder_of(header)) < 0) continue;
    EXPECT_TRUE(reachable.count(std::filesystem::relative(header, "include").generic_string()) == 1)
        << header << " cannot be reached from fissile.hpp";
  }
}

TEST(architecture, the_build_lists_exactly_the_headers_there_are) {
  const std::string build = text_of(source / "CMakeLists.txt");
  const std::regex listed(R"(\n\s+(include/fissile/[a-z0-9_/]+\.hpp))");
  std::vector<std::filesystem::path> names;
  for (std::sregex_iterator it(build.begin(), build.end(), listed), end; it != end; ++it) names.emplace_back((*it)[1]);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, headers());
}

TEST(architecture, the_top_level_is_what_it_should_be) {
  const std::set<std::string> allowed{"CMakeLists.txt", "include", "examples", "tests",
                                      "bench",          "docs",    "LICENSE",  "README.md"};
  for (const auto& entry : std::filesystem::directory_iterator(source)) {
    const std::string name = entry.path().filename().string();
    const bool built = name.rfind("build", 0) == 0 || name == "study";
    EXPECT_TRUE(allowed.count(name) == 1 || name[0] == '.' || built) << name;
  }
}

TEST(architecture, headers_are_short_and_begin_with_their_idea) {
  for (const auto& header : headers()) {
    const std::string text = text_of(source / header);
    EXPECT_EQ(text.rfind("// ", 0), 0u) << header;
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 300) << header;
    EXPECT_NE(text.find("#pragma once"), std::string::npos) << header;
  }
}

}  // namespace
