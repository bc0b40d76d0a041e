// The callback, driven as a scheduler drives it, on structs that look like ggml's.
#include <ggml_observer/engine_watch.hpp>

#include "ggml_observer/plain_tensor.hpp"

#include <fissile/partition/even_slices.hpp>

#include <gtest/gtest.h>

namespace fissile::ggml_observer {
namespace {

using testing::plain_tensor;
using testing::tensor_of;

/// Asks, and tells if that was wanted; whether it was.
bool pass(engine_watch& watch, plain_tensor tensor) {
  if (!engine_watch::callback(&tensor, true, &watch)) return false;
  EXPECT_TRUE(engine_watch::callback(&tensor, false, &watch)) << "the engine was stopped";
  return true;
}

std::string problem_of(const engine_watch& watch) {
  try {
    watch.check();
  } catch (const setting_error& problem) {
    return problem.what();
  }
  return {};
}

struct watched_model {
  activation_counts routes{even_slices{}.split(8, 4), {.labels = {"en", "de"}, .layers = 2}};
  firing_rates gates{{8, 8}, {.labels = {"en", "de"}, .layers = 2}};
  engine_watch watch{{.routes = &routes, .gates = &gates}};
};

TEST(engine_watch, names_tell_what_and_which_layer) {
  EXPECT_EQ(place_of("ffn_moe_topk-12").what, "ffn_moe_topk");
  EXPECT_EQ(place_of("ffn_moe_topk-12").layer, 12);
  for (const char* other : {"ffn_moe_topk", "ffn_moe_topk-", "ffn_moe_topk-1x", "inp", ""}) {
    EXPECT_EQ(place_of(other).layer, -1) << other;
  }
}

TEST(engine_watch, chosen_experts_are_counted_by_label_and_layer) {
  watched_model model;
  std::vector<std::int32_t> ids{3, 1, 0, 2, /**/ 2, 3, 1, 0};  // sorted by score; the first two are chosen
  plain_tensor chosen = tensor_of(ids, {4, 2}, "ffn_moe_topk-1");
  chosen.ne[0] = 2;
  EXPECT_TRUE(pass(model.watch, chosen));
  model.watch.begin(1);
  EXPECT_TRUE(pass(model.watch, chosen));
  EXPECT_TRUE(pass(model.watch, chosen));
  model.watch.check();
  EXPECT_EQ(model.routes.of("en", 1).uses, (std::vector<std::uint64_t>{0, 1, 1, 2}));
  EXPECT_EQ(model.routes.of("de", 1).uses, (std::vector<std::uint64_t>{0, 2, 2, 4}));
  EXPECT_EQ(model.routes.tokens("de", 1), 4u);
  EXPECT_EQ(model.routes.tokens("de", 0), 0u);
}

TEST(engine_watch, gates_of_dense_layers_are_counted_as_they_are) {
  watched_model model;
  std::vector<float> gate{1, -1, 0, 2, -3, 4, 5, -6};
  EXPECT_TRUE(pass(model.watch, tensor_of(gate, {8}, "ffn_gate-0")));
  EXPECT_EQ(model.gates.of("en", 0).fires, (std::vector<std::uint64_t>{1, 0, 0, 1, 0, 1, 1, 0}));
}

TEST(engine_watch, gates_of_a_mixture_go_to_the_neurons_of_the_chosen_experts) {
  watched_model model;
  std::vector<std::int32_t> ids{3, 0, /**/ 1, 3};
  std::vector<float> gate{1, -1, /**/ 2, 2, /**/ -1, 3, /**/ 4, -4};  // two neurons an expert
  EXPECT_TRUE(pass(model.watch, tensor_of(ids, {2, 2}, "ffn_moe_topk-0")));
  EXPECT_TRUE(pass(model.watch, tensor_of(gate, {2, 2, 2}, "ffn_moe_gate-0")));
  model.watch.check();
  EXPECT_EQ(model.gates.of("en", 0).fires, (std::vector<std::uint64_t>{1, 1, 0, 1, 0, 0, 2, 0}));
  EXPECT_EQ(model.gates.tokens("en", 0), 2u);
}

TEST(engine_watch, other_tensors_are_not_asked_for) {
  watched_model model;
  std::vector<float> numbers(8);
  for (const char* name : {"ffn_up-0", "l_out-0", "ffn_gate", "ffn_moe_topk (view)"}) {
    EXPECT_FALSE(pass(model.watch, tensor_of(numbers, {8}, name))) << name;
  }
  engine_watch only_routes{{.routes = &model.routes}};
  EXPECT_FALSE(pass(only_routes, tensor_of(numbers, {8}, "ffn_gate-0")));
}

TEST(engine_watch, what_goes_wrong_is_kept_and_the_engine_goes_on) {
  std::vector<std::int32_t> ids{3, 4}, twice{2, 2};
  std::vector<float> floats{1, 2}, gate(6);
  const std::vector<plain_tensor> wrong{
      tensor_of(ids, {2}, "ffn_moe_topk-0"),    tensor_of(twice, {2}, "ffn_moe_topk-0"),
      tensor_of(floats, {2}, "ffn_moe_topk-0"),  // numbers of another type
      tensor_of(ids, {1}, "ffn_moe_topk-7"),     // no such layer
      tensor_of(gate, {6}, "ffn_gate-0"),        // another number of neurons
      tensor_of(gate, {2, 3}, "ffn_moe_gate-0")  // nobody was chosen before
  };
  for (const plain_tensor& one : wrong) {
    watched_model model;
    EXPECT_EQ(problem_of(model.watch), "");
    pass(model.watch, one);
    EXPECT_EQ(problem_of(model.watch).find(one.name), 0u) << problem_of(model.watch);
    EXPECT_FALSE(pass(model.watch, tensor_of(ids, {1}, "ffn_moe_topk-0"))) << "counted on after " << one.name;
  }
}

TEST(engine_watch, a_half_counted_batch_says_so) {
  watched_model model;
  std::vector<std::int32_t> ids{0, 1, 9, 2};  // the second token's choice is none
  pass(model.watch, tensor_of(ids, {2, 2}, "ffn_moe_topk-0"));
  EXPECT_EQ(problem_of(model.watch),
            "ffn_moe_topk-0: experts that the engine chose: expected different ones from 0 to 3, got 9");
}

}  // namespace
}  // namespace fissile::ggml_observer
