// The custom op's two functions, called by threads as ggml calls them: the bits of the layer outside of any engine.
#include <ggml_observer/sparse_op.hpp>

#include "ggml_observer/plain_tensor.hpp"
#include "support/random_ffn.hpp"

#include <fissile/pack/pack.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/weights/exactness.hpp>

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fissile::ggml_observer {
namespace {

using testing::plain_tensor;
using testing::tensor_of;

constexpr index_t op_width = 20, op_neurons = 50, op_experts = 6, op_tokens = 11;

struct op_layer {
  random_source random{5};
  owned_ffn<float> ffn = testing::random_ffn<float>(random, {.width = op_width, .neurons = op_neurons});
  std::vector<float> scores = testing::random_numbers<float>(random, op_experts* op_width);
  std::vector<float> x = testing::random_numbers<float>(random, op_tokens* op_width);
  partition split = shuffled{.seed = 2}.split(ffn.view(), op_experts);
  sparse_ffn<packed_experts<float>, silu> run{pack(ffn.view(), split), silu{}};
  router<linear_scorer, sigmoid, top_k> choose{linear_scorer{{scores.data(), op_experts, op_width}}, sigmoid{},
                                               top_k{.k = 2}};

  matrix_view<const float> in() const { return {x.data(), op_tokens, op_width}; }
  std::vector<float> plain(workspace& work) const {
    std::vector<float> out(x.size());
    run(in(), work, {out.data(), op_tokens, op_width});
    return out;
  }
};

template <class Call>
void by_threads(int nth, const Call& call) {
  std::vector<std::thread> others;
  for (int ith = 1; ith < nth; ++ith) others.emplace_back([&call, ith, nth] { call(ith, nth); });
  call(0, nth);
  for (std::thread& other : others) other.join();
}

TEST(sparse_op, any_number_of_threads_and_any_batch_give_the_bits_of_the_layer) {
  op_layer layer;
  workspace work{layer.run, {.batch = op_tokens}};
  layer.choose(layer.in(), work);
  const std::vector<float> expected = layer.plain(work);
  for (const index_t batch : {1, 4, 64}) {
    desk shared{layer.run, {.batch = batch, .threads = 3}};
    sparse_op op{layer.run, layer.choose, shared};
    for (const int nth : {1, 2, 5}) {
      std::vector<float> y(layer.x.size(), 9.0f);
      const plain_tensor in = tensor_of(layer.x, {op_width, op_tokens});
      plain_tensor out = tensor_of(y, {op_width, op_tokens});
      by_threads(nth, [&](int ith, int n) { decltype(op)::map(&out, &in, ith, n, &op); });
      EXPECT_EQ(y, expected) << nth << " threads, batches of " << batch;
    }
  }
}

TEST(sparse_op, all_experts_on_are_the_dense_layer) {
  op_layer layer;
  desk shared{layer.run, {.threads = 2}};
  sparse_op op{layer.run, all_on{op_experts}, shared};
  std::vector<float> y(layer.x.size());
  const plain_tensor in = tensor_of(layer.x, {op_width, op_tokens});
  plain_tensor out = tensor_of(y, {op_width, op_tokens});
  by_threads(2, [&](int ith, int nth) { decltype(op)::map(&out, &in, ith, nth, &op); });
  EXPECT_LE(exactness(layer.ffn.view(), silu{}, layer.in(), {y.data(), op_tokens, op_width}), exactness_bound);
}

TEST(sparse_op, what_the_graph_chose_is_run) {
  op_layer layer;
  std::vector<std::int32_t> ids;
  workspace work{layer.run, {.batch = op_tokens}};
  work.start(op_tokens);
  for (index_t token = 0; token < op_tokens; ++token) {  // three of six, best first
    const std::int32_t first = static_cast<std::int32_t>(layer.random.below(op_experts));
    for (const std::int32_t step : {4, 0, 2}) ids.push_back((first + step) % op_experts);
    for (int i = 3; i > 0; --i) work.routes()[token].append({ids[ids.size() - to_size(i)], 1.0f});
    work.routes()[token].settle();
  }
  const std::vector<float> expected = layer.plain(work);
  desk shared{layer.run, {.batch = 3, .threads = 2}};
  sparse_op op{layer.run, all_on{op_experts}, shared};
  std::vector<float> y(layer.x.size());
  plain_tensor in = tensor_of(layer.x, {op_width, op_tokens}), chosen = tensor_of(ids, {3, op_tokens});
  plain_tensor out = tensor_of(y, {op_width, op_tokens});
  out.src[0] = &in;
  out.src[1] = &chosen;
  by_threads(3, [&](int ith, int nth) { decltype(op)::routed(&out, ith, nth, &op); });
  EXPECT_EQ(y, expected);
}

TEST(sparse_op, layers_take_turns_at_one_desk) {
  op_layer layer;
  desk shared{layer.run, {.batch = 4, .threads = 2}};
  sparse_op first{layer.run, layer.choose, shared};
  sparse_op second{layer.run, all_on{op_experts}, shared};
  std::vector<float> between(layer.x.size()), y(layer.x.size()), again(layer.x.size());
  const plain_tensor in = tensor_of(layer.x, {op_width, op_tokens});
  plain_tensor middle = tensor_of(between, {op_width, op_tokens});
  const auto graph = [&](plain_tensor out, int threads) {
    by_threads(threads, [&](int ith, int nth) {
      decltype(first)::map(&middle, &in, ith, nth, &first);
      decltype(second)::map(&out, static_cast<const plain_tensor*>(&middle), ith, nth, &second);
    });
  };
  graph(tensor_of(y, {op_width, op_tokens}), 1);
  graph(tensor_of(again, {op_width, op_tokens}), 3);
  EXPECT_EQ(y, again);
}

TEST(sparse_op, what_does_not_fit_is_refused_while_the_graph_is_built) {
  op_layer layer;
  desk shared{layer.run};
  const sparse_op op{layer.run, all_on{op_experts}, shared};
  plain_tensor in;
  in.ne[0] = op_width;  // without memory: graphs are built before they have any
  op.check(&in);
  const auto refusal = [&](const plain_tensor* tensor) {
    try {
      op.check(tensor);
    } catch (const shape_error& problem) {
      return std::string{problem.what()};
    }
    return std::string{"not refused"};
  };
  in.ne[0] = 19;
  EXPECT_EQ(refusal(&in), "sparse_op: in: expected F32, ne[0] = 20, the width of the layer, got F32, ne[0] = 19");
  in.type = testing::plain_type::i32;
  EXPECT_NE(refusal(&in).find("got I32"), std::string::npos);
  EXPECT_NE(refusal(nullptr).find("no tensor"), std::string::npos);
}

}  // namespace
}  // namespace fissile::ggml_observer
