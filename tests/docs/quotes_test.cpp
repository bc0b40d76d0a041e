// Documentation shows no code that is not run: every C++ block of README and docs is a region of an example.
//
//   <!-- quote: examples/01_first.cpp [readme] -->      then a ```cpp block, equal to the lines between two `//
//   [readme]`
//   <!-- quote: examples/01_first.output -->            then a ```text block, equal to the whole file
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

const std::filesystem::path source{FISSILE_SOURCE_DIR};

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::filesystem::path> pages() {
  std::vector<std::filesystem::path> found{source / "README.md"};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source / "docs")) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  return found;
}

/// The lines between the two markers, with the indentation that all of them share taken away.
std::string region(const std::vector<std::string>& lines, const std::string& name) {
  const std::string marker = "// [" + name + "]";
  std::vector<std::string> inside;
  int seen = 0;
  for (const std::string& line : lines) {
    if (line.find(marker) != std::string::npos) {
      ++seen;
    } else if (seen == 1) {
      inside.push_back(line);
    }
  }
  EXPECT_EQ(seen, 2) << "markers of region " << name;
  std::size_t indent = std::string::npos;
  for (const std::string& line : inside) {
    if (!line.empty()) indent = std::min(indent, line.find_first_not_of(' '));
  }
  std::string text;
  for (const std::string& line : inside) text += (line.empty() ? line : line.substr(indent)) + "\n";
  return text;
}

std::string quoted(const std::string& what) {
  const std::regex with_region(R"((\S+) \[(.+)\])");
  std::smatch match;
  if (std::regex_match(what, match, with_region)) return region(lines_of(source / match[1].str()), match[2]);
  std::string text;
  for (const std::string& line : lines_of(source / what)) text += line + "\n";
  return text;
}

TEST(docs, every_code_block_is_quoted_from_a_file_that_ci_runs) {
  const std::regex quote(R"(<!-- quote: (.+) -->)");
  int quotes = 0;
  for (const auto& page : pages()) {
    const std::vector<std::string> lines = lines_of(page);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i] == "```cpp") {
        EXPECT_TRUE(i > 0 && std::regex_match(lines[i - 1], quote)) << page << ":" << i + 1 << " quotes nothing";
      }
      std::smatch match;
      if (!std::regex_match(lines[i], match, quote)) continue;
      ++quotes;
      std::string block;
      for (std::size_t j = i + 2; j < lines.size() && lines[j] != "```"; ++j) block += lines[j] + "\n";
      EXPECT_EQ(block, quoted(match[1])) << page << ":" << i + 1;
    }
  }
  EXPECT_GT(quotes, 3);
}

TEST(docs, links_lead_to_files_that_exist) {
  const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  int links = 0;
  for (const auto& page : pages()) {
    bool code = false;
    for (const std::string& line : lines_of(page)) {
      if (line.rfind("```", 0) == 0) code = !code;
      if (code) continue;
      for (std::sregex_iterator it(line.begin(), line.end(), link), end; it != end; ++it) {
        ++links;
        EXPECT_TRUE(std::filesystem::exists(page.parent_path() / (*it)[1].str())) << page << ": " << (*it)[1];
      }
    }
  }
  EXPECT_GT(links, 5);
}

TEST(docs, every_page_a_message_of_the_library_names_exists) {
  const std::regex page(R"(\(docs/[a-z_/]+\.md)");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source / "include")) {
    if (entry.path().extension() != ".hpp") continue;
    for (const std::string& line : lines_of(entry.path())) {
      for (std::sregex_iterator it(line.begin(), line.end(), page), end; it != end; ++it) {
        EXPECT_TRUE(std::filesystem::exists(source / it->str().substr(1))) << entry.path() << " names " << it->str();
      }
    }
  }
}

TEST(docs, the_readme_has_two_commands_each_with_its_packages) {
  std::vector<std::string> blocks;
  bool inside = false;
  for (const std::string& line : lines_of(source / "README.md")) {
    if (line == "```sh") {
      blocks.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  ASSERT_GE(blocks.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(blocks[i].find("sudo apt-get update && sudo apt-get install -y "), 0u) << blocks[i];
  }
}

}  // namespace
