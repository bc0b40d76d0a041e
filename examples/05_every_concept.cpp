// The smallest policy of each kind, all at work in one layer: what docs/concepts explains.
#include <fissile/fissile.hpp>

#include <cstdio>

namespace yours {

// [element]
/// Eight bits between -4 and 4 in even steps. `to_float` is found in the type's own namespace.
struct coarse {
  std::uint8_t step;
};
constexpr float to_float(coarse value) noexcept {
  return (static_cast<float>(value.step) - 127.5f) / 32;
}
static_assert(fissile::element<coarse>);
// [element]

using namespace fissile;

// [executor]
/// Runs tasks from the last to the first, on the caller's thread.
struct backwards {
  void operator()(index_t tasks, task_reference f) const noexcept {
    for (index_t task = tasks - 1; task >= 0; --task) f(task);
  }
};
static_assert(executor<backwards>);
// [executor]

// [activation]
/// z / (1 + |z|), with its derivative for training.
struct softsign {
  template <std::floating_point A>
  A operator()(A z) const noexcept {
    return z / (1 + std::abs(z));
  }
  template <std::floating_point A>
  A derivative(A z) const noexcept {
    return 1 / ((1 + std::abs(z)) * (1 + std::abs(z)));
  }
};
static_assert(differentiable_activation<softsign>);
// [activation]

// [partitioner]
/// Neurons dealt like cards.
struct dealt {
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    std::vector<std::vector<index_t>> hands(to_size(experts));
    for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) hands[to_size(neuron % experts)].push_back(neuron);
    return partition{std::move(hands)};
  }
};
static_assert(partitioner<dealt> && partitioner<dealt, coarse>);
// [partitioner]

// [scorer]
/// Expert e gets feature e of the token as its score.
struct by_feature {
  index_t count, features;
  index_t experts() const noexcept { return count; }
  index_t width() const noexcept { return features; }
  index_t scratch() const noexcept { return 0; }
  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float>) const noexcept {
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t expert = 0; expert < count; ++expert) scores(token, expert) = tokens(token, expert);
    }
  }
};
static_assert(scorer<by_feature>);
// [scorer]

// [squash]
/// Scores as sizes, whatever their sign.
struct magnitude {
  void operator()(vector_view<float> scores) const noexcept {
    for (float& score : scores) score = std::abs(score);
  }
};
static_assert(squash<magnitude>);
// [squash]

// [selector]
/// Every expert with a positive key.
struct positive {
  void select(selection scores, route& chosen) const noexcept {
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      if (scores.keys[expert] > 0) chosen.append({expert, 1.0f});
    }
  }
};
static_assert(selector<positive>);
// [selector]

// [expert_storage]
/// The experts that `borrow` makes, through a storage of one's own.
template <element T>
struct own_storage {
  using element_type = T;
  borrowed_experts<T> inner;
  index_t width() const noexcept { return inner.width(); }
  const partition& experts() const noexcept { return inner.experts(); }
  expert_view<T> expert(index_t e) const noexcept { return inner.expert(e); }
  vector_view<const float> down_bias() const noexcept { return inner.down_bias(); }
};
static_assert(expert_storage<own_storage<float>>);
// [expert_storage]

// [arena_allocator]
/// Remembers how much memory packed experts hold just now.
struct metered {
  static inline index_t held = 0;
  std::byte* allocate(index_t bytes) const {
    std::byte* block = aligned_memory{}.allocate(bytes);
    held += bytes;
    return block;
  }
  void release(std::byte* block, index_t bytes) const noexcept {
    held -= bytes;
    aligned_memory{}.release(block, bytes);
  }
};
static_assert(arena_allocator<metered>);
// [arena_allocator]

// [observer]
/// The tokens, and the largest activation of any neuron that ran.
struct loudest {
  index_t tokens = 0;
  float most = 0;
  void token(const route&) noexcept { ++tokens; }
  void expert(index_t, choice, vector_view<const float> hidden) noexcept {
    for (float h : hidden) most = std::max(most, std::abs(h));
  }
};
static_assert(route_observer<loudest> && hidden_observer<loudest>);
// [observer]

// [frequency_rule]
/// Experts used more often than the mean of their layer.
struct above_the_mean {
  expert_set operator()(const layer_counts& counts) const {
    std::uint64_t all = 0;
    for (std::uint64_t uses : counts.uses) all += uses;
    expert_set found;
    for (index_t e = 0; e < counts.experts(); ++e) {
      if (counts.uses[to_size(e)] * counts.uses.size() > all) found.push_back(e);
    }
    return found;
  }
};
static_assert(frequency_rule<above_the_mean>);
// [frequency_rule]

