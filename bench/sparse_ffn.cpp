// The sparse layer over borrowed weights against the dense layer by Eigen, and against reading the bytes once.
//
//   bench_sparse_ffn [width] [neurons] [experts] [batch]      one thread; defaults 1024 2816 32 1
//
// Eigen: three products and the activation, by the headers this program was compiled with. Stream: the sum of as many
// floats as the layer's weights that the chosen experts hold.
#include "measure.hpp"

#include <fissile/fissile.hpp>

#include <fmt/format.h>
#include <Eigen/Core>

#include <cstdlib>

namespace {

using fissile::index_t;
using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

float stream(const matrix& numbers, index_t count) {
  return Eigen::Map<const Eigen::ArrayXf>(numbers.data(), std::min<index_t>(count, numbers.size())).sum();
}

int run(index_t width, index_t neurons, index_t experts, index_t batch) {
  std::srand(1);  // Eigen's Random
  const matrix gate = matrix::Random(neurons, width), up = matrix::Random(neurons, width);
  const matrix down = matrix::Random(width, neurons), tokens = matrix::Random(batch, width);
  const matrix all = matrix::Random(3 * neurons, width);
  matrix out(batch, width), hidden(batch, neurons);
  const fissile::ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  const fissile::sparse_ffn run{fissile::borrow(ffn, fissile::even_slices{}.split(ffn, experts)), fissile::silu{}};
  const fissile::matrix_view<const float> in{tokens.data(), batch, width};
  const fissile::matrix_view<float> result{out.data(), batch, width};
  volatile float sink = 0;

  std::vector<fissile::workspace> spaces;
  std::vector<std::function<void()>> works;
  works.emplace_back([&] {
    hidden.noalias() = tokens * gate.transpose();
    const matrix input = tokens * up.transpose();
    hidden.array() = hidden.array() / (1 + (-hidden.array()).exp()) * input.array();
    out.noalias() = hidden * down.transpose();
  });
  const std::vector<index_t> active{experts, experts / 2, experts / 4, experts / 8};
  spaces.reserve(active.size());
  fissile::random_source random{2};
  for (index_t k : active) {
    fissile::workspace& work = spaces.emplace_back(run, fissile::workspace_settings{.batch = batch});
    work.start(batch);
    for (fissile::route& chosen : work.routes()) {  // k of the experts, other ones for each token
      const index_t first = random.below(experts);
      for (index_t i = 0; i < k; ++i) chosen.append({(first + i * 5) % experts, 1.0f});
      chosen.settle();
    }
    works.emplace_back([&run, &work, in, result] { run(in, work, result); });
    works.emplace_back([&all, &sink, k, experts] { sink = stream(all, all.size() * k / experts); });
  }
  const std::vector<double> seconds = fissile::bench::paired_medians(works, 15);
  fmt::print("width {} neurons {} experts {} batch {}, float, one thread\n", width, neurons, experts, batch);
  fmt::print("{:<22}{:>10}{:>16}{:>20}\n", "", "us", "of Eigen dense", "stream read / time");
  fmt::print("{:<22}{:>10.1f}{:>16.2f}\n", "Eigen dense", seconds[0] * 1e6, 1.0);
  for (std::size_t i = 0; i < active.size(); ++i) {
    const double time = seconds[1 + 2 * i];
    fmt::print(
        "{:<22}{:>10.1f}{:>16.2f}{:>20.2f}\n",
        fmt::format("{:.1f} % of experts", 100.0 * static_cast<double>(active[i]) / static_cast<double>(experts)),
        time * 1e6, time / seconds[0], seconds[2 + 2 * i] / time);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i, index_t otherwise) {
    return count > i ? static_cast<index_t>(std::atol(arguments[i])) : otherwise;
  };
  return run(number(1, 1024), number(2, 2816), number(3, 32), number(4, 1));
}
