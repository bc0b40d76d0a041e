// Inside an inference loop of your own: borrowed bf16 weights, your threads, the residual stream, an observer.
#include <fissile/fissile.hpp>

#include <cstdio>

namespace {

using namespace fissile;

// [executor]
/// Your engine's threads: anything that runs f(0) ... f(tasks - 1) and returns when all are done.
struct your_threads {
  thread_pool& pool;
  void operator()(index_t tasks, task_reference f) const noexcept { pool(tasks, f); }
};
// [executor]

// [observer]
/// Told the route of every token after the work is done; asks for no hidden activations, so nothing is paid for them.
struct busiest_token {
  index_t most = 0;
  void token(const route& chosen) noexcept { most = std::max(most, chosen.length()); }
};
// [observer]

std::vector<bf16> weights_of_your_file(index_t count, std::uint64_t seed) {
  random_source random{seed};
  std::vector<bf16> numbers(to_size(count));
  for (bf16& number : numbers) number = to_bf16(static_cast<float>(random.uniform() - 0.5));
  return numbers;
}

}  // namespace

int main() {
  constexpr index_t width = 64, neurons = 250, experts = 8, prompt = 20;
  const auto gate = weights_of_your_file(neurons * width, 1), up = weights_of_your_file(neurons * width, 2),
             down = weights_of_your_file(width * neurons, 3);

  // [set up once]
  const ffn_weights<bf16> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  const partition split = balanced_clusters{.metric = row_metric::cosine}.split(ffn, experts);  // 250 = 2 * 32 + 6 * 31
  const sparse_ffn run{borrow(ffn, split), silu{}};
  const router choose{oracle_scorer{borrow(ffn, split), silu{}}, no_squash{}, at_least_one{top_k{.k = 2}}};
  thread_pool pool{2};
  your_threads threads{pool};
  workspace work{run, {.batch = prompt}, threads};
  // [set up once]

  std::vector<float> residual(prompt * width), normed(prompt * width);
  for (index_t i = 0; i < length(normed); ++i) normed[to_size(i)] = static_cast<float>(i % 13) / 13 - 0.5f;
  busiest_token watch;
  // [each layer of each batch]
  const matrix_view<const float> tokens{normed.data(), prompt, width};
  choose(tokens, work);                                                   // fills work.routes()
  run.accumulate(tokens, work, {residual.data(), prompt, width}, watch);  // residual += layer(tokens)
  // [each layer of each batch]

  std::vector<float> one_by_one(prompt * width);
  for (index_t token = 0; token < prompt; ++token) {  // one token is a batch of one, with the same bits
    choose(tokens.row(token), work);
    run.accumulate(tokens.row(token), work, matrix_view<float>{one_by_one.data() + token * width, 1, width});
  }
  std::printf("experts hold");
  for (index_t e = 0; e < experts; ++e) std::printf(" %td", split.size(e));
  std::printf(" neurons\nat most %td experts a token\n", watch.most);
  std::printf("a batch and single tokens agree bit for bit: %s\n", residual == one_by_one ? "yes" : "no");
}