// [outlier_rule]
/// The single largest feature of each layer.
struct the_largest {
  std::vector<std::vector<index_t>> find(const feature_magnitudes& found) const {
    std::vector<std::vector<index_t>> layers;
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      const std::vector<double> sizes = found.magnitudes(layer);
      layers.push_back({std::max_element(sizes.begin(), sizes.end()) - sizes.begin()});
    }
    return layers;
  }
};
static_assert(outlier_rule<the_largest>);
// [outlier_rule]

// [judge]
/// Higher numbers go first.
struct first_come {
  std::string name() const { return "first_come"; }
  evidence seen() const { return {}; }
  std::vector<standing> standings(index_t, const partition& experts) const {
    std::vector<standing> made;
    for (index_t e = 0; e < experts.experts(); ++e) made.push_back({-static_cast<double>(e), "came at place"});
    return made;
  }
};
static_assert(judge<first_come>);
// [judge]

// [weight_score]
/// What stands further left in its row matters less.
struct by_place {
  std::string name() const { return "by_place"; }
  evidence seen() const { return {}; }
  void score(index_t, vector_view<const double> weights, vector_view<double> scores) const {
    for (index_t j = 0; j < weights.length(); ++j) scores[j] = static_cast<double>(j);
  }
};
static_assert(weight_score<by_place>);
// [weight_score]

// [budget]
/// One expert from every layer.
struct one_each {
  double rate = 0;
  std::string name() const { return "one_each"; }
  std::vector<index_t> removals(vector_view<const layer_size> layers) const {
    return std::vector<index_t>(layers.size(), 1);
  }
};
static_assert(budget<one_each>);
// [budget]

// [surrogate]
/// A slope that fades with the distance from one half.
struct fading {
  template <std::floating_point A>
  A slope(A value, activity) const noexcept {
    return 1 - std::abs(2 * value - 1);
  }
};
static_assert(surrogate<fading>);
// [surrogate]

}  // namespace yours

int main() {
  using namespace yours;
  constexpr index_t width = 8, neurons = 24, experts = 4, tokens = 3;
  random_source random{2};
  std::vector<coarse> gate(neurons * width), up(neurons * width), down(width * neurons);
  for (std::vector<coarse>* numbers : {&gate, &up, &down}) {
    for (coarse& number : *numbers) number.step = static_cast<std::uint8_t>(random.below(256));
  }
  std::vector<float> x(tokens * width), y(tokens * width);
  for (float& number : x) number = static_cast<float>(random.uniform() - 0.5);
  const matrix_view<const float> in{x.data(), tokens, width};
  const matrix_view<float> out{y.data(), tokens, width};
  const ffn_weights<coarse> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};

  const partition split = dealt{}.split(ffn, experts);
  const sparse_ffn run{own_storage<coarse>{borrow(ffn, split)}, softsign{}};
  const router choose{by_feature{experts, width}, magnitude{}, positive{}};
  backwards threads;
  workspace work{run, {.batch = tokens}, threads};
  loudest watch;
  activation_counts counts{split, {.labels = {"en"}}};
  route_counter counter = counts.at("en", 0);
  observers both{watch, counter};
  choose(in, work);
  run(in, work, out, both);
  std::printf("all %td experts are on, as dense: %s\n", work.routes()[0].length(),
              exactness(ffn, softsign{}, in, out) <= exactness_bound ? "yes" : "no");
  std::printf("%td tokens, loudest neuron at %.2f\n", watch.tokens, static_cast<double>(watch.most));

  // [packed_element]
  // 8 bits and a scale for each 32 weights; any element can be packed as any packed element.
  const auto smaller = pack<int8, metered>(ffn, split, {.weights_per_scale = 32});
  const owned_ffn<float> dequantised = unpack(smaller);  // what the 8 bits stand for
  // [packed_element]
  std::printf("packed into %td bytes, %td held\n", smaller.bytes(), metered::held);
  std::printf("a weight of %.3f became %.3f\n", static_cast<double>(to_float(up[0])),
              static_cast<double>(dequantised.up[0]));

  std::printf("%zu experts are used more than the mean\n", above_the_mean{}(counts.of("en", 0)).size());
  feature_magnitudes magnitudes{{.layers = 1, .width = width}};
  magnitudes.add(0, in);
  magnitudes.input_end();
  std::printf("largest feature: %td\n", the_largest{}.find(magnitudes)[0][0]);
  const std::vector<partition> layers{split};
  std::printf("%s", to_string(decide(first_come{}, one_each{.rate = 0.25}, layers)).c_str());
  const weight_mask mask = mask_of(ffn.up, by_place{}, unstructured{.rate = 0.5});
  std::printf("%td of %td weights are masked\n", mask.removed(), mask.outputs * mask.inputs);
  std::printf("slope at 0.75: %.2f\n", fading{}.slope(0.75, activity::active));
}
