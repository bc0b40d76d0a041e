// Which experts work for which language, and what is left of a layer when the idle ones go.
#include <fissile/fissile.hpp>

#include <cstdio>

namespace {

using namespace fissile;

/// Stands in for the tokens of a text: each language stirs half of the features only.
std::vector<float> tokens_of(index_t language, index_t count, index_t width) {
  random_source random{static_cast<std::uint64_t>(language) + 7};
  std::vector<float> tokens(to_size(count * width));
  for (index_t i = 0; i < length(tokens); ++i) {
    const bool stirred = (i % width) / (width / 2) == language;
    tokens[to_size(i)] = static_cast<float>(random.uniform() - 0.5) * (stirred ? 2.0f : 0.2f);
  }
  return tokens;
}

}  // namespace

int main() {
  constexpr index_t width = 32, neurons = 128, experts = 16, count = 200;
  random_source random{5};
  std::vector<float> gate(neurons * width), up(neurons * width), down(width * neurons), out(count * width);
  for (std::vector<float>* numbers : {&gate, &up, &down}) {
    for (float& x : *numbers) x = static_cast<float>(random.uniform() - 0.5);
  }
  const ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};

  // [count]
  const partition split = even_slices{}.split(ffn, experts);
  const sparse_ffn run{borrow(ffn, split), silu{}};
  const router choose{oracle_scorer{borrow(ffn, split), silu{}}, no_squash{}, top_k{.k = 4}};
  workspace work{run, {.batch = count}};
  activation_counts counts{split, {.labels = {"en", "de"}, .layers = 1, .corpus = "made up"}};
  for (index_t language = 0; language < 2; ++language) {
    const std::vector<float> text = tokens_of(language, count, width);
    choose({text.data(), count, width}, work);
    run({text.data(), count, width}, work, {out.data(), count, width}, counts.at(language, 0));
  }
  // [count]
  std::printf("expert      en      de\n");
  for (index_t e = 0; e < 4; ++e) {
    std::printf("%6td  %5.1f %%  %5.1f %%\n", e, 100 * counts.frequency("en", 0, e),
                100 * counts.frequency("de", 0, e));
  }

  // [prune]
  const keep_busiest judge{usage::of_label(counts, "de")};
  const std::vector<partition> layers{split};
  const verdict decided = decide(judge, uniform{.rate = 0.25}, layers);  // data: read it, save it, change it
  std::printf("\n%s\n", to_string(decided).c_str());
  const auto smaller = apply(ffn, split, decided, 0);  // its weights are really smaller
  std::printf("%s", to_string(smaller.report).c_str());
  // [prune]
}
