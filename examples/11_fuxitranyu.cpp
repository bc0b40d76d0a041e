// FuxiTranyu's analyses on one made-up block: which of its neurons matter for which language, by one backward pass and
// by silencing them one after another; how alike the languages lie before and after it; and what they cost in tokens.
#include <fissile/count/text_measure.hpp>
#include <fissile/fissile.hpp>
#include <fissile/recipes/fuxitranyu.hpp>
#include <fissile/train/dense_layer.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t groups = 6, width = 4 * groups, neurons = 8 * groups, positions = 8, words = 10;
constexpr std::uint64_t sentences = 20;
const std::vector<std::string> languages{"de", "nl", "el", "zh"};

/// Stands in for what a sentence is after the embedding. Features are stirred in groups: 0 to 3 by one language each, 4
/// by German and Dutch, 5 by what the sentence says, in all languages alike.
std::vector<double> sentence_of(index_t language, std::uint64_t number) {
  random_source meaning{number}, words_of_it{100 * number + static_cast<std::uint64_t>(language)};
  std::vector<double> states(to_size(positions * width));
  for (index_t i = 0; i < length(states); ++i) {
    const index_t group = i % width / 4;
    const bool stirred = group == language || (group == 4 && language < 2);
    states[to_size(i)] = (group == 5 ? 0.5 + meaning.normal() : stirred ? 1.0 : 0.0) + 0.2 * words_of_it.normal();
  }
  return states;
}

