// Distillation of one layer: its router, and its experts where asked, learn to give the dense layer's own outputs with
// a share of the experts. No autograd framework and no loss of the whole model: one layer at a time, by the backward of
// trainable_ffn, the straight-through rule (DSMoE, Lv et al. 2025), a penalty that finds its own weight, and Adam.
//
//   loss = sum over tokens of |y - wanted|^2 / sum over tokens of |wanted|^2 + penalty
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/train/distil_state.hpp>
#include <fissile/train/flat_layer.hpp>
#include <fissile/train/penalty.hpp>
#include <fissile/train/sparsity_controller.hpp>
#include <fissile/train/trainable_ffn.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

/// The caller owns the loop over the data:
///
///   distiller learn{ffn, split, silu{}, distil_settings{.steps = 500, .share = {.target = 0.25}}};
///   while (!learn.done()) learn.step(tokens, wanted);       // some tokens and the dense layer's outputs for them
///   const router choose{linear_scorer{learn.rows()}, sigmoid{}, settings.rule};
///
/// Owns a copy of the layer's numbers, in the number it computes in. One thread; steps allocate nothing. Stays where it
/// is made, since its parts borrow from each other.
template <std::floating_point A, class Activation>
class distiller {
public:
  /// Copies the layer. Throws setting_error and shape_error where settings and partition do not fit.
  template <element T>
  distiller(ffn_weights<T> ffn, const partition& split, Activation activate, const distil_settings& chosen)
      : settings_((chosen.check(), check_shapes(ffn, "distiller"), chosen)),
        resting_(trains_experts() ? std::vector<A>{} : flatten<A>(ffn)),
        state_(first_state(ffn, split.experts())),
        layer_(borrow(weights_of(parts_of(numbers(), ffn)), split),
               matrix_view<const A>{state_.router.data(), split.experts(), ffn.width()}, std::move(activate),
               chosen.rule),
        scratch_(layer_, {.batch = chosen.batch}),
        tape_(layer_, scratch_),
        out_(to_size(chosen.batch * ffn.width())),
        router_slope_(state_.router.size()),
        layer_slope_(state_.layer.size()) {}
  distiller(const distiller&) = delete;
  distiller& operator=(const distiller&) = delete;

  /// Begins with these rows instead of random ones. [experts x width] Throws shape_error where they do not fit.
  void start_from(matrix_view<const A> rows) {
    if (rows.rows() != layer_.experts() || rows.columns() != layer_.width()) {
      fail<shape_error>({.argument = "distiller: rows",
                         .expected = shape_of(layer_.experts(), layer_.width()),
                         .got = shape_of(rows)});
    }
    for (index_t row = 0; row < rows.rows(); ++row) {
      std::copy(rows.row(row).begin(), rows.row(row).end(), state_.router.begin() + row * rows.columns());
    }
  }

  bool done() const noexcept { return state_.steps >= settings_.steps; }
  /// All that was learned so far, to be saved.
  const distil_state<A>& state() const noexcept { return state_; }
  /// The router's rows so far, borrowed. [experts x width]
  matrix_view<const A> rows() const noexcept { return {state_.router.data(), layer_.experts(), layer_.width()}; }
  /// The experts so far, borrowed; those of the given layer unless they are trained.
  ffn_weights<A> experts() const noexcept { return layer_.ffn(); }

  /// Learns from some tokens, and tells how the layer did before. tokens, wanted: [1 to batch x width]. Not when done.
  distil_measure step(matrix_view<const A> tokens, matrix_view<const A> wanted) {
    Expects(!done());
    const distil_measure seen = measure(tokens, wanted);
    if (std::isfinite(seen.loss) && learn(tokens.rows())) {
      state_.penalty_weight = settings_.share.next(state_.penalty_weight, seen.active);
    } else {
      ++state_.undefined;
    }
    ++state_.steps;
    return seen;
  }

  /// How the layer does on some tokens, learning nothing.
  distil_measure measure(matrix_view<const A> tokens, matrix_view<const A> wanted) {
    Expects(tokens.rows() >= 1 && tokens.rows() <= settings_.batch);
    Expects(wanted.rows() == tokens.rows() && wanted.columns() == layer_.width());
    const matrix_view<A> out{out_.data(), tokens.rows(), layer_.width()};
    layer_.forward(tokens, tape_, out);
    double apart = 0, whole = 0;
    for (index_t token = 0; token < out.rows(); ++token) {
      for (index_t i = 0; i < out.columns(); ++i) {
        out(token, i) -= wanted(token, i);  // from here on the distance
        apart += static_cast<double>(out(token, i)) * static_cast<double>(out(token, i));
        whole += static_cast<double>(wanted(token, i)) * static_cast<double>(wanted(token, i));
      }
    }
    scale_ = whole > 0 ? 1 / whole : 1;
    return {.loss = apart * scale_, .active = active_share(std::as_const(tape_).weights())};
  }

