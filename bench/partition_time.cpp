// How long balanced clusters take, how that grows with the neurons, and the memory at its peak.
//
//   partition_time [--width 4096 --neurons 11008 --experts 86] [--element float|bf16|f16]
//
// Three layers of a quarter, a half and all of the neurons, into as many experts. `flops`: what the distances of all
// rounds would cost as dense products; a split that settles sooner does less. Standard error tells how far it is.
#include "layer_bench.hpp"
#include "weights.hpp"

#include <fissile/fissile.hpp>

#include <fstream>

namespace {

using namespace fissile;
using namespace fissile::bench;

/// Forgets the peak so far, where the system can (Linux).
void reset_peak_memory() {
  std::ofstream("/proc/self/clear_refs") << "5\n";
}
/// Bytes of memory at the peak since then; 0 where the system does not tell.
double peak_memory() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return 1024 * std::stod(line.substr(6));
  }
  return 0;
}

/// Says on standard error how far a split is, a tenth at a time.
class tenths {
public:
  explicit tenths(index_t neurons) : neurons_(neurons) {}
  void operator()(index_t done, index_t of) const {
    if (10 * done / of == shown_) return;
    shown_ = 10 * done / of;
    fmt::print(stderr, "{} neurons: {} %\n", neurons_, 10 * shown_);
  }

private:
  index_t neurons_;
  mutable index_t shown_ = 0;
};

template <element T>
row time_split(const layer_shape& shape, row told, double peak) {
  plain_weights<T> weights(shape);
  weights.fill(1);
  const balanced_clusters clusters{};
  const double passes = static_cast<double>(clusters.rounds + 1);
  const double distances = static_cast<double>(shape.neurons * shape.experts);
  told.neurons = shape.neurons;
  told.bytes = 3.0 * static_cast<double>(shape.width * shape.neurons) * sizeof(T);
  told.flops = 2 * passes * distances * static_cast<double>(shape.width);
  reset_peak_memory();
  told.seconds = seconds_of([&] { clusters.split(weights.view(), shape.experts, tenths{shape.neurons}); });
  told.share_of_limit = told.flops / peak / told.seconds;
  const double memory = peak_memory() / told.bytes;
  told.against = fmt::format("memory {:.2f} x the weights, target <= 2 {}", memory, memory <= 2 ? "met" : "MISSED");
  return told;
}

std::vector<row> time_growth(const options& given, const layer_shape& shape, const std::string& element) {
  crew threads(1);
  const double peak = peak_rate(threads, burst_for(best_instruction_set()));
  std::vector<row> rows;
  for (const index_t part : {4, 2, 1}) {
    row told;
    told.name = part == 4 ? "quarter" : part == 2 ? "half" : "fissile";
    told.element = element;
    told.width = shape.width;
    told.experts = shape.experts;
    told.active = given.active.front();
    const layer_shape less{shape.width, shape.neurons / part, shape.experts};
    if (element == "float") rows.push_back(time_split<float>(less, told, peak));
    if (element == "bf16") rows.push_back(time_split<bf16>(less, told, peak));
    if (element == "f16") rows.push_back(time_split<f16>(less, told, peak));
    if (rows.empty()) continue;
    const row& now = rows.back();
    fmt::print("{} neurons x {} into {}, {}: {:.2f} s, {:.1f} GFLOP/s; {}\n", now.neurons, now.width, now.experts,
               now.element, now.seconds, now.flops / now.seconds / 1e9, now.against);
    std::fflush(stdout);
  }
  if (rows.size() == 3) {
    const double growth = std::log(rows[2].seconds / rows[0].seconds) / std::log(4.0);
    fmt::print("time grows as neurons ^ {:.2f}, target near-linear (<= 1.2) {}\n", growth,
               growth <= 1.2 ? "met" : "MISSED");
  } else {
    fmt::print("{}: clusters are made of float, bf16 and f16 only\n", element);
  }
  return rows;
}

}  // namespace

int main(int count, char** arguments) {
  return guarded([&] {
    options preset;
    preset.batch = {1};
    preset.active = {1};
    const options given = read_options(count, arguments, "The time and memory of balanced clusters", preset);
    std::vector<row> rows;
    for (const layer_shape& shape : given.layers({{4096, 11008, 86}})) {
      for (const std::string& element : given.element) {
        const std::vector<row> more = time_growth(given, shape, element);
        rows.insert(rows.end(), more.begin(), more.end());
      }
    }
    write_json(given.json, rows);
  });
}
