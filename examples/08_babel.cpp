// Unraveling Babel on one made-up layer: which experts work for which language, which languages are alike, and what is
// lost when a language keeps half of the experts.
#include <fissile/fissile.hpp>
#include <fissile/recipes/babel.hpp>

#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t groups = 11, width = 8 * groups, neurons = 32 * groups, count = 200;

/// Stands in for the tokens of a text. The first two languages stir feature groups 0 to 2, the others 3 to 5, and each
/// one group of its own; the last group stirs in all.
std::vector<float> text_of(index_t language, std::uint64_t seed) {
  random_source random{seed + static_cast<std::uint64_t>(language)};
  std::vector<float> tokens(to_size(count * width));
  for (index_t i = 0; i < length(tokens); ++i) {
    const index_t group = i % width / 8;
    const bool stirred = group / 3 == language / 2 || group == 6 + language || group == 10;
    tokens[to_size(i)] = static_cast<float>(random.uniform() - 0.5) * (stirred ? 2.0f : 0.4f);
  }
  return tokens;
}

/// Rows whose neurons listen to one group of features more than to others.
std::vector<float> listeners(random_source& random) {
  std::vector<float> rows(to_size(neurons * width));
  for (index_t i = 0; i < length(rows); ++i) {
    const bool own = i / width / 32 == i % width / 8;
    rows[to_size(i)] = static_cast<float>(random.uniform() - 0.5) * (own ? 1.0f : 0.2f);
  }
  return rows;
}

}  // namespace

int main() {
  random_source random{1};
  const std::vector<float> gate = listeners(random), up = listeners(random);
  std::vector<float> down(to_size(width * neurons));
  for (float& weight : down) weight = static_cast<float>(random.uniform() - 0.5);
  const ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};

  // [babel]
  const babel::choices chosen{.expert_neurons = 8, .active = 0.25, .frequent = 0.45, .given_up = 0.5};
  const std::vector<partition> layers = babel::split<float>({ffn}, even_slices{}, chosen);
  const sparse_ffn run{borrow(ffn, layers[0]), silu{}};
  const auto choose = babel::gate(oracle_scorer{borrow(ffn, layers[0]), silu{}}, chosen);
  workspace work{run, {.batch = count}};
  activation_counts counts{layers, {.labels = {"de", "nl", "es", "pt"}, .layers = 1, .corpus = "made up"}};
  std::vector<float> dense(to_size(count * width)), out(dense.size());
  const matrix_view<float> expected{dense.data(), count, width}, got{out.data(), count, width};
  for (index_t language = 0; language < 4; ++language) {
    const std::vector<float> text = text_of(language, 10);
    choose({text.data(), count, width}, work);
    run({text.data(), count, width}, work, got, counts.at(language, 0));
  }
  const babel::language_sets found = babel::sets(counts, 0, most_frequent{.share = chosen.frequent});
  const auto family = cut_into(average_linkage(babel::distances(counts, jensen_shannon)), 2);
  // [babel]

  std::printf("%td experts, %zu frequent in all languages\n", run.experts(), found.shared.size());
  std::printf("          frequent  in it alone  family  lost by its own half  by another's  by random halves\n");
  for (index_t language = 0; language < 4; ++language) {
    const std::vector<float> text = text_of(language, 20);  // another text than was counted
    const matrix_view<const float> tokens{text.data(), count, width};
    work.choose_all(count, run.experts());
    run(tokens, work, expected);
    const auto lost = [&](const verdict& decided) {  // of the dense output's square, in per cent
      work.choose_these(count, decided.kept(0));
      run(tokens, work, got);
      double difference = 0, all = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        difference += static_cast<double>((out[i] - dense[i]) * (out[i] - dense[i]));
        all += static_cast<double>(dense[i] * dense[i]);
      }
      return 100 * difference / all;
    };
    const auto keeping = [&](index_t whose) {
      return lost(babel::by_frequency(counts, counts.labels()[to_size(whose)], babel::same_rate(chosen), layers));
    };
    double drawn = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      drawn += lost(babel::at_random(seed, babel::same_rate(chosen), layers)) / 10;
    }
    std::printf("%-8s  %8zu  %11zu  %6td  %18.0f %%  %10.0f %%  %14.0f %%\n",
                counts.labels()[to_size(language)].c_str(), found.frequent[to_size(language)].size(),
                found.only[to_size(language)].size(), family[to_size(language)], keeping(language),
                keeping((language + 2) % 4), drawn);
  }
}
