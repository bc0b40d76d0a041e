#include <fissile/count/corpus_names.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(corpus_names, are_a_set) {
  corpus_names names{"wiki"};
  names.merge(corpus_names{"guide"});
  names.merge(corpus_names{"wiki"});
  names.merge(corpus_names{});
  names.merge(corpus_names{""});
  EXPECT_EQ(names.list(), (std::vector<std::string>{"guide", "wiki"}));
  EXPECT_EQ(names.joined(), "guide + wiki");
  EXPECT_EQ(corpus_names{}.joined(), "");
  names.merge(names);
  EXPECT_EQ(names.joined(), "guide + wiki");
}

}  // namespace
}  // namespace fissile
