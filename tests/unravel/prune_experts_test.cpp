// A mixture without some experts scores like the whole one that never chooses them.
#include "tiny_mixture.hpp"

#include <unravel/prune_file.hpp>

#include <engine/engine.hpp>
#include <engine/mixture.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// These experts of each layer go.
void write_mixture_verdict(const std::string& path, const std::vector<std::vector<index_t>>& removed,
                           index_t experts = tiny_mixture::experts) {
  saved_verdict made;
  made.decided.judge = "by hand";
  for (const std::vector<index_t>& of_layer : removed) {
    made.partitions.push_back(even_slices{}.split(experts * tiny_mixture::neurons, experts));
    auto& layer = made.decided.layers.emplace_back(to_size(experts), ruling{});
    for (const index_t expert : of_layer) layer[to_size(expert)].what = fate::remove;
  }
  write_verdict_json(path, made.decided, made.partitions);
}

/// The whole mixture, with only some experts to choose from.
class masked_mixture {
public:
  masked_mixture(const engine::mixture<float>& weights, const std::vector<std::vector<index_t>>& removed, index_t batch)
      : layers_(all(weights)), work_(layers_.front(), {.batch = batch}) {
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
      std::vector<char> allowed(to_size(weights.sizes().experts), 1);
      for (const index_t expert : removed[to_size(layer)]) allowed[to_size(expert)] = 0;
      routers_.push_back({linear_scorer{weights.router_rows(layer)}, softmax{},
                          normalised{scaled{among<top_k>{top_k{.k = weights.sizes().active}, allowed}}}});
    }
  }
  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    routers_[to_size(layer)](tokens, work_);
    layers_[to_size(layer)].accumulate(tokens, work_, residual);
  }

private:
  using layer_type = sparse_ffn<borrowed_stack<float>, silu>;
  static std::vector<layer_type> all(const engine::mixture<float>& weights) {
    std::vector<layer_type> made;
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
      made.emplace_back(borrow(weights.experts(layer)), silu{});
    }
    return made;
  }
  std::vector<layer_type> layers_;
  std::vector<router<linear_scorer, softmax, normalised<scaled<among<top_k>>>>> routers_;
  workspace work_;
};

template <class Ffn>
double mixture_score(const engine::mixture<float>& weights, Ffn&& ffn) {
  const engine::tokenizer words{weights.file()};
  const auto windows = windows_of(random_text(8, 150), words, window_tokens(weights.sizes()));
  engine::session read{weights};
  return score_windows(read, windows, ffn).bits_per_byte();
}

class pruned_mixtures : public ::testing::TestWithParam<gguf_type> {};

TEST_P(pruned_mixtures, score_like_the_masked_mixture) {
  tiny_mixture whole{GetParam()};
  whole.save();
  const std::string verdict = whole.directory() / "verdict.json", target = whole.directory() / "small.gguf";
  const engine::mixture<float> weights{whole.path()};
  for (const std::vector<std::vector<index_t>>& removed :
       {std::vector<std::vector<index_t>>{{0, 5}, {2, 3}}, {{1, 2, 3, 4}, {0, 1, 2, 4}}, {{}, {}}}) {
    write_mixture_verdict(verdict, removed);
    const prune_outcome done = unravel::prune_file(whole.path(), verdict, target);
    const engine::mixture<float> smaller{target};
    const index_t left = tiny_mixture::experts - length(removed[0]);
    EXPECT_EQ(smaller.sizes().experts, left);
    EXPECT_EQ(smaller.sizes().active, tiny_mixture::active);
    masked_mixture masked{weights, removed, 1024};
    engine::mixture_feed_forward<float> written{smaller, 1024};
    // The sum of all probabilities is another one, which cancels but for rounding.
    EXPECT_NEAR(mixture_score(weights, masked), mixture_score(smaller, written), 1e-5);
    // What stays keeps its bytes.
    index_t at = 0;
    for (index_t expert = 0; expert < tiny_mixture::experts; ++expert) {
      if (std::count(removed[1].begin(), removed[1].end(), expert) > 0) continue;
      for (const char* name : {"blk.1.ffn_gate_inp.weight", "blk.1.ffn_down_exps.weight"}) {
        const std::string_view old = weights.file().raw(name), now = smaller.file().raw(name);
        const std::size_t slab = old.size() / tiny_mixture::experts;
        EXPECT_EQ(now.substr(to_size(at) * slab, slab), old.substr(to_size(expert) * slab, slab));
      }
      ++at;
    }
    const auto gone = static_cast<std::uint64_t>(length(removed[0]));
    EXPECT_EQ(done.parameters_before - done.parameters_after,
              2 * gone * tiny_model::width * (3 * tiny_mixture::neurons + 1));
    EXPECT_EQ(done.report.layers, 2u);
    EXPECT_EQ(done.report.before.experts, 12u);
    EXPECT_EQ(done.report.after.experts, 2 * static_cast<std::uint64_t>(left));
    EXPECT_EQ(done.width_after, left * tiny_mixture::neurons);
  }
}
INSTANTIATE_TEST_SUITE_P(types, pruned_mixtures, ::testing::Values(gguf_type::f32, gguf_type::bf16, gguf_type::q8_0),
                         [](const auto& one) { return to_string(one.param); });