  /// Goes on where a distiller of the same layer and settings stopped. Throws shape_error where it was another.
  void resume(const distil_state<A>& saved) {
    const auto check = [](const char* name, const std::vector<A>& mine, const std::vector<A>& theirs) {
      if (mine.size() == theirs.size()) return;
      fail<shape_error>({.argument = std::string("distiller: saved ") + name,
                         .expected = std::to_string(mine.size()) + " numbers",
                         .got = std::to_string(theirs.size()),
                         .cure = "resume with the layer and the settings of the run that was stopped"});
    };
    check("router", state_.router, saved.router);
    check("layer", state_.layer, saved.layer);
    check("mean of router", state_.of_router.mean, saved.of_router.mean);
    check("square of router", state_.of_router.square, saved.of_router.square);
    check("mean of layer", state_.of_layer.mean, saved.of_layer.mean);
    check("square of layer", state_.of_layer.square, saved.of_layer.square);
    state_ = saved;  // vectors of equal size are copied in place: the layer borrows them
    Ensures(layer_.ffn().up.data() == parts_of(numbers(), layer_.ffn()).up.data());
  }

private:
  bool trains_experts() const noexcept { return settings_.expert_rate > 0; }
  /// Of the layer, as flat_layer.hpp lays them out.
  vector_view<A> numbers() noexcept { return trains_experts() ? state_.layer : resting_; }

  template <element T>
  distil_state<A> first_state(const ffn_weights<T>& ffn, index_t experts) const {
    distil_state<A> made;
    made.penalty_weight = settings_.first_penalty;
    random_source random{settings_.seed};
    made.router.resize(to_size(experts * ffn.width()));
    for (A& weight : made.router) weight = static_cast<A>(settings_.init_scale * random.normal());
    if (trains_experts()) made.layer = flatten<A>(ffn);
    made.of_router = adam_state<A>{length(made.router)};
    made.of_layer = adam_state<A>{length(made.layer)};
    return made;
  }

  /// From the distances that `measure` left in out_ to the parameters; false where their slopes are no numbers, as
  /// those of a token that holds a NaN: then nothing is learned.
  bool learn(index_t tokens) {
    const matrix_view<A> slope{out_.data(), tokens, layer_.width()};
    for (A& distance : out_) distance *= static_cast<A>(2 * scale_);
    std::fill(router_slope_.begin(), router_slope_.end(), A(0));
    std::fill(layer_slope_.begin(), layer_slope_.end(), A(0));
    const activity_penalty penalty{.weight = state_.penalty_weight};
    if (settings_.pushed == penalised::all) {
      penalty.add_gradient(tape_, straight_through{});
    } else {
      penalty.add_gradient(tape_, hard{});
    }
    ffn_gradients<A> into;
    if (trains_experts()) into = parts_of(vector_view<A>{layer_slope_}, layer_.ffn());
    into.router = {router_slope_.data(), layer_.experts(), layer_.width()};
    layer_.backward(tape_, slope, into, straight_through{});
    const auto finite = [](const std::vector<A>& slopes) {
      return std::all_of(slopes.begin(), slopes.end(), [](A one) { return std::isfinite(one); });
    };
    if (!finite(router_slope_) || !finite(layer_slope_)) return false;
    const double left = 1 - static_cast<double>(state_.steps) / static_cast<double>(settings_.steps);
    adam{.rate = left * settings_.router_rate}.step<A>(state_.router, router_slope_, state_.of_router);
    adam{.rate = left * settings_.expert_rate}.step<A>(state_.layer, layer_slope_, state_.of_layer);
    return true;
  }

  distil_settings settings_;
  std::vector<A> resting_;  // the layer's numbers where experts are not trained
  distil_state<A> state_;
  trainable_ffn<A, A, Activation> layer_;  // borrows from the three above
  training_scratch<A> scratch_;
  tape<A> tape_;
  std::vector<A> out_;                         // [batch x width]: outputs, then distances, then slopes
  std::vector<A> router_slope_, layer_slope_;  // as in the state
  double scale_ = 1;                           // 1 / sum of squares of what was wanted last
};
template <element T, class Activation>
distiller(ffn_weights<T>, const partition&, Activation, const distil_settings&)
    -> distiller<std::conditional_t<std::same_as<T, double>, double, float>, Activation>;

}  // namespace fissile
