// The workspace: everything a batch needs that is not weights, allocated once and owned by the caller.
#pragma once

#include <fissile/base/executor.hpp>
#include <fissile/base/view.hpp>
#include <fissile/route/route.hpp>
#include <fissile/weights/row_products.hpp>

#include <algorithm>
#include <vector>

namespace fissile {

struct workspace_settings {
  index_t batch = 1;  // tokens in one call, at most
};

/// What a workspace must know of a layer to size itself: the sizes of `sparse_ffn`.
// clang-format off
template <class Layer>
concept sized_layer = requires(const Layer& layer) {
  { layer.width() } noexcept -> std::same_as<index_t>;
  { layer.neurons() } noexcept -> std::same_as<index_t>;
  { layer.experts() } noexcept -> std::same_as<index_t>;
  { layer.largest_expert() } noexcept -> std::same_as<index_t>;
};
// clang-format on

/// Routes, scores and scratch of one batch. One thread at a time; use one for each thread that calls.
class workspace {
public:
  /// Sized for `layer`, and for any layer that is not larger. `run` lends threads and must outlive the workspace.
  /// Memory: batch * (neurons + width / 2 + 10 * experts) floats and a tile for each task.
  template <sized_layer Layer>
  explicit workspace(const Layer& layer, workspace_settings settings = {}, executor_reference run = {})
      : batch_(settings.batch),
        width_(layer.width()),
        neurons_(layer.neurons()),
        experts_(layer.experts()),
        tasks_(std::clamp<index_t>(run.threads(), 1, 64)),
        tile_(std::max(lanes * std::max(layer.width(), layer.largest_expert()),
                       panel_columns_in_tile * std::max<index_t>(settings.batch, 1))),
        run_(run) {
    if (batch_ < 1) {
      fail<setting_error>(
          {.argument = "workspace: batch", .expected = "at least 1 token", .got = std::to_string(batch_)});
    }
    routes_.assign(to_size(batch_), route{experts_});
    scores_.resize(to_size(batch_ * experts_));
    keys_.resize(to_size(batch_ * experts_));
    hidden_.resize(to_size(batch_ * neurons_));
    group_begin_.resize(to_size(experts_ + 1));
    group_.resize(to_size(batch_ * experts_));
    tiles_.resize(to_size(tasks_ * tile_));
    rounded_.resize(to_size(batch_ * width_));
  }

  workspace(const workspace&) = default;
  workspace(workspace&&) noexcept = default;
  workspace& operator=(workspace&&) noexcept = default;
  /// As large as the other: routes that were here do not keep their smaller room.
  workspace& operator=(const workspace& other) {
    if (this != &other) *this = workspace(other);
    return *this;
  }

  index_t batch() const noexcept { return batch_; }
  index_t experts() const noexcept { return experts_; }
  index_t width() const noexcept { return width_; }
  index_t neurons() const noexcept { return neurons_; }

  /// The routes of the last batch; a router writes them, and so may the caller.
  vector_view<route> routes() noexcept { return {routes_.data(), tokens_}; }
  vector_view<const route> routes() const noexcept { return {routes_.data(), tokens_}; }
  /// Starts a batch of `tokens` empty routes.
  void start(index_t tokens) noexcept {
    Expects(tokens >= 0 && tokens <= batch_);
    tokens_ = tokens;
    for (route& r : routes()) r.clear();
  }
  /// Starts a batch in which every token goes to the first `experts` experts at weight 1: all on is the dense layer.
  void choose_all(index_t tokens, index_t experts) noexcept {
    Expects(experts <= experts_);
    start(tokens);
    for (route& r : routes()) {
      for (index_t expert = 0; expert < experts; ++expert) r.append({expert, 1.0f});
    }
  }
  /// Starts a batch in which every token goes to these experts, which ascend, at weight 1.
  void choose_these(index_t tokens, vector_view<const index_t> experts) noexcept {
    start(tokens);
    for (route& r : routes()) {
      for (index_t expert : experts) r.append({expert, 1.0f});
    }
  }

  /// The squashed scores of the last batch routed with `experts` experts. [tokens x experts]
  matrix_view<float> scores(index_t experts) noexcept { return {scores_.data(), tokens_, experts, experts_}; }
  matrix_view<const float> scores(index_t experts) const noexcept {
    return {scores_.data(), tokens_, experts, experts_};
  }

  // What follows is for the library's own floors.

  /// Hidden activations by token, experts one after the other. [batch x neurons of the layer]
  matrix_view<float> hidden(index_t neurons) noexcept { return {hidden_.data(), batch_, neurons, neurons_}; }
  vector_view<float> keys(index_t token, index_t experts) noexcept {
    return {keys_.data() + token * experts_, experts};
  }
  /// Positions of `lanes` numbers that a task's tile has room for.
  index_t tile_positions() const noexcept { return tile_ / lanes; }
  vector_view<float> tile(index_t task) noexcept { return {tiles_.data() + task * tile_, tile_}; }
  /// A token's features rounded to bf16, for layers that ask for it. [width]
  vector_view<bf16> rounded(index_t token) noexcept { return {rounded_.data() + token * width_, width_}; }

  /// One token of an expert's group: which, and with what weight.
  struct member {
    index_t token;
    float weight;
  };
  /// Sorts the routes by expert, tokens ascending within each; the same choices, seen from the experts.
  /// Expects every route to ascend and to name experts of this workspace only: callers may write routes, too.
  void group() noexcept {
    std::fill(group_begin_.begin(), group_begin_.end(), index_t{0});
    for (const route& r : routes()) {
      index_t last = -1;
      for (const choice& c : r) {
        Expects(last < c.expert && c.expert < experts_);
        ++group_begin_[to_size(c.expert)];
        last = c.expert;
      }
    }
    index_t end = 0;
    for (index_t& begin : group_begin_) begin = end += begin;  // ends of the groups; filled from the back
    for (index_t token = tokens_ - 1; token >= 0; --token) {
      for (const choice& c : routes_[to_size(token)]) {
        group_[to_size(--group_begin_[to_size(c.expert)])] = {token, c.weight};
      }
    }
  }
  vector_view<const member> group(index_t expert) const noexcept {
    const index_t begin = group_begin_[to_size(expert)];
    return {group_.data() + begin, group_begin_[to_size(expert) + 1] - begin};
  }

  /// How many tasks work should be cut into, and what runs them.
  index_t tasks() const noexcept { return tasks_; }
  const executor_reference& run() const noexcept { return run_; }

private:
  static constexpr index_t panel_columns_in_tile = 64;  // sums of a packed panel, for every token of a batch

  index_t batch_, width_, neurons_, experts_, tasks_, tile_;
  index_t tokens_ = 0;
  executor_reference run_;
  std::vector<route> routes_;         // [batch]
  std::vector<float> scores_, keys_;  // [batch x experts]
  std::vector<float> hidden_;         // [batch x neurons]
  std::vector<index_t> group_begin_;  // [experts + 1]
  std::vector<member> group_;         // [batch * experts]
  std::vector<float> tiles_;          // [tasks x tile]
  std::vector<bf16> rounded_;         // [batch x width]
};

}  // namespace fissile