TEST(pruned_mixture, remembers_which_experts_it_once_had) {
  tiny_mixture whole;
  whole.save();
  const std::string verdict = whole.directory() / "verdict.json", once = whole.directory() / "once.gguf",
                    twice = whole.directory() / "twice.gguf";
  write_mixture_verdict(verdict, {{0, 3}, {1, 2}});
  unravel::prune_file(whole.path(), verdict, once);
  write_mixture_verdict(verdict, {{0}, {3}}, 4);
  unravel::prune_file(once, verdict, twice);
  const gguf_file file{twice};
  EXPECT_EQ(file.get<std::vector<int>>("fissile.pruned.blk.0.experts"), (std::vector<int>{2, 4, 5}));
  EXPECT_EQ(file.get<std::vector<int>>("fissile.pruned.blk.1.experts"), (std::vector<int>{0, 3, 4}));
}

/// Sigmoid mixtures add a bias to the scores: one number an expert.
TEST(pruned_mixture, selection_biases_go_with_their_experts) {
  tiny_mixture whole;
  const std::vector<float> bias{0, 1, 2, 3, 4, 5};
  whole.out.set("general.architecture", "glm4moe");
  whole.out.set("glm4moe.expert_count", std::uint32_t{6});
  whole.out.set("glm4moe.expert_used_count", std::uint32_t{2});
  for (const char* name : {"blk.0.exp_probs_b.bias", "blk.1.exp_probs_b.bias"}) {
    whole.out.add(name, vector_view<const float>{bias});
  }
  whole.save();
  const std::string verdict = whole.directory() / "verdict.json", target = whole.directory() / "small.gguf";
  write_mixture_verdict(verdict, {{0, 1, 2}, {1, 3, 5}});
  unravel::prune_file(whole.path(), verdict, target);
  const gguf_file file{target};
  EXPECT_EQ(file.get<index_t>("glm4moe.expert_count"), 3);
  EXPECT_EQ(file.read_floats("blk.0.exp_probs_b.bias"), (std::vector<float>{3, 4, 5}));
  EXPECT_EQ(file.read_floats("blk.1.exp_probs_b.bias"), (std::vector<float>{0, 2, 4}));
}

TEST(pruned_mixture, refuses_what_would_not_run) {
  tiny_mixture whole;
  whole.save();
  const std::string verdict = whole.directory() / "verdict.json", target = whole.directory() / "small.gguf";
  const auto refused = [&](const std::vector<std::vector<index_t>>& removed, index_t experts = 6) {
    write_mixture_verdict(verdict, removed, experts);
    return message_of<file_error>([&] { unravel::prune_file(whole.path(), verdict, target); });
  };
  expect_says(
      refused({{0}, {1, 2}}),
      {"verdict.json: expected as many experts left in each layer: 5, as in layer 0, got 4 in layer 1", "uniform"});
  expect_says(refused({{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}}), {"at least 2 experts left in each layer", "got 1"});
  expect_says(refused({{0}}), {"2 layers", "one on 1"});
  expect_says(refused({{0}, {0}}, 5), {"6 experts in layer 0, got 5"});
  whole.out.set("llama.expert_group_count", std::uint32_t{2});
  whole.save();
  expect_says(refused({{0}, {0}}), {"expert_group_count", "several groups"});
  whole.out.drop("llama.expert_group_count");
  const std::vector<float> odd(6);
  whole.out.add("blk.0.ffn_up_exps.scale", vector_view<const float>{odd});
  whole.save();
  expect_says(refused({{0}, {0}}), {"ffn_up_exps.scale", "nothing is guessed at"});
  EXPECT_FALSE(std::filesystem::exists(target));
}

}  // namespace
