// Ten thousand random packed layers against the formula in double, with the coverage of every category asserted.
#include <fissile/base/thread_pool.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include "properties/packed_kinds.hpp"
#include "properties/packed_reference.hpp"

#include <cstring>
#include <map>

namespace fissile {
namespace {

using testing::leaky;

constexpr int draws = 10000;
constexpr index_t most_neurons = 300, most_batch = 70, most_threads = 4, most_width = 150, most_experts = 24;

enum class division { whole, even, shuffled, uneven, loners };

struct draw {
  std::string kind;
  instruction_set set;
  division how;
  index_t neurons, batch, threads;
};

struct largest_layer {
  index_t width() const noexcept { return most_width; }
  index_t neurons() const noexcept { return most_neurons; }
  index_t experts() const noexcept { return most_experts; }
  index_t largest_expert() const noexcept { return most_neurons; }
};

/// Remembers the activations of every neuron that ran. [tokens x neurons]
struct remembers {
  const partition* split;
  std::vector<float>* hidden;
  void expert(index_t token, choice chosen, vector_view<const float> activations) noexcept {
    float* place = hidden->data() + token * split->neurons() + split->offset(chosen.expert);
    std::copy(activations.begin(), activations.end(), place);
  }
};

/// Everything that is made once: numbers of every type, threads and workspaces.
class packed_draws : public ::testing::Test {
public:
  random_source random{1};
  const std::vector<float> floats = testing::random_numbers<float>(random, 1 << 17, 0.2);
  const std::vector<bf16> halves = testing::random_numbers<bf16>(random, 1 << 17, 0.2);
  const std::vector<f16> binary16 = testing::random_numbers<f16>(random, 1 << 17, 0.2);
  thread_pool pools[most_threads] = {thread_pool{1}, thread_pool{2}, thread_pool{3}, thread_pool{4}};
  workspace works[most_threads] = {workspace{largest_layer{}, {.batch = most_batch}, pools[0]},
                                   workspace{largest_layer{}, {.batch = most_batch}, pools[1]},
                                   workspace{largest_layer{}, {.batch = most_batch}, pools[2]},
                                   workspace{largest_layer{}, {.batch = most_batch}, pools[3]}};
  std::vector<float> hidden = std::vector<float>(most_batch * most_neurons);

  template <class T>
  const T* numbers(index_t count) {  // a window, anywhere
    const index_t first = random.below((1 << 17) - count);
    if constexpr (std::same_as<T, float>) return floats.data() + first;
    if constexpr (std::same_as<T, bf16>) return halves.data() + first;
    if constexpr (std::same_as<T, f16>) return binary16.data() + first;
  }
  template <class T>
  ffn_weights<T> layer(index_t width, index_t neurons) {
    const index_t all = width * neurons;
    ffn_weights<T> ffn{.up = {numbers<T>(all), neurons, width}, .down = {numbers<T>(all), width, neurons}};
    if (random.below(2) == 0) ffn.gate = {numbers<T>(all), neurons, width};
    if (ffn.gated() && random.below(2) == 0) ffn.gate_bias = {numbers<float>(neurons), neurons};
    if (random.below(2) == 0) ffn.up_bias = {numbers<float>(neurons), neurons};
    if (random.below(2) == 0) ffn.down_bias = {numbers<float>(width), width};
    return ffn;
  }
  partition divided(division how, index_t neurons) {
    const index_t experts = 1 + random.below(std::min(neurons, most_experts));
    if (how == division::whole) return even_slices{}.split(neurons, 1);
    if (how == division::even) return even_slices{}.split(neurons, experts);
    if (how == division::uneven) return testing::uneven_split(random, neurons, experts);
    std::vector<index_t> order = ascending(neurons);
    shuffle(order, random);
    if (how == division::shuffled) return partition{cut_evenly(order, experts, "draw")};
    std::vector<std::vector<index_t>> split(to_size(experts));  // alone, but for the last one
    for (index_t j = 0; j < neurons; ++j) split[to_size(std::min(j, experts - 1))].push_back(order[to_size(j)]);
    return partition{std::move(split)};
  }

