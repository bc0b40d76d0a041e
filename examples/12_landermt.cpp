// LANDeRMT on one made-up layer: which neurons each of three pairs of languages is translated with, and what training
// one pair costs the others, when all neurons learn and when only the pair's own and the general ones do.
#include <fissile/fissile.hpp>
#include <fissile/recipes/landermt.hpp>

#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t width = 12, neurons = 60, batch = 40, pairs = 3;

std::vector<float> numbers(random_source& random, index_t count, double scale) {
  std::vector<float> made(to_size(count));
  for (float& x : made) x = static_cast<float>(scale * random.normal());
  return made;
}

/// Stands in for a pair's texts: what the layer is given, where a pair stirs four features of its own, and what it
/// should answer, which is what it does answer but for noise.
struct pair_texts {
  std::vector<float> given, wanted;
};

matrix_view<const float> as_matrix(const std::vector<float>& tokens) {
  return {tokens.data(), batch, width};
}

}  // namespace

int main() {
  random_source random{1};
  owned_ffn<float> ffn{.width = width, .neurons = neurons};
  ffn.gate = numbers(random, neurons * width, 0.5);
  ffn.up = numbers(random, neurons * width, 0.5);
  ffn.down = numbers(random, width * neurons, 0.2);
  std::vector<pair_texts> texts;
  for (index_t pair = 0; pair < pairs; ++pair) {
    pair_texts made{numbers(random, batch * width, 1), numbers(random, batch * width, 0.5)};
    std::vector<float> answer(made.given.size());
    for (index_t i = 0; i < batch * width; ++i) made.given[to_size(i)] *= i % width / 4 == pair ? 2.0f : 0.3f;
    dense_ffn(ffn.view(), silu{}, as_matrix(made.given), {answer.data(), batch, width});
    for (std::size_t i = 0; i < answer.size(); ++i) made.wanted[i] += answer[i];
    texts.push_back(std::move(made));
  }

  std::vector<float> weights = flatten<float>(ffn.view()), slopes(weights.size());
  const auto parts = parts_of(vector_view<float>(weights), ffn.view());
  const auto of_parts = parts_of(vector_view<float>(slopes), ffn.view());
  const dense_layer<float, float, silu> layer{weights_of(parts), silu{}};
  training_scratch scratch{layer, {.batch = batch}};
  dense_tape remembered{layer, scratch};
  std::vector<float> y(to_size(batch * width));
  const auto loss_and_slopes = [&](const pair_texts& text) {
    layer.forward(as_matrix(text.given), remembered, {y.data(), batch, width});
    double loss = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] -= text.wanted[i];
      loss += static_cast<double>(y[i] * y[i]) / 2 / batch;
    }
    std::fill(slopes.begin(), slopes.end(), 0.0f);
    layer.backward(remembered, as_matrix(y), of_parts);
    return loss;
  };

  // [detect]
  const landermt::choices chosen{.general = 0.3, .owned = 0.9};
  landermt::awareness aware{{.labels = {"en-de", "en-ru", "es-pt"}, .neurons = neurons}, chosen};
  for (index_t pair = 0; pair < pairs; ++pair) {
    loss_and_slopes(texts[to_size(pair)]);
    aware.add(pair, std::as_const(remembered).hidden(), std::as_const(remembered).hidden_gradients());
  }
  const landermt::neuron_groups groups = landermt::groups_of(aware.theta(), chosen);
  // [detect]
  std::printf("general: %zu neurons\n", groups.general.size());
  for (index_t pair = 0; pair < pairs; ++pair) {
    std::printf("%s alone: %zu\n", aware.pairs()[to_size(pair)].c_str(), groups.specific[to_size(pair)].size());
  }

  const std::vector<float> before = weights;
  std::vector<double> first;
  for (const pair_texts& text : texts) first.push_back(loss_and_slopes(text));
  const std::vector<neuron_mask> masks{
      {neurons, ascending(neurons)}, landermt::mask(groups, 0, neurons), {neurons, groups.specific[0]}};
  const std::vector<const char*> names{"all neurons", "general and own", "own alone"};
  std::printf("change of loss                en-de  en-ru  es-pt\n");
  for (std::size_t which = 0; which < masks.size(); ++which) {
    weights = before;
    // [learn]
    masked_adam<float> learn{masks[which], parts};
    for (int step = 0; step < 60; ++step) {
      loss_and_slopes(texts[0]);  // en-de, forward and backward
      learn.step(adam{.rate = 1e-3, .weight_decay = 0.01}, parts, of_parts);
    }
    // [learn]
    std::printf("%-15s learn (%2td):", names[which], masks[which].count());
    for (std::size_t pair = 0; pair < texts.size(); ++pair) {
      std::printf("  %+.2f", loss_and_slopes(texts[pair]) - first[pair]);
    }
    std::printf("\n");
  }

  // [route]
  std::vector<float> row = numbers(random, width, 0.5);  // the gate's, to be learned as well
  const two_branches<float, float, silu> routed{layer, landermt::branches(groups, 0, neurons), row};
  routed.forward(as_matrix(texts[0].given), remembered, {y.data(), batch, width}, gate_use::hard);
  // [route]
  index_t specific = 0;
  for (index_t token = 0; token < batch; ++token) {
    specific += routed.gate(as_matrix(texts[0].given).row(token), gate_use::hard) > 0.5f ? 1 : 0;
  }
  std::printf("a gate not yet trained leads %td of %td tokens to the pair's own branch\n", specific, batch);
}
