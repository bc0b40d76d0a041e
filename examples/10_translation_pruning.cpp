// Pruning by translations on one made-up layer: which inputs are large when the model reads translations, and what a
// language pays when half of the weights go by another text's evidence.
#include <fissile/fissile.hpp>
#include <fissile/recipes/translation_pruning.hpp>

#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t width = 40, outputs = 32, positions = 50;

/// Stands in for what a layer is handed. A language stirs eight inputs of its own and the last eight; translations stir
/// those of their languages in turn, and the last eight more.
std::vector<float> text_of(std::vector<index_t> languages, float shared, std::uint64_t seed) {
  random_source random{seed};
  std::vector<float> inputs(to_size(positions * width));
  for (index_t i = 0; i < length(inputs); ++i) {
    const index_t group = i % width / 8;
    const index_t now = languages[to_size(i / width) % languages.size()];
    inputs[to_size(i)] = static_cast<float>(random.normal()) * (group == now ? 2 : group == 4 ? shared : 0.2f);
  }
  return inputs;
}

matrix_view<const float> as_matrix(const std::vector<float>& inputs) {
  return {inputs.data(), positions, width};
}

}  // namespace

int main() {
  random_source random{1};
  std::vector<float> numbers(to_size(outputs * width));
  for (float& weight : numbers) weight = static_cast<float>(random.normal());
  const matrix_view<const float> weights{numbers.data(), outputs, width};

  // [prune]
  const translation_pruning::choices chosen{.rate = 0.5, .padding = padding_rule::masked};
  const auto measure = [&](const std::vector<index_t>& languages, float shared, const char* name) {
    input_moments found = translation_pruning::moments(width, name, chosen);
    for (std::uint64_t sample = 0; sample < 20; ++sample) {
      found.add(as_matrix(text_of(languages, shared, 100 + sample)));
      found.sample_end();
    }
    return found;
  };
  const input_moments translations = measure({0, 1, 2, 3}, 3, "translations"), english = measure({0}, 1, "English");
  const std::vector<weight_mask> masks{translation_pruning::mask(weights, translations, chosen),
                                       translation_pruning::mask(weights, english, chosen),
                                       translation_pruning::mask(weights, translations, english, chosen),
                                       translation_pruning::at_random(weights, 1, chosen)};
  // [prune]

  std::printf("output error                   in language   0     1     2     3\n");
  for (const weight_mask& mask : masks) {
    std::vector<float> pruned = numbers;
    const matrix_view<float> left{pruned.data(), outputs, width};
    apply_mask(left, mask);
    std::printf("%-40s", mask.score.c_str());
    for (index_t language = 0; language < 4; ++language) {
      const std::vector<float> held_out = text_of({language}, 1, 7);
      std::printf("  %.2f", output_error(as_matrix(held_out), weights, left));
    }
    std::printf("\n");
  }

  // [agree]
  // [items][candidates]: how likely a model finds each; both languages agree on the likely ones alone
  const std::vector<std::vector<double>> german{{-1, -2, -3, -4}}, greek{{-1, -2, -4, -3}};
  using translation_pruning::candidate_order;
  std::printf("RankC of German and Greek: %.3f, as the code sorts %.3f\n",
              translation_pruning::rank_consistency(german, greek, candidate_order::descending),
              translation_pruning::rank_consistency(german, greek, candidate_order::ascending));
  // [agree]
}