  template <class Kind>
  void try_one(const draw& d) {
    using T = typename Kind::stored;
    const index_t width = 1 + random.below(random.below(8) == 0 ? most_width : 40);
    const auto ffn = layer<typename Kind::source>(width, d.neurons);
    const partition split = divided(d.how, d.neurons);
    auto packed = pack<T, aligned_memory>(borrow(ffn, split), Kind::settings(random, d.set));
    if constexpr (std::same_as<T, int8>) {
      const owned_ffn<float> dequantised = unpack(packed);
      run_one<Kind>(d, dequantised.view(), sparse_ffn{std::move(packed), typename Kind::activation_type{}});
    } else {
      run_one<Kind>(d, ffn, sparse_ffn{std::move(packed), typename Kind::activation_type{}});
    }
  }
  template <class Kind, class T, class Layer>
  void run_one(const draw& d, const ffn_weights<T>& ffn, const Layer& run) {
    const index_t width = ffn.width(), in_stride = width + random.below(3), out_stride = width + random.below(3);
    workspace& work = works[d.threads - 1];
    testing::random_choices(random, work, d.batch, run.experts(), random.uniform());
    const matrix_view<const float> in{numbers<float>(d.batch * in_stride), d.batch, width, in_stride};
    const float* start = numbers<float>(d.batch * out_stride);
    std::vector<float> y(start, start + d.batch * out_stride), seen = y;
    run.accumulate(in, work, {y.data(), d.batch, width, out_stride});
    run.accumulate(in, work, {seen.data(), d.batch, width, out_stride}, remembers{&run.split(), &hidden});
    ASSERT_EQ(std::memcmp(y.data(), seen.data(), y.size() * sizeof(float)), 0) << "an observer changed the output";
    for (int check = 0; check < 4; ++check) {
      const index_t token = check == 0 ? d.batch - 1 : random.below(d.batch);
      const float* begin = start + token * out_stride;
      testing::expect_formula<Kind>(ffn, run.split(),
                                    {in.row(token), work.routes()[token], begin, &y[to_size(token * out_stride)],
                                     hidden.data() + token * ffn.neurons()});
      if (HasFatalFailure()) return;
    }
  }
};

TEST_F(packed_draws, equal_the_formula) {
  using trial = void (packed_draws::*)(const draw&);
  constexpr products dot = products::bf16_dot;
  using testing::packed_kind;
  const std::pair<const char*, trial> kinds[] = {{"float", &packed_draws::try_one<packed_kind<float, silu>>},
                                                 {"bf16", &packed_draws::try_one<packed_kind<bf16, leaky>>},
                                                 {"bf16_dot", &packed_draws::try_one<packed_kind<bf16, silu, dot>>},
                                                 {"f16", &packed_draws::try_one<packed_kind<f16, relu2>>},
                                                 {"int8", &packed_draws::try_one<packed_kind<int8, gelu_tanh>>}};
  const auto& sets = testing::machine_sets();
  std::map<std::pair<std::string, instruction_set>, int> kinds_and_sets;
  std::map<division, int> divisions;
  std::map<index_t, int> neurons, batches, threads;
  for (int i = 0; i < draws; ++i) {
    const auto& [kind, attempt] = kinds[random.below(5)];
    const draw d{.kind = kind,
                 .set = sets[to_size(random.below(length(sets)))],
                 .how = static_cast<division>(random.below(5)),
                 .neurons = 1 + random.below(random.below(2) == 0 ? most_neurons : 40),  // half of them cheap
                 .batch = 1 + random.below(random.below(2) == 0 ? most_batch : 12),
                 .threads = 1 + random.below(most_threads)};
    (this->*attempt)(d);
    ASSERT_FALSE(HasFatalFailure()) << "draw " << i << ": " << kind << ", " << name_of(d.set) << ", division "
                                    << static_cast<int>(d.how) << ", " << d.neurons << " neurons, batch " << d.batch
                                    << ", " << d.threads << " threads";
    ++kinds_and_sets[{kind, d.set}];
    ++divisions[d.how];
    ++neurons[d.neurons];
    ++batches[d.batch];
    ++threads[d.threads];
  }
  EXPECT_EQ(kinds_and_sets.size(), 5 * sets.size());
  EXPECT_EQ(divisions.size(), 5u);
  EXPECT_EQ(neurons.size(), to_size(most_neurons));
  EXPECT_EQ(batches.size(), to_size(most_batch));
  EXPECT_EQ(threads.size(), to_size(most_threads));
  for (const instruction_set set : all_instruction_sets) {
    RecordProperty(name_of(set), available(set) ? "run" : "skipped");
  }
}

}  // namespace
}  // namespace fissile
