// Neurons that work for the same tokens together: the co-activation split of MoEfication (Zhang et al. 2022,
// arXiv 2110.01786), as its code has it.
//
//   t        the first of the 10th, 20th, ... 100th percentile of all A_ab that is not zero
//   edge_ab  the whole part of A_ab / (0.99 t); an edge below 1 is none, nor is a neuron tied to itself
//
// The graph is then cut into experts of equal size; the paper leaves that to METIS and evens sizes out at random, here
// it is graph_cut.hpp.
#pragma once

#include <fissile/partition/graph_cut.hpp>
#include <fissile/partition/partitioner.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile {

/// Quantile q (from 0 to 1) of sorted numbers, straight between neighbours, as numpy.percentile has it.
inline double quantile_of(const std::vector<double>& numbers, double q) {
  Expects(!numbers.empty() && q >= 0 && q <= 1);
  const double at = q * static_cast<double>(numbers.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double part = at - static_cast<double>(below);
  return part > 0 ? numbers[below] + part * (numbers[below + 1] - numbers[below]) : numbers[below];
}

/// The edges of the graph, made of borrowed weights as one asks for them.
class coactivation_edges {
public:
  /// weights: A, [neurons x neurons]. Throws setting_error unless they are symmetric, finite and not negative.
  explicit coactivation_edges(matrix_view<const double> weights, double slack = 0.99) : weights_(weights) {
    check();
    std::vector<double> all;
    all.reserve(to_size(weights.rows() * weights.rows()));
    for (index_t a = 0; a < weights.rows(); ++a) all.insert(all.end(), weights.row(a).begin(), weights.row(a).end());
    std::sort(all.begin(), all.end());
    for (int tenth = 1; threshold_ == 0 && tenth <= 10; ++tenth) threshold_ = quantile_of(all, tenth / 10.0);
    unit_ = slack * threshold_;
  }

  /// t of the formula; 0 where no two neurons worked together, and then there are no edges.
  double threshold() const noexcept { return threshold_; }
  /// At most 2^31, so that sums over any layer fit.
  std::int64_t operator()(index_t a, index_t b) const noexcept {
    if (a == b || !(unit_ > 0)) return 0;
    return static_cast<std::int64_t>(std::min(weights_(a, b) / unit_, 0x1p31));
  }

private:
  void check() const {
    const auto refuse = [](std::string expected, std::string got) {
      fail<setting_error>({.argument = "coactivation_graph: weights",
                           .expected = std::move(expected),
                           .got = std::move(got),
                           .cure = "weights()(a, b) is how often neurons a and b work together"});
    };
    const index_t n = weights_.rows();
    if (weights_.empty() || n < 1 || weights_.columns() != n) refuse("a square matrix", shape_of(weights_));
    for (index_t a = 0; a < n; ++a) {
      for (index_t b = 0; b <= a; ++b) {
        const bool number = std::isfinite(weights_(a, b)) && weights_(a, b) >= 0;
        if (number && weights_(a, b) == weights_(b, a)) continue;
        refuse(number ? "a symmetric matrix" : "finite numbers, none below 0",
               "neurons " + std::to_string(b) + " and " + std::to_string(a));
      }
    }
  }

  matrix_view<const double> weights_;
  double threshold_ = 0;
  double unit_ = 0;
};

/// weights: how much each two neurons worked together, as neuron_coactivation collects them; borrowed.
/// Memory: a copy of the weights for their percentile. Without any edge the experts are drawn.
struct coactivation_graph {
  matrix_view<const double> weights;  // [neurons x neurons]
  cut_search search = {};             // ours
  double slack = 0.99;                // the paper's code; how far below t a pair may be and still be tied

  partition split(index_t experts) const {
    cut_evenly(ascending(weights.rows()), experts, "coactivation_graph");  // refuses a wrong number
    if (!(slack > 0)) {
      fail<setting_error>(
          {.argument = "coactivation_graph: slack", .expected = "above 0", .got = std::to_string(slack)});
    }
    return search.split(coactivation_edges{weights, slack}, weights.rows(), experts);
  }
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    check_shapes(ffn, "coactivation_graph");
    if (weights.rows() != ffn.neurons()) {
      fail<shape_error>({.argument = "coactivation_graph: weights",
                         .expected = shape_of(ffn.neurons(), ffn.neurons()),
                         .got = shape_of(weights)});
    }
    return split(experts);
  }
};

}  // namespace fissile
