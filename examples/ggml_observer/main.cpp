// fissile inside ggml: a callback that counts what a graph chooses, and a custom op that runs a packed sparse layer in
// a graph, both held against plain loops and ggml's own operations.
#include "layers.hpp"
#include "sparse_op.hpp"

#include <fissile/fissile.hpp>

#include <cstdio>

namespace {

using namespace fissile;
using namespace fissile::ggml_observer;

constexpr index_t width = 96, experts = 12, each = 40, neurons = experts * each, tokens = 29;
constexpr int used = 3;

void tell(const char* what, bool holds) {
  std::printf("%s: %s\n", what, holds ? "yes" : "no");
}

struct numbers_of_a_layer {
  std::vector<float> gate, up, down, scores, x;
  explicit numbers_of_a_layer(random_source& random) {
    const auto draw = [&](index_t count, double scale) {
      std::vector<float> made(to_size(count));
      for (float& number : made) number = static_cast<float>(scale * random.normal());
      return made;
    };
    gate = draw(neurons * width, 0.1);
    up = draw(neurons * width, 0.1);
    down = draw(width * neurons, 0.05);
    scores = draw(experts * width, 0.1);
    x = draw(tokens * width, 1);
  }
  ffn_weights<float> ffn() const {
    return {{gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  }
  /// The same numbers as a mixture.
  stacked_ffn_weights<float> stack() const {
    return {{gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), experts * width, each}, experts};
  }
  matrix_view<const float> rows() const { return {scores.data(), experts, width}; }
  matrix_view<const float> in() const { return {x.data(), tokens, width}; }
};

/// What the graph's custom op makes of the tokens.
template <class Op>
std::vector<float> by_graph(Op& op, matrix_view<const float> in, int threads) {
  ggml_graph graph{threads};
  // [add the op]
  ggml_tensor* x = graph.leaf(in);
  op.check(x);  // while building: what does not fit is refused with a sentence
  ggml_tensor* y = ggml_map_custom1(graph.context(), x, &Op::template map<ggml_tensor>, GGML_N_TASKS_MAX, &op);
  // [add the op]
  graph.want(y);
  graph.compute();
  return ggml_graph::numbers_of(y);
}

template <class Run>
std::vector<float> directly(const Run& run, const auto& choose, matrix_view<const float> in) {
  workspace work{run, {.batch = tokens}};
  std::vector<float> out(to_size(tokens * width));
  choose(in, work);
  run(in, work, {out.data(), tokens, width});
  return out;
}

void show_the_op(const numbers_of_a_layer& layer) {
  ggml_graph graph{2};
  ggml_tensor* dense = dense_layer(graph, layer.ffn(), graph.leaf(layer.in()));
  graph.want(dense);
  graph.compute();
  const std::vector<float> expected = ggml_graph::numbers_of(dense);
  const auto apart = [&](const std::vector<float>& out) {
    return exactness(layer.ffn(), silu{}, layer.in(), {out.data(), tokens, width});
  };
  tell("ggml's own layer is exact", apart(expected) <= exactness_bound);

  // [the op]
  const sparse_ffn run{pack(layer.ffn(), even_slices{}.split(layer.ffn(), experts)), silu{}};
  const router choose{linear_scorer{layer.rows()}, sigmoid{}, top_k{.k = used}};
  desk shared{run, {.batch = 16, .threads = 4}};  // all layers of a graph share it
  sparse_op routed{run, choose, shared};
  sparse_op whole{run, all_on{run.experts()}, shared};
  // [the op]
  bool same = true, same_whole = true;
  for (const int threads : {1, 2, 3, 4}) {
    same = same && by_graph(routed, layer.in(), threads) == directly(run, choose, layer.in());
    same_whole = same_whole && by_graph(whole, layer.in(), threads) == directly(run, all_on{experts}, layer.in());
  }
  tell("the op with all experts on is exact", apart(by_graph(whole, layer.in(), 2)) <= exactness_bound);
  tell("the op equals the layer outside of ggml bit for bit, 1 to 4 threads, all on", same_whole);
  tell("the op equals the layer outside of ggml bit for bit, 1 to 4 threads, routed", same);
}

void show_the_callback(const numbers_of_a_layer& layer) {
  ggml_graph graph{2};
  ggml_tensor* x = graph.leaf(layer.in());
  const mixture_nodes nodes = mixture_layer(graph, layer.stack(), layer.rows(), x, used);
  const sparse_ffn run{pack(layer.stack()), silu{}};
  desk shared{run, {.threads = 2}};
  sparse_op op{run, all_on{experts}, shared};
  // [add the op behind the graph's choice]
  ggml_tensor* sources[] = {x, nodes.chosen};
  ggml_tensor* ours = ggml_custom_4d(graph.context(), GGML_TYPE_F32, width, tokens, 1, 1, sources, 2,
                                     &decltype(op)::routed<ggml_tensor>, GGML_N_TASKS_MAX, &op);
  // [add the op behind the graph's choice]
  ggml_tensor* chosen = ggml_cont(graph.context(), nodes.chosen);
  for (ggml_tensor* result : {nodes.gates, nodes.out, chosen, ours}) graph.want(result);

  // [watch]
  activation_counts counts{run.split(), {.labels = {"en", "de"}, .layers = 1, .corpus = "mine"}};
  firing_rates gates{{neurons}, {.labels = {"en", "de"}, .layers = 1, .corpus = "mine"}};
  engine_watch watch{{.routes = &counts, .gates = &gates}};
  watch.begin(1);  // what follows is German
  graph.compute(host_callback<engine_watch>, &watch);
  watch.check();
  // [watch]

  std::vector<std::uint64_t> plain(experts, 0), fires(neurons, 0);
  const std::vector<std::int32_t> ids = ggml_graph::numbers_of<std::int32_t>(chosen);
  const std::vector<float> values = ggml_graph::numbers_of(nodes.gates);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto expert = static_cast<std::size_t>(ids[i]);
    ++plain[expert];
    for (std::size_t j = 0; j < to_size(each); ++j) fires[expert * each + j] += values[i * each + j] > 0 ? 1 : 0;
  }
  tell("counts by the callback equal a plain count", counts.of("de", 0).uses == plain && counts.tokens("de") == tokens);
  tell("so do the neurons that fired", gates.of("de", 0).fires == fires);

  const std::vector<float> theirs = ggml_graph::numbers_of(nodes.out), mine = ggml_graph::numbers_of(ours);
  float apart = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) apart = std::max(apart, std::abs(mine[i] - theirs[i]));
  tell("the op behind the graph's choice equals ggml's mixture to 1e-4", apart < 1e-4f);
}

}  // namespace

int main() {
  random_source random{11};
  const numbers_of_a_layer layer{random};
  show_the_op(layer);
  show_the_callback(layer);
}
