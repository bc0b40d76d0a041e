// A trained Finedeep layer in inference, over borrowed weights or packed panels: each expert runs alone as a sparse
// layer does, and its output is weighed by what it says itself.
//
//   x_j = norm_j(h_{j-1});   h_j = h_{j-1} + sum over the experts i of sub-layer j of sigmoid(E_i(x_j) . R_i) E_i(x_j)
//
// Finedeep (Pan et al., arXiv 2502.12928). All M K experts work for every token, so the weights are read once a batch,
// as those of the dense layer; it saves no work. Sums are in the order of finedeep_layer, which trains it.
#pragma once

#include <fissile/route/squashes.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/finedeep_weights.hpp>
#include <fissile/train/rms_norm.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace fissile {

/// What a Finedeep layer learned beside its matrices. Borrowed; left out as in finedeep_weights.
struct finedeep_gates {
  matrix_view<const float> routers = {};  // [M K x width]; left out: every weight is 1
  matrix_view<const float> norms = {};    // [M x width]; left out: no norm
};

/// Room for one batch: that of the experts, and three times [batch x width] numbers. Sized once, for this layer.
class finedeep_workspace {
public:
  template <class Layer>
  explicit finedeep_workspace(const Layer& layer, workspace_settings settings = {}, executor_reference run = {})
      : experts_(layer, settings, run),
        normed_(to_size(settings.batch * layer.width())),
        output_(normed_.size()),
        inverses_(to_size(settings.batch)) {}

  workspace& experts() noexcept { return experts_; }
  matrix_view<float> normed(index_t tokens) noexcept { return {normed_.data(), tokens, experts_.width()}; }
  matrix_view<float> output(index_t tokens) noexcept { return {output_.data(), tokens, experts_.width()}; }
  vector_view<float> inverses(index_t tokens) noexcept { return {inverses_.data(), tokens}; }

private:
  workspace experts_;
  std::vector<float> normed_, output_;  // [batch x width]
  std::vector<float> inverses_;         // [batch]
};

///   const finedeep_ffn run{borrow(ffn, finedeep::split(ffn, chosen)), silu{}, finedeep::grid(chosen), {rows, gains}};
///   finedeep_workspace work{run, {.batch = 8}};
///   run(residual, work);
template <class Storage, class Activation>
class finedeep_ffn {
public:
  /// storage: the M K experts, those of the first sub-layer first. Throws setting_error where they are not M K,
  /// shape_error where routers or norms do not fit, or where the layer has a bias of down, which is no expert's.
  finedeep_ffn(Storage storage, Activation activate, finedeep_grid grid, finedeep_gates gates)
      : run_(checked(std::move(storage)), std::move(activate)), grid_(grid), gates_(gates) {
    if (grid.sublayers < 1 || grid.experts < 1 || grid.sublayers * grid.experts != run_.experts()) {
      fail<setting_error>({.argument = "finedeep_ffn: sublayers * experts",
                           .expected = "the " + std::to_string(run_.experts()) + " experts of the storage",
                           .got = std::to_string(grid.sublayers) + " * " + std::to_string(grid.experts)});
    }
    check("finedeep_ffn: routers", gates.routers, experts());
    check("finedeep_ffn: norms", gates.norms, grid.sublayers);
  }

  index_t width() const noexcept { return run_.width(); }
  index_t neurons() const noexcept { return run_.neurons(); }
  /// M K.
  index_t experts() const noexcept { return run_.experts(); }
  index_t largest_expert() const noexcept { return run_.largest_expert(); }

  /// stream: h_0, the residual stream, becomes h_M. [tokens x width] Allocates nothing, throws nothing. The observer
  /// is told of every expert, at weight 1.
  template <observer Observer = no_observer>
  void operator()(matrix_view<float> stream, finedeep_workspace& work, Observer&& watch = {}) const noexcept {
    const index_t tokens = stream.rows();
    Expects(stream.columns() == width() && work.experts().width() == width() && tokens <= work.experts().batch());
    const matrix_view<float> input = work.normed(tokens), output = work.output(tokens);
    for (index_t j = 0; j < grid_.sublayers; ++j) {
      start(j, stream, work.inverses(tokens), input);
      for (index_t e = j * grid_.experts; e < (j + 1) * grid_.experts; ++e) {
        work.experts().choose_these(tokens, {&e, 1});
        run_(input, work.experts(), output, watch);
        add_weighed(e, output, stream);
      }
    }
  }

private:
  static Storage checked(Storage storage) {
    if (storage.down_bias().empty()) return storage;
    fail<shape_error>({.argument = "finedeep_ffn: storage",
                       .expected = "a layer without a bias of down",
                       .got = "one with it",
                       .cure = "each expert would add it, times its weight"});
  }
  /// What sub-layer j reads.
  void start(index_t j, matrix_view<const float> stream, vector_view<float> inverses,
             matrix_view<float> input) const noexcept {
    if (!gates_.norms.empty()) {
      return rms_norm<float>{gates_.norms.row(j), grid_.epsilon}.forward(stream, inverses, input);
    }
    for (index_t token = 0; token < stream.rows(); ++token) {
      std::copy(stream.row(token).begin(), stream.row(token).end(), input.row(token).begin());
    }
  }
  void add_weighed(index_t e, matrix_view<const float> output, matrix_view<float> stream) const noexcept {
    for (index_t token = 0; token < output.rows(); ++token) {
      const float* said = output.row(token).data();
      float weight = 1;
      if (!gates_.routers.empty()) {
        const float* row = gates_.routers.row(e).data();
        float score = 0;
        for (index_t i = 0; i < width(); ++i) score += said[i] * row[i];
        weight = sigmoid::of(score);
      }
      float* sum = stream.row(token).data();
      for (index_t i = 0; i < width(); ++i) sum[i] += weight * said[i];
    }
  }
  void check(const char* what, matrix_view<const float> given, index_t rows) const {
    if (given.empty() || (given.rows() == rows && given.columns() == width())) return;
    fail<shape_error>({.argument = what, .expected = shape_of(rows, width()), .got = shape_of(given)});
  }

  sparse_ffn<Storage, Activation> run_;
  finedeep_grid grid_;
  finedeep_gates gates_;
};

}  // namespace fissile