/// One block and what guesses the next word after it. All numbers are drawn, but that a neuron listens to one group of
/// features more than to others.
struct model {
  explicit model(std::uint64_t seed) {
    random_source random{seed};
    for (std::vector<double>* rows : {&gate, &up, &down}) {
      for (index_t i = 0; i < neurons * width; ++i) {
        const bool own = rows != &down && i / width / 8 == i % width / 4;
        rows->push_back(random.normal() * (own ? 0.6 : 0.1));
      }
    }
    for (index_t i = 0; i < words * width; ++i) head.push_back(random.normal() / 2);
  }
  ffn_weights<double> ffn() const {
    return {{gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  }
  /// Cross-entropy of the next word, summed over positions: word t is said at position t. slopes: dL/dstates, written.
  double loss(matrix_view<const double> states, matrix_view<double> slopes) const {
    double sum = 0;
    for (index_t t = 0; t < positions; ++t) {
      std::vector<double> chance;
      double all = 0;
      for (index_t w = 0; w < words; ++w) {
        double score = 0;
        for (index_t i = 0; i < width; ++i) score += head[to_size(w * width + i)] * states(t, i);
        all += chance.emplace_back(std::exp(score));
      }
      sum += std::log(all / chance[to_size(t)]);
      for (index_t i = 0; i < width; ++i) slopes(t, i) = -head[to_size(t * width + i)];
      for (index_t w = 0; w < words; ++w) {
        for (index_t i = 0; i < width; ++i) slopes(t, i) += chance[to_size(w)] / all * head[to_size(w * width + i)];
      }
    }
    return sum;
  }
  std::vector<double> gate, up, down, head;  // [neurons x width] twice, [width x neurons], [words x width]
};

// [texts]
/// A tokenizer that knows bytes alone, and two sentences in four languages.
void measure_texts() {
  text_measure texts{{.labels = languages, .corpus = "two sentences"}};
  const auto measure = [&](label_key language, std::string_view paragraph) {
    texts.add(language, paragraph, static_cast<index_t>(paragraph.size()));
  };
  for (const char* line : {"Die Katze schläft.", "Ich trinke Wasser."}) measure("de", line);
  for (const char* line : {"De kat slaapt.", "Ik drink water."}) measure("nl", line);
  for (const char* line : {"Η γάτα κοιμάται.", "Πίνω νερό."}) measure("el", line);
  for (const char* line : {"猫在睡觉。", "我喝水。"}) measure("zh", line);
  std::printf("\n    tokens a character  tokens a sentence  of German's\n");
  for (const std::string& language : languages) {
    std::printf("%s  %18.2f  %17.1f  %11.2f\n", language.c_str(), texts.of(language).tokens_per_character(),
                texts.of(language).tokens_per_paragraph(), texts.premium(language, "de"));
  }
}
// [texts]

}  // namespace

int main() {
  const model made{1};
  const dense_layer<double, double, silu> layer{made.ffn(), silu{}};
  training_scratch scratch{layer, {.batch = positions}};
  dense_tape remembered{layer, scratch};
  component_importance found{
      {.labels = languages, .components = {{.name = "hidden", .neurons = neurons}}, .corpus = "made up"}};
  language_centroids centroids = fuxitranyu::centroids(languages, 1, width, "made up");

  // The loss of all sentences with one neuron silent; -1: with all of them, and then what there is to see is seen.
  const auto read = [&](index_t language, index_t silent) {
    std::vector<double> after(to_size(positions * width)), slope(after.size());
    const matrix_view<double> states{after.data(), positions, width}, slopes{slope.data(), positions, width};
    double loss = 0;
    for (std::uint64_t number = 0; number < sentences; ++number) {
      const std::vector<double> sentence = sentence_of(language, number);
      const matrix_view<const double> tokens{sentence.data(), positions, width};
      layer.forward(tokens, remembered, states);
      for (index_t t = 0; t < positions; ++t) {
        for (index_t i = 0; i < width; ++i) {
          states(t, i) += tokens(t, i);
          if (silent >= 0) states(t, i) -= remembered.hidden()(t, silent) * made.ffn().down(i, silent);
        }
      }
      loss += made.loss(states, slopes);
      if (silent >= 0) continue;
      // [see]
      layer.backward(remembered, slopes, {});
      found.add(language, {.layer = 0, .component = "hidden"}, remembered.hidden(), remembered.hidden_gradients());
      centroids.add(language, 0, tokens);
      centroids.add(language, 1, states);
      // [see]
    }
    return loss;
  };

  std::printf("                importance of neurons that listen to           rank correlation with silence\n");
  std::printf("    importance  itself  de and nl  the meaning  others  changes summed  magnitudes summed\n");
  for (index_t language = 0; language < length(languages); ++language) {
    // [importance]
    const double loss = read(language, -1);
    const component_place hidden{.layer = 0, .component = "hidden"};
    const std::vector<double> exact =
        fuxitranyu::exact_importance(loss, ascending(neurons), [&](index_t silent) { return read(language, silent); });
    const std::vector<double> scores = found.of_neurons(language, hidden);
    const auto summed = fuxitranyu::agreement(found.of_neurons(language, hidden, fuxitranyu::of_whole_text), exact);
    const auto magnitudes = fuxitranyu::agreement(scores, exact);
    // [importance]
    std::array<double, 4> share{};
    for (index_t j = 0; j < neurons; ++j) {
      const index_t group = j / 8;
      share[group == language ? 0 : group == 4 ? 1 : group == 5 ? 2 : 3] += scores[to_size(j)];
    }
    const double all = found.of_component(language, hidden) / 100;
    std::printf("%s  %10.1f  %4.0f %%  %7.0f %%  %9.0f %%  %4.0f %%  %14.2f  %17.2f\n",
                languages[to_size(language)].c_str(), all * 100, share[0] / all, share[1] / all, share[2] / all,
                share[3] / all, summed.spearman, magnitudes.spearman);
  }

  // [centroids]
  for (index_t at = 0; at < centroids.layers(); ++at) {
    std::printf("%s\ncosine     de     nl     el     zh\n", at == 0 ? "\nbefore the block" : "after it");
    const std::vector<std::vector<double>> cosines = centroids.cosines(at);
    for (std::size_t a = 0; a < languages.size(); ++a) {
      std::printf("%s    ", languages[a].c_str());
      for (const double cosine : cosines[a]) std::printf("  %5.2f", cosine);
      std::printf("\n");
    }
    std::printf("mean of all pairs %.2f, with the diagonal %.2f\n", centroids.mean_cosine(at, own_pairs::left_out),
                centroids.mean_cosine(at, own_pairs::included));
  }
  // [centroids]

  measure_texts();
}
