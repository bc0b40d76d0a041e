// What looking on costs: the sparse layer with each observer beside the layer alone.
//
//   observers [--width 2048 --neurons 5632] [--active 0.25] [--batch 1,128] [--element float]
#include "element_bench.hpp"
#include "layer_bench.hpp"

namespace {

using namespace fissile;
using namespace fissile::bench;

/// A call of the next copy with the next draw, watched.
template <class Layer, class Observer>
void add_watched(contest& turns, const Layer& layer, row told, const draws& drawn, const std::vector<float>& tokens,
                 crew& threads, std::shared_ptr<Observer> watch) {
  auto work = std::make_shared<workspace>(layer.sparse()[0], workspace_settings{.batch = told.batch}, threads.pool());
  const auto call = [&layer, &drawn, &tokens, work, watch, told, out = std::vector<float>(tokens.size()),
                     next = std::size_t{0}]() mutable {
    const chosen_experts& now = drawn[next];
    choose(now, told.batch, *work);
    const matrix_view<float> result{out.data(), told.batch, told.width};
    layer.sparse()[next++]({tokens.data(), told.batch, told.width}, *work, result, watch->observer());
    return layer.cost(now);
  };
  turns.add({told, call, layer.burst()});
}

struct counting {
  activation_counts counts;
  explicit counting(const partition& split) : counts(split, {.labels = {"text"}, .layers = 1}) {}
  auto observer() { return counts.at(0, 0); }
};
struct pairing {
  coactivation_counts counts;
  explicit pairing(const partition& split) : counts(split, {.labels = {"text"}, .layers = 1}) {}
  auto observer() { return counts.at(0, 0); }
};
struct measuring {
  neuron_magnitudes found;
  explicit measuring(const partition& split) : found({split}) {}
  auto observer() { return found.at(0); }
};
struct everything {
  activation_counts counts;
  neuron_magnitudes found;
  route_counter counter;
  neuron_observer neurons;
  explicit everything(const partition& split)
      : counts(split, {.labels = {"text"}, .layers = 1}),
        found({split}),
        counter(counts.at(0, 0)),
        neurons(found.at(0)) {}
  auto observer() { return observers{counter, neurons}; }
};

template <class Layer>
std::vector<row> watch(Layer& layer, crew& threads, stream_read& stream, index_t batch) {
  const std::vector<float> tokens = random_tokens(batch, layer.told(threads, batch).width);
  return layer.run(threads, stream, tokens, [&](contest& turns, row told, const draws& drawn) {
    const auto add = [&]<class Observer>(const char* name, std::shared_ptr<Observer> one) {
      told.name = name;
      add_watched(turns, layer, told, drawn, tokens, threads, std::move(one));
    };
    add("counts", std::make_shared<counting>(layer.split()));
    add("coactivation", std::make_shared<pairing>(layer.split()));
    add("neurons", std::make_shared<measuring>(layer.split()));
    add("counts+neurons", std::make_shared<everything>(layer.split()));
    told.name = "features";  // no observer of the layer: it looks at the states around it
    auto features = std::make_shared<feature_magnitudes>(feature_settings{.layers = 1, .width = told.width});
    turns.add({told,
               [features, told, &tokens] {
                 features->add(0, {tokens.data(), told.batch, told.width});
                 return work_done{4.0 * static_cast<double>(tokens.size()), 2.0 * static_cast<double>(tokens.size())};
               },
               layer.burst()});
  });
}

void print_costs(const std::vector<row>& rows) {
  const row* alone = nullptr;
  for (const row& r : rows) {
    if (r.name == "fissile") alone = &r;
    if (alone == nullptr || r.active != alone->active || r.name == "fissile") continue;
    const bool beside = r.name == "features";
    const bool watched =
        beside || r.name == "counts" || r.name == "coactivation" || r.name == "neurons" || r.name == "counts+neurons";
    if (!watched) continue;
    const double more = beside ? r.seconds : r.seconds - alone->seconds;
    fmt::print("{} x {}, {}, active {:.3f}, batch {}, threads {}: {} costs {:+.2f} % of the layer\n", r.width,
               r.neurons, r.element, r.active, r.batch, r.threads, r.name, 100 * more / alone->seconds);
  }
}

}  // namespace

int main(int count, char** arguments) {
  clean_environment(arguments);
  return guarded([&] {
    options preset;
    preset.batch = {1, 128};
    preset.active = {0.25};
    preset.peers = {"onednn", "eigen"};
    const options given = read_options(count, arguments, "The sparse layer with observers", preset);
    print_costs(run_all(given, {{2048, 5632, 0}}, [](auto& layer, crew& threads, stream_read& stream, index_t batch) {
      return watch(layer, threads, stream, batch);
    }));
  });
}
