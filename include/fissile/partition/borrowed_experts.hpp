// Experts over borrowed weights: the user's matrices stay where they are, an expert is a list of neurons.
#pragma once

#include <fissile/partition/even_slices.hpp>
#include <fissile/weights/hidden_products.hpp>
#include <fissile/weights/stacked_ffn_weights.hpp>

#include <utility>

namespace fissile {

/// One expert, or several that run as one: which neurons of which weights.
template <element T>
struct expert_view {
  ffn_weights<T> ffn;
  vector_view<const index_t> neurons;
};

/// The experts of a dense layer that a partition splits. Made by `borrow`.
template <element T>
class borrowed_experts {
public:
  using element_type = T;
  borrowed_experts(ffn_weights<T> ffn, partition experts) : ffn_(ffn), experts_(std::move(experts)) {
    check_shapes(ffn, "borrow");
    if (experts_.neurons() != ffn.neurons()) {
      fail<shape_error>({.argument = "borrow: experts",
                         .expected = "a partition of " + std::to_string(ffn.neurons()) + " neurons",
                         .got = "one of " + std::to_string(experts_.neurons()),
                         .cure = "split this layer's own weights"});
    }
  }

  index_t width() const noexcept { return ffn_.width(); }
  const partition& experts() const noexcept { return experts_; }
  expert_view<T> expert(index_t e) const noexcept { return joined(e, e + 1); }
  expert_view<T> joined(index_t first, index_t last) const noexcept { return {ffn_, experts_.experts(first, last)}; }
  vector_view<const bias_of<T>> down_bias() const noexcept { return ffn_.down_bias; }

private:
  ffn_weights<T> ffn_;
  partition experts_;
};

/// The experts of a mixture that is stacked already. Made by `borrow`.
template <element T>
class borrowed_stack {
public:
  using element_type = T;
  explicit borrowed_stack(stacked_ffn_weights<T> stack)
      : stack_((check_shapes(stack, "borrow"), stack)),
        experts_(even_slices{}.split(stack.up.rows(), stack.experts)),
        every_neuron_(ascending(stack.neurons_per_expert())) {}

  index_t width() const noexcept { return stack_.width(); }
  const partition& experts() const noexcept { return experts_; }
  expert_view<T> expert(index_t e) const noexcept { return {stack_.expert(e), every_neuron_}; }
  vector_view<const bias_of<T>> down_bias() const noexcept { return {}; }

private:
  stacked_ffn_weights<T> stack_;
  partition experts_;
  std::vector<index_t> every_neuron_;  // of one expert
};

/// Borrows the weights and copies the partition; throws shape_error where they do not fit.
template <element T>
borrowed_experts<T> borrow(ffn_weights<T> ffn, partition experts) {
  return {ffn, std::move(experts)};
}
template <element T>
borrowed_stack<T> borrow(stacked_ffn_weights<T> stack) {
  return borrowed_stack<T>{stack};
}

/// expert_storage: where `sparse_ffn` finds its experts.
/// Law: `expert(e)` has the neurons of `experts().expert(e)`, in that order; nothing allocates.
/// May also offer `joined(first, last)`, experts first ... last - 1 as one: those that serve the same tokens run
/// faster. Satisfied by what `borrow` returns.
// clang-format off
template <class S>
concept expert_storage = requires(const S& storage, index_t e) {
  typename S::element_type;
  { storage.width() } noexcept -> std::same_as<index_t>;
  { storage.experts() } noexcept -> std::same_as<const partition&>;
  { storage.expert(e) } noexcept -> std::same_as<expert_view<typename S::element_type>>;
  { storage.down_bias() } noexcept;
};
// clang-format on

}  // namespace fissile
