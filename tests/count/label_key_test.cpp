#include <fissile/count/label_key.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"

#include <cstdint>

namespace fissile {
namespace {

const std::vector<std::string> awkward_labels{"en", "de", "fr"};

TEST(label_key, finds_names_and_places) {
  const std::string name = "de";
  EXPECT_EQ(label_key("fr").among(awkward_labels), 2);
  EXPECT_EQ(label_key(name).among(awkward_labels), 1);
  EXPECT_EQ(label_key(std::string_view("en")).among(awkward_labels), 0);
  EXPECT_EQ(label_key(0).among(awkward_labels), 0);
  EXPECT_EQ(label_key(std::size_t{2}).among(awkward_labels), 2);
  EXPECT_EQ(label_key(index_t{1}).among(awkward_labels), 1);
}

TEST(label_key, what_is_not_there_is_refused_with_what_is) {
  const auto message = [](label_key key) {
    return testing::refusal<setting_error>([&] { static_cast<void>(key.among(awkward_labels)); });
  };
  EXPECT_EQ(message("nl"), "label: expected one of en, de, fr, got \"nl\"; labels are fixed when counts are made");
  EXPECT_NE(message("").find("got \"\""), std::string::npos);
  EXPECT_NE(message(3).find("got number 3"), std::string::npos);
  EXPECT_NE(message(-1).find("got number -1"), std::string::npos);
}

TEST(label_key, labels_are_checked_when_counts_are_made) {
  const auto message = [](const std::vector<std::string>& wrong) {
    return testing::refusal<setting_error>([&] { check_labels(wrong, "counts"); });
  };
  EXPECT_EQ(message({}), "counts: labels: expected at least one label, none empty, each once, got none");
  EXPECT_NE(message({"en", ""}).find("got an empty one"), std::string::npos);
  EXPECT_NE(message({"en", "de", "en"}).find("got \"en\" twice"), std::string::npos);
  EXPECT_NO_THROW(check_labels(awkward_labels, "counts"));
}

}  // namespace
}  // namespace fissile
