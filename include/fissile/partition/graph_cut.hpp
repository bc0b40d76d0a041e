// A graph cut into groups of equal size with little weight between them. The search is ours: the papers call METIS.
//
// Groups grow one after the other from a drawn first node, each time by the node most tied to the group; then two nodes
// of different groups change places wherever that lessens the cut (after Kernighan and Lin 1970), until no pair does.
// The best of several starts stays. All sums are whole numbers: the same seed gives the same cut everywhere.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/partition/partition.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

/// The sum of the edges between experts: each edge(a, b) with a < b in two of them.
template <class Edges>
std::int64_t cut_of(const Edges& edge, const partition& experts) {
  const std::vector<index_t> owner = experts.owners();
  std::int64_t cut = 0;
  for (index_t a = 0; a < experts.neurons(); ++a) {
    for (index_t b = a + 1; b < experts.neurons(); ++b) {
      if (owner[to_size(a)] != owner[to_size(b)]) cut += edge(a, b);
    }
  }
  return cut;
}

namespace detail {

/// Nodes in groups, and what ties each node to each group.
template <class Edges>
class grown_groups {
public:
  grown_groups(const Edges& edges, const std::vector<std::vector<index_t>>& sizes)
      : edge_(edges), groups_(length(sizes)) {
    for (const std::vector<index_t>& list : sizes) {
      size_.push_back(length(list));
      nodes_ += length(list);
    }
    owner_.assign(to_size(nodes_), -1);
    ties_.assign(to_size(nodes_ * groups_), 0);
  }

  void grow(random_source& random) {
    for (index_t g = 0; g < groups_; ++g) {
      add(free_node(random), g);
      for (index_t size = 1; size < size_[to_size(g)]; ++size) {
        index_t best = -1;
        for (index_t node = 0; node < nodes_; ++node) {
          if (owner_[to_size(node)] < 0 && (best < 0 || tie(node, g) > tie(best, g))) best = node;
        }
        add(best, g);
      }
    }
  }

  /// Exchanges each node with the partner that lessens the cut most. Whether any such pair was there.
  bool sweep() {
    bool better = false;
    for (index_t a = 0; a < nodes_; ++a) {
      const index_t from = owner_[to_size(a)];
      index_t partner = -1;
      std::int64_t most = 0;
      for (index_t b = 0; b < nodes_; ++b) {
        const index_t to = owner_[to_size(b)];
        if (to == from) continue;
        const std::int64_t less = tie(a, to) - tie(a, from) + tie(b, from) - tie(b, to);
        if (less <= most) continue;  // the edge between the two can only take away
        const std::int64_t gain = less - 2 * edge_(a, b);
        if (gain > most) {
          most = gain;
          partner = b;
        }
      }
      if (partner < 0) continue;
      const index_t to = owner_[to_size(partner)];
      move(a, to);
      move(partner, from);
      better = true;
    }
    return better;
  }

  partition found() const {
    std::vector<std::vector<index_t>> lists(to_size(groups_));
    for (index_t node = 0; node < nodes_; ++node) lists[to_size(owner_[to_size(node)])].push_back(node);
    std::sort(lists.begin(), lists.end(), [](const auto& a, const auto& b) { return a.front() < b.front(); });
    return partition{std::move(lists)};
  }

private:
  /// The sum of a node's edges to a group.
  std::int64_t& tie(index_t node, index_t group) noexcept { return ties_[to_size(node * groups_ + group)]; }

  index_t free_node(random_source& random) {
    std::vector<index_t> free;
    for (index_t node = 0; node < nodes_; ++node) {
      if (owner_[to_size(node)] < 0) free.push_back(node);
    }
    return free[to_size(random.below(length(free)))];
  }
  void add(index_t node, index_t group) {
    owner_[to_size(node)] = group;
    for (index_t other = 0; other < nodes_; ++other) {
      if (other != node) tie(other, group) += edge_(node, other);
    }
  }
  void move(index_t node, index_t to) {
    const index_t from = owner_[to_size(node)];
    owner_[to_size(node)] = to;
    for (index_t other = 0; other < nodes_; ++other) {
      if (other == node) continue;
      const std::int64_t weight = edge_(node, other);
      tie(other, from) -= weight;
      tie(other, to) += weight;
    }
  }

  const Edges& edge_;
  index_t nodes_ = 0, groups_;
  std::vector<index_t> size_;       // [groups]
  std::vector<index_t> owner_;      // [nodes]; -1: none yet
  std::vector<std::int64_t> ties_;  // [nodes x groups]
};

}  // namespace detail

/// How hard to search; all of it is ours.
struct cut_search {
  index_t starts = 4;   // each with other first nodes
  index_t sweeps = 50;  // over all nodes for a pair to exchange, at most; most searches stop by themselves before
  std::uint64_t seed = 0;

  /// `edges(a, b)`: a whole number, symmetric; edges(a, a) does not count. Sizes differ by one at most; experts stand
  /// in the order of their first neuron. Time: up to some 3 * starts * (sweeps + 1) * neurons^2 calls of `edges`.
  /// Throws setting_error for numbers that cannot be.
  template <class Edges>
  partition split(const Edges& edges, index_t neurons,
                  index_t experts) const requires std::is_invocable_r_v<std::int64_t, const Edges&, index_t, index_t> {
    const std::vector<std::vector<index_t>> sizes = cut_evenly(ascending(neurons), experts, "cut_search");
    if (starts < 1 || sweeps < 0) {
      fail<setting_error>({.argument = starts < 1 ? "cut_search: starts" : "cut_search: sweeps",
                           .expected = starts < 1 ? "at least 1" : "at least 0",
                           .got = std::to_string(starts < 1 ? starts : sweeps)});
    }
    random_source random{seed};
    partition best{sizes};
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (index_t start = 0; start < starts; ++start) {
      detail::grown_groups<Edges> search(edges, sizes);
      search.grow(random);
      for (index_t left = sweeps; left > 0 && search.sweep();) --left;
      partition found = search.found();
      const std::int64_t cut = cut_of(edges, found);
      if (cut >= least) continue;
      least = cut;
      best = std::move(found);
    }
    return best;
  }
};

}  // namespace fissile
