// Cutting graphs: planted groups are found, no exchange is left that would help, small graphs come close to the best
// cut.
#include <fissile/partition/graph_cut.hpp>
#include <fissile/partition/shuffled.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <bit>

namespace fissile {
namespace {

using testing::refusal;

struct random_graph {
  index_t nodes;
  std::vector<std::int64_t> edges;

  random_graph(random_source& random, index_t count, index_t bound) : nodes(count), edges(to_size(count * count), 0) {
    for (index_t a = 0; a < nodes; ++a) {
      for (index_t b = 0; b < a; ++b) set(a, b, random.below(bound));
      edges[to_size(a * nodes + a)] = 1000000;  // must not count
    }
  }
  void set(index_t a, index_t b, std::int64_t weight) {
    edges[to_size(a * nodes + b)] = edges[to_size(b * nodes + a)] = weight;
  }
  std::int64_t operator()(index_t a, index_t b) const { return edges[to_size(a * nodes + b)]; }
};

TEST(graph_cut, finds_planted_groups_and_counts_what_is_between_them) {
  random_source random{1};
  for (int trial = 0; trial < 20; ++trial) {
    const index_t groups = 2 + random.below(6), size = 3 + random.below(8), nodes = groups * size;
    std::vector<index_t> planted(to_size(nodes));
    for (index_t j = 0; j < nodes; ++j) planted[to_size(j)] = j % groups;
    shuffle(planted, random);
    random_graph graph(random, nodes, 4);  // noise everywhere
    std::int64_t between = 0;
    for (index_t a = 0; a < nodes; ++a) {
      for (index_t b = 0; b < a; ++b) {
        if (planted[to_size(a)] == planted[to_size(b)]) graph.set(a, b, 10 + random.below(5));
        if (planted[to_size(a)] != planted[to_size(b)]) between += graph(a, b);
      }
    }
    const partition split = cut_search{.seed = random.bits()}.split(graph, nodes, groups);
    for (index_t e = 0; e < groups; ++e) {
      ASSERT_EQ(split.size(e), size);
      for (index_t j : split.expert(e)) ASSERT_EQ(planted[to_size(j)], planted[to_size(split.expert(e)[0])]);
    }
    ASSERT_EQ(cut_of(graph, split), between);
  }
}

TEST(graph_cut, leaves_no_exchange_that_would_help) {
  random_source random{2};
  for (int trial = 0; trial < 20; ++trial) {
    const index_t nodes = 2 + random.below(20), groups = 1 + random.below(nodes);
    const random_graph graph(random, nodes, 50);
    const partition split = cut_search{.seed = random.bits()}.split(graph, nodes, groups);
    const std::int64_t cut = cut_of(graph, split);
    const std::vector<index_t> owner = split.owners();
    for (index_t a = 0; a < nodes; ++a) {
      for (index_t b = 0; b < a; ++b) {
        if (owner[to_size(a)] == owner[to_size(b)]) continue;
        std::vector<std::vector<index_t>> lists(to_size(groups));
        for (index_t j = 0; j < nodes; ++j) {
          lists[to_size(owner[to_size(j == a ? b : j == b ? a : j)])].push_back(j);
        }
        ASSERT_GE(cut_of(graph, partition{std::move(lists)}), cut);
      }
    }
  }
}

/// All ways to halve ten nodes.
TEST(graph_cut, of_small_graphs_is_nearly_always_the_best) {
  random_source random{3};
  int best = 0;
  for (int trial = 0; trial < 50; ++trial) {
    const random_graph graph(random, 10, 20);
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (unsigned half = 0; half < 1024; ++half) {
      if (std::popcount(half) != 5) continue;
      std::vector<std::vector<index_t>> lists(2);
      for (index_t j = 0; j < 10; ++j) lists[(half >> j) % 2].push_back(j);
      least = std::min(least, cut_of(graph, partition{std::move(lists)}));
    }
    const std::int64_t cut = cut_of(graph, cut_search{}.split(graph, 10, 2));
    ASSERT_GE(cut, least);
    best += cut == least ? 1 : 0;
  }
  EXPECT_GE(best, 40);
}

TEST(graph_cut, is_even_deterministic_and_better_than_chance) {
  random_source random{4};
  for (int trial = 0; trial < 30; ++trial) {
    const index_t nodes = 12 + random.below(30), groups = 2 + random.below(5);
    const random_graph graph(random, nodes, 100);
    const cut_search search{.seed = random.bits()};
    const partition split = search.split(graph, nodes, groups);
    ASSERT_EQ(search.split(graph, nodes, groups), split);
    for (index_t e = 0; e < groups; ++e) {
      ASSERT_GE(split.size(e), nodes / groups);
      ASSERT_LE(split.size(e), (nodes + groups - 1) / groups);
      ASSERT_TRUE(e == 0 || split.expert(e - 1)[0] < split.expert(e)[0]);
    }
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      ASSERT_LT(cut_of(graph, split), cut_of(graph, shuffled{.seed = seed}.split(nodes, groups)));
    }
  }
}

TEST(graph_cut, refuses_what_cannot_be) {
  random_source random{5};
  const random_graph graph(random, 3, 2);
  EXPECT_EQ(refusal<setting_error>([&] { cut_search{}.split(graph, 3, 4); }),
            "cut_search: experts: expected from 1 to 3, the number of neurons, got 4");
  EXPECT_EQ(refusal<setting_error>([&] { cut_search{.starts = 0}.split(graph, 3, 2); }),
            "cut_search: starts: expected at least 1, got 0");
  EXPECT_EQ(refusal<setting_error>([&] { cut_search{.sweeps = -1}.split(graph, 3, 2); }),
            "cut_search: sweeps: expected at least 0, got -1");
}

}  // namespace
}  // namespace fissile
