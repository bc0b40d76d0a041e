// A route: the experts chosen for one token, with their weights.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <utility>
#include <vector>

namespace fissile {

/// One expert of a route. The weight multiplies the expert's output; 1 by default, so that all experts on is dense.
struct choice {
  index_t expert;
  float weight;
  friend bool operator==(const choice&, const choice&) = default;
};

/// Experts ascending, each at most once; room for `capacity` of them is reserved once and never grows.
class route {
public:
  route() = default;
  explicit route(index_t capacity) : capacity_(capacity) { choices_.reserve(to_size(capacity)); }
  route(const route& other) : route(other.capacity_) { *this = other; }
  /// Leaves the other empty and without room.
  route(route&& other) noexcept { take(other); }
  /// Keeps the larger of both rooms.
  route& operator=(route&& other) noexcept {
    if (this == &other) return *this;
    if (capacity_ < other.capacity_) {
      take(other);
    } else {
      choices_.assign(other.choices_.begin(), other.choices_.end());
      undefined_scores = other.undefined_scores;
    }
    return *this;
  }
  /// Keeps the capacity of this route where it suffices: then it does not allocate.
  route& operator=(const route& other) {
    if (this == &other) return *this;
    if (capacity_ < other.length()) {
      capacity_ = other.capacity_;
      choices_.reserve(to_size(capacity_));
    }
    choices_.assign(other.choices_.begin(), other.choices_.end());
    undefined_scores = other.undefined_scores;
    return *this;
  }

  index_t capacity() const noexcept { return capacity_; }
  index_t length() const noexcept { return fissile::length(choices_); }
  bool empty() const noexcept { return choices_.empty(); }
  const choice& operator[](index_t i) const noexcept { return choices_[to_size(i)]; }
  const choice* begin() const noexcept { return choices_.data(); }
  const choice* end() const noexcept { return choices_.data() + choices_.size(); }
  choice* begin() noexcept { return choices_.data(); }
  choice* end() noexcept { return choices_.data() + choices_.size(); }

  void clear() noexcept {
    choices_.clear();
    undefined_scores = 0;
  }
  /// Selectors append; what they append need not ascend before they are done (see `settle`).
  void append(choice chosen) noexcept {
    Expects(length() < capacity_);
    choices_.push_back(chosen);
  }
  void shorten(index_t kept) noexcept {
    Expects(kept >= 0 && kept <= length());
    choices_.erase(choices_.begin() + kept, choices_.end());
  }
  /// Sorts by expert: routes leave a selector ascending.
  void settle() noexcept;

  /// Scores of this token that were no number; such experts are not chosen.
  index_t undefined_scores = 0;

  friend bool operator==(const route& a, const route& b) noexcept {
    return a.choices_ == b.choices_ && a.undefined_scores == b.undefined_scores;
  }

private:
  void take(route& other) noexcept {
    choices_ = std::move(other.choices_);
    capacity_ = std::exchange(other.capacity_, 0);
    undefined_scores = other.undefined_scores;
    other.choices_.clear();
  }

  std::vector<choice> choices_;
  index_t capacity_ = 0;
};

inline void route::settle() noexcept {
  // Insertion: routes are short and nearly sorted most of the time.
  for (index_t i = 1; i < length(); ++i) {
    const choice moved = choices_[to_size(i)];
    index_t hole = i;
    for (; hole > 0 && choices_[to_size(hole - 1)].expert > moved.expert; --hole) {
      choices_[to_size(hole)] = choices_[to_size(hole - 1)];
    }
    choices_[to_size(hole)] = moved;
  }
}

}  // namespace fissile
