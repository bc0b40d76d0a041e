// A training step of one layer, forward and backward, against the dense layer's by Eigen.
//
//   bench_training [width] [neurons] [experts] [batch]      one thread; defaults 512 1408 32 256
//
// Eigen: three products forward and six backward, and the activation, by the headers this program was compiled with.
// The straight-through rule asks every expert of every token how it would have done: the sums before the activation and
// dL/dhidden, three products of the nine, stay dense whatever the share of experts that work.
#include "measure.hpp"

#include <fissile/fissile.hpp>

#include <fmt/format.h>
#include <Eigen/Core>

#include <cstdlib>

namespace {

using fissile::index_t;
using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using layer_type = fissile::trainable_ffn<float, float, fissile::silu>;

fissile::matrix_view<float> view(matrix& m) {
  return {m.data(), m.rows(), m.cols()};
}
fissile::matrix_view<const float> view(const matrix& m) {
  return {m.data(), m.rows(), m.cols()};
}

/// Weights, a batch, the gradient of a loss, and room for every result.
struct problem {
  index_t experts;
  matrix gate, up, down, router, tokens, out_gradient;
  matrix out, gate_gradient, up_gradient, down_gradient, router_gradient, token_gradient;

  problem(index_t width, index_t neurons, index_t experts_, index_t batch)
      : experts(experts_),
        gate(random(neurons, width)),
        up(random(neurons, width)),
        down(random(width, neurons)),
        router(random(experts, width)),
        tokens(matrix::Random(batch, width)),
        out_gradient(matrix::Random(batch, width)),
        out(batch, width),
        gate_gradient(matrix::Zero(neurons, width)),
        up_gradient(matrix::Zero(neurons, width)),
        down_gradient(matrix::Zero(width, neurons)),
        router_gradient(matrix::Zero(experts, width)),
        token_gradient(matrix::Zero(batch, width)) {}

  static matrix random(index_t rows, index_t columns) {
    return matrix::Random(rows, columns) / std::sqrt(static_cast<float>(columns));
  }
  fissile::ffn_weights<float> ffn() const { return {view(gate), view(up), view(down)}; }
  layer_type layer(float threshold) const {
    return {fissile::borrow(ffn(), fissile::even_slices{}.split(ffn(), experts)), view(router), fissile::silu{},
            fissile::threshold_gate{.threshold = threshold}};
  }
  fissile::ffn_gradients<float> gradients() {
    return {.gate = view(gate_gradient),
            .up = view(up_gradient),
            .down = view(down_gradient),
            .router = view(router_gradient),
            .tokens = view(token_gradient)};
  }
  /// The threshold that lets this share of the batch's values through.
  float threshold_for(double share) const {
    const layer_type any = layer(0.5f);
    fissile::training_scratch scratch{any, {.batch = tokens.rows()}};
    fissile::tape remembered{any, scratch};
    matrix ignored(tokens.rows(), tokens.cols());
    any.forward(view(tokens), remembered, view(ignored));
    const auto all = std::as_const(remembered).values();
    std::vector<float> values(all.data(), all.data() + all.rows() * all.columns());
    std::sort(values.begin(), values.end(), std::greater<>{});
    const auto passed = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return passed < values.size() ? values[passed] : -1.0f;
  }
};

/// The dense layer and its gradients, product by product.
struct dense {
  problem* given;
  matrix inner, outer, activated, hidden, hidden_gradient, inner_gradient;

  void forward() {
    inner.noalias() = given->tokens * given->gate.transpose();
    outer.noalias() = given->tokens * given->up.transpose();
    activated = inner.array() / (1 + (-inner.array()).exp());
    hidden = activated.array() * outer.array();
    given->out.noalias() = hidden * given->down.transpose();
  }
  void backward() {
    given->down_gradient.noalias() += given->out_gradient.transpose() * hidden;
    hidden_gradient.noalias() = given->out_gradient * given->down;
    inner_gradient = 1 / (1 + (-inner.array()).exp());
    inner_gradient.array() *=
        (1 + inner.array() * (1 - inner_gradient.array())) * outer.array() * hidden_gradient.array();
    hidden_gradient.array() *= activated.array();
    given->gate_gradient.noalias() += inner_gradient.transpose() * given->tokens;
    given->up_gradient.noalias() += hidden_gradient.transpose() * given->tokens;
    given->token_gradient.noalias() += inner_gradient * given->gate;
    given->token_gradient.noalias() += hidden_gradient * given->up;
  }
};

int run(index_t width, index_t neurons, index_t experts, index_t batch) {
  std::srand(1);  // Eigen's Random
  problem given(width, neurons, experts, batch);
  dense eigen{.given = &given,
              .inner = {},
              .outer = {},
              .activated = {},
              .hidden = {},
              .hidden_gradient = {},
              .inner_gradient = {}};
  std::vector<std::function<void()>> works{[&] { eigen.forward(); }, [&] { eigen.backward(); }};
  const std::vector<double> shares{1, 0.5, 0.25, 0.125};
  std::vector<layer_type> layers;
  for (const double share : shares) layers.push_back(given.layer(given.threshold_for(share)));
  fissile::training_scratch scratch{layers[0], {.batch = batch}};
  std::vector<fissile::tape<float>> tapes;
  tapes.reserve(layers.size());
  for (const layer_type& layer : layers) {
    fissile::tape<float>& remembered = tapes.emplace_back(layer, scratch);
    works.emplace_back([&] { layer.forward(view(given.tokens), remembered, view(given.out)); });
    works.emplace_back([&] { layer.backward(remembered, view(given.out_gradient), given.gradients()); });
  }
  const std::vector<double> seconds = fissile::bench::paired_medians(works, 15);
  const auto row = [&](const std::string& name, std::size_t at) {
    const double both = seconds[at] + seconds[at + 1];
    fmt::print("{:<22}{:>12.2f}{:>13.2f}{:>13.2f}{:>24.2f}\n", name, seconds[at] * 1e3, seconds[at + 1] * 1e3,
               both * 1e3, both / (seconds[0] + seconds[1]));
  };
  fmt::print("width {} neurons {} experts {} batch {}, float, one thread\n", width, neurons, experts, batch);
  fmt::print("{:<22}{:>12}{:>13}{:>13}{:>24}\n", "", "forward ms", "backward ms", "both ms", "both, of Eigen dense");
  row("Eigen dense", 0);
  for (std::size_t i = 0; i < shares.size(); ++i) row(fmt::format("{:.1f} % of experts", 100 * shares[i]), 2 + 2 * i);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i, index_t otherwise) {
    return count > i ? static_cast<index_t>(std::atol(arguments[i])) : otherwise;
  };
  return run(number(1, 512), number(2, 1408), number(3, 32), number(4, 256));
}
