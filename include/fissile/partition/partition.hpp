// A partition: the neurons of one layer, each in exactly one expert.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/base/view.hpp>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace fissile {

/// Plain data: print it, save it, compare it. Experts may differ in size; none is empty; within an expert the neurons
/// ascend. Shared experts are marked: they are meant to work for every token, and counts keep them apart.
class partition {
public:
  /// `experts[e]` lists the neurons of expert e, in any order; together they are 0 ... n - 1, each once.
  /// `shared` lists experts. Throws setting_error otherwise: nothing is silently cut.
  explicit partition(std::vector<std::vector<index_t>> experts, const std::vector<index_t>& shared = {}) {
    begin_.reserve(experts.size() + 1);
    for (std::vector<index_t>& members : experts) {
      std::sort(members.begin(), members.end());
      order_.insert(order_.end(), members.begin(), members.end());
      begin_.push_back(length(order_));
    }
    shared_.assign(experts.size(), 0);
    check();
    for (index_t e : shared) {
      if (e < 0 || e >= this->experts()) {
        fail<setting_error>({.argument = "partition: shared",
                             .expected = "experts from 0 to " + std::to_string(this->experts() - 1),
                             .got = std::to_string(e)});
      }
      shared_[to_size(e)] = 1;
    }
  }

  index_t experts() const noexcept { return length(begin_) - 1; }
  index_t neurons() const noexcept { return length(order_); }
  /// The neurons of expert e, ascending.
  vector_view<const index_t> expert(index_t e) const noexcept { return experts(e, e + 1); }
  /// The neurons of experts first ... last - 1, one expert after the other.
  vector_view<const index_t> experts(index_t first, index_t last) const noexcept {
    return {order_.data() + offset(first), offset(last) - offset(first)};
  }
  index_t size(index_t e) const noexcept { return begin_[to_size(e) + 1] - begin_[to_size(e)]; }
  /// Where expert e begins when the experts stand one after the other; e = experts(): where the last one ends.
  index_t offset(index_t e) const noexcept { return begin_[to_size(e)]; }
  index_t largest() const noexcept {
    index_t most = 0;
    for (index_t e = 0; e < experts(); ++e) most = std::max(most, size(e));
    return most;
  }

  bool shared(index_t e) const noexcept { return shared_[to_size(e)] != 0; }
  /// The shared experts, ascending.
  std::vector<index_t> shared_experts() const {
    std::vector<index_t> found;
    for (index_t e = 0; e < experts(); ++e) {
      if (shared(e)) found.push_back(e);
    }
    return found;
  }

  /// The expert of every neuron. [neurons]
  std::vector<index_t> owners() const {
    std::vector<index_t> owner(order_.size());
    for (index_t e = 0; e < experts(); ++e) {
      for (index_t neuron : expert(e)) owner[to_size(neuron)] = e;
    }
    return owner;
  }

  friend bool operator==(const partition&, const partition&) = default;

private:
  void check() const {
    if (begin_.size() < 2) {
      fail<setting_error>({.argument = "partition: experts", .expected = "at least one expert", .got = "none"});
    }
    for (index_t e = 0; e < experts(); ++e) {
      if (size(e) > 0) continue;
      fail<setting_error>({.argument = "partition: expert " + std::to_string(e),
                           .expected = "at least one neuron",
                           .got = "none",
                           .cure = "ask for fewer experts"});
    }
    std::vector<char> seen(order_.size(), 0);
    for (index_t neuron : order_) {
      const bool inside = neuron >= 0 && neuron < neurons();
      if (inside && seen[to_size(neuron)] == 0) {
        seen[to_size(neuron)] = 1;
        continue;
      }
      fail<setting_error>({.argument = "partition: neurons",
                           .expected = "each of 0 to " + std::to_string(neurons() - 1) + " exactly once",
                           .got = "neuron " + std::to_string(neuron) + (inside ? " twice" : ""),
                           .cure = "every neuron belongs to exactly one expert; leave none out"});
    }
  }

  std::vector<index_t> order_;        // [neurons]: the experts one after the other
  std::vector<index_t> begin_ = {0};  // [experts + 1]
  std::vector<char> shared_;          // [experts]
};

/// Cuts `order` into `experts` runs whose sizes differ by at most one, the longer ones first.
/// Throws setting_error unless 1 <= experts <= neurons.
inline std::vector<std::vector<index_t>> cut_evenly(const std::vector<index_t>& order, index_t experts,
                                                    std::string_view who) {
  const index_t neurons = length(order);
  if (experts < 1 || experts > neurons) {
    fail<setting_error>({.argument = std::string(who) + ": experts",
                         .expected = "from 1 to " + std::to_string(neurons) + ", the number of neurons",
                         .got = std::to_string(experts)});
  }
  std::vector<std::vector<index_t>> cut;
  cut.reserve(to_size(experts));
  auto next = order.begin();
  for (index_t e = 0; e < experts; ++e) {
    const index_t size = neurons / experts + (e < neurons % experts ? 1 : 0);
    cut.emplace_back(next, next + size);
    next += size;
  }
  return cut;
}

/// 0, 1, ... n - 1.
inline std::vector<index_t> ascending(index_t n) {
  std::vector<index_t> order(to_size(n));
  std::iota(order.begin(), order.end(), index_t{0});
  return order;
}

}  // namespace fissile
