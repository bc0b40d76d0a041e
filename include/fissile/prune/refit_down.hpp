// After neurons went, down is fitted anew, so that those that stay make up for them as far as they can.
//
// With h one token's hidden activations, K the neurons that stay and R those that went, G = sum h h^T over calibration
// tokens and D the old down, the new one is D_K + X, where X minimises
//
//   sum over tokens || X h_K - D_R h_R ||^2 + lambda || X ||^2,   so   X (G_KK + lambda 1) = D_R G_RK
//
// The ridge draws towards the old weights, so that on the calibration tokens no refit is ever worse than none. The
// method is ours; that least squares recover what structured pruning lost is known from many.
#pragma once

#include <fissile/detect/input_hessian.hpp>
#include <fissile/prune/apply.hpp>
#include <fissile/prune/cholesky.hpp>

namespace fissile {

struct refit_settings {
  double ridge = 1e-3;  // lambda as a share of the mean of G_KK's diagonal; ours
};

/// || H D^T - H' D'^T || / || H D^T || over the calibration tokens, with H and H' the hidden activations of the layer
/// before and after; computed from G, hence no finer than about 1e-8, or 1e-4 where the Hessian was summed in float.
struct refit_report {
  double error_before = 0;  // with neurons removed and nothing else
  double error_after = 0;
};

namespace detail {

/// x^T G x, at least 0.
inline double quadratic_form(const square_matrix& g, const std::vector<double>& x) noexcept {
  double sum = 0;
  for (index_t i = 0; i < g.order; ++i) {
    if (x[to_size(i)] == 0) continue;
    double along = 0;
    for (index_t j = 0; j < g.order; ++j) along += g(i, j) * x[to_size(j)];
    sum += x[to_size(i)] * along;
  }
  return std::max(sum, 0.0);
}

}  // namespace detail

/// Changes pruned.ffn.down in place. old: the layer before; hidden: of its hidden activations, whose width is its
/// neurons; takes up to 16 neurons^2 bytes. Throws shape_error where the three do not fit together, setting_error
/// where nothing was measured, the activations of all that stay are 0, or the ridge is too small for neurons that
/// depend on each other.
template <std::floating_point T, std::floating_point A>
refit_report refit_down(pruned_ffn<T>& pruned, const ffn_weights<T>& old, const input_hessian<A>& hidden,
                        refit_settings settings = {}) {
  const index_t neurons = old.neurons();
  const index_t kept = length(pruned.kept_neurons);
  if (hidden.width() != neurons) {
    fail<shape_error>({.argument = "refit_down: hidden",
                       .expected = std::to_string(neurons) + " wide, a number a neuron of the old layer",
                       .got = std::to_string(hidden.width())});
  }
  if (pruned.ffn.width != old.width() || pruned.ffn.neurons != kept || kept < 1 ||
      pruned.kept_neurons.back() >= neurons) {
    fail<shape_error>({.argument = "refit_down: pruned",
                       .expected = "what `apply` made of the old layer, " + shape_of(old.down),
                       .got = shape_of(pruned.ffn.width, pruned.ffn.neurons)});
  }
  if (hidden.read().samples() == 0) {
    fail<setting_error>({.argument = "refit_down: hidden", .expected = "measured samples", .got = "none"});
  }
  if (!(settings.ridge >= 0 && std::isfinite(settings.ridge))) {
    fail<setting_error>(
        {.argument = "refit_down: ridge", .expected = "a number, at least 0", .got = short_number(settings.ridge)});
  }
  square_matrix g(neurons);
  for (index_t i = 0; i < neurons; ++i) {
    for (index_t j = 0; j < neurons; ++j) g(i, j) = hidden(i, j);
  }
  square_matrix left(kept);
  double mean = 0;
  for (index_t i = 0; i < kept; ++i) {
    for (index_t j = 0; j < kept; ++j) left(i, j) = g(pruned.kept_neurons[to_size(i)], pruned.kept_neurons[to_size(j)]);
    mean += left(i, i) / static_cast<double>(kept);
  }
  for (index_t i = 0; i < kept; ++i) left(i, i) += settings.ridge * mean;
  const std::optional<square_matrix> factor = factor_backwards(std::move(left));
  if (!factor) {
    fail<setting_error>({.argument = "refit_down: ridge",
                         .expected = "enough for neurons that depend on each other, or hidden activations not all 0",
                         .got = short_number(settings.ridge),
                         .cure = "0.001 is our default"});
  }
  double whole = 0, before = 0, after = 0;
  std::vector<double> row(to_size(neurons)), lost(row.size()), sums(to_size(kept));
  for (index_t i = 0; i < old.width(); ++i) {
    for (index_t n = 0; n < neurons; ++n) row[to_size(n)] = lost[to_size(n)] = static_cast<double>(old.down(i, n));
    for (index_t n : pruned.kept_neurons) lost[to_size(n)] = 0;  // D_R
    for (index_t k = 0; k < kept; ++k) {
      const double* along = g.row(pruned.kept_neurons[to_size(k)]);
      double sum = 0;
      for (index_t n = 0; n < neurons; ++n) sum += along[n] * lost[to_size(n)];
      sums[to_size(k)] = sum;
    }
    whole += detail::quadratic_form(g, row);
    before += detail::quadratic_form(g, lost);
    solve_backwards(*factor, sums);
    for (index_t k = 0; k < kept; ++k) {
      const double weight = row[to_size(pruned.kept_neurons[to_size(k)])];
      T& fitted = pruned.ffn.down[to_size(i * kept + k)];
      fitted = static_cast<T>(weight + sums[to_size(k)]);
      lost[to_size(pruned.kept_neurons[to_size(k)])] = weight - static_cast<double>(fitted);
    }
    after += detail::quadratic_form(g, lost);
  }
  if (!(whole > 0)) return {};
  return {.error_before = std::sqrt(before / whole), .error_after = std::sqrt(after / whole)};
}

}  // namespace fissile
