#include <engine/architecture.hpp>

#include "tiny_model.hpp"

namespace fissile::engine {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::tiny_model;

architecture read_back(const tiny_model& tiny) {
  const testing::temporary_directory directory;
  tiny.out.save(directory / "tiny.gguf");
  return read_architecture(gguf_file{directory / "tiny.gguf"});
}

template <class Value>
std::string refusal_of(const char* key, const Value& value) {
  tiny_model tiny;
  tiny.out.set(key, value);
  return message_of<file_error>([&] { read_back(tiny); });
}

TEST(architecture, is_read_from_the_keys) {
  const architecture sizes = read_back(tiny_model{});
  EXPECT_EQ(sizes.context, tiny_model::context);
  EXPECT_EQ(sizes.neurons, tiny_model::neurons);
  EXPECT_EQ(sizes.head_size, tiny_model::head_size);
  EXPECT_EQ(sizes.key_width(), 16);
  EXPECT_EQ(sizes.rotated, tiny_model::rotated);
  EXPECT_EQ(sizes.rotation_base, 10000.0f);
}

TEST(architecture, has_defaults_where_files_leave_keys_out) {
  tiny_model tiny;
  tiny.out.drop("llama.attention.head_count_kv");
  tiny.out.drop("llama.rope.dimension_count");
  const architecture sizes = read_back(tiny);
  EXPECT_EQ(sizes.key_heads, tiny_model::heads);
  EXPECT_EQ(sizes.rotated, tiny_model::head_size);
}

TEST(architecture, refuses_what_it_would_compute_wrongly) {
  expect_says(refusal_of("general.architecture", "gpt2"),
              {"general.architecture: expected llama or glm4moe, got gpt2"});
  expect_says(refusal_of("llama.rope.scaling.type", "yarn"), {"llama.rope.scaling.type", "got yarn"});
  expect_says(refusal_of("llama.expert_count", 8), {"llama.expert_used_count", "no such key"});
  expect_says(refusal_of("llama.attention.value_length", 4),
              {"llama.attention.value_length: expected the length of keys, 8, got 4"});
}

TEST(architecture, knows_mixtures) {
  EXPECT_EQ(read_back(tiny_model{}).experts, 0);
  tiny_model mixed;
  mixed.out.set("llama.expert_count", 8);
  mixed.out.set("llama.expert_used_count", 3);
  EXPECT_EQ(read_back(mixed).experts, 8);
  EXPECT_EQ(read_back(mixed).active, 3);
  mixed.out.set("llama.expert_used_count", 9);
  expect_says(message_of<file_error>([&] { read_back(mixed); }), {"expert_used_count: expected 1 to 8, got 9"});
  mixed.out.set("llama.expert_used_count", 3);
  mixed.out.set("llama.expert_gating_func", 2);
  expect_says(message_of<file_error>([&] { read_back(mixed); }), {"expert_gating_func: expected 1, softmax, got 2"});
}

TEST(architecture, refuses_sizes_that_do_not_fit_together) {
  expect_says(refusal_of("llama.attention.head_count_kv", 3), {"head_count_kv", "a divisor of head_count 4, got 3"});
  expect_says(refusal_of("llama.attention.head_count", 0), {"llama.attention.head_count: expected 1 to 32, got 0"});
  expect_says(refusal_of("llama.rope.dimension_count", 3), {"an even number, got 3"});
  expect_says(refusal_of("llama.rope.dimension_count", 10), {"expected 1 to 8, got 10"});
  expect_says(refusal_of("llama.block_count", -1), {"llama.block_count", "got -1"});
  expect_says(refusal_of("llama.context_length", std::uint64_t{1} << 40), {"llama.context_length"});
  tiny_model tiny;
  tiny.out.drop("llama.block_count");
  expect_says(message_of<file_error>([&] { read_back(tiny); }), {"key \"llama.block_count\"", "no such key"});
}

TEST(architecture, scaled_positions_are_refused_however_they_are_told) {
  expect_says(refusal_of("llama.rope.scaling.factor", 4.0f), {"rope.scaling.factor", "got 4"});
  expect_says(refusal_of("llama.rope.scale_linear", 4.0f), {"rope.scale_linear", "got 4"});
  tiny_model unscaled;
  unscaled.out.set("llama.rope.scaling.type", "none");
  unscaled.out.set("llama.rope.scaling.factor", 4.0f);
  EXPECT_EQ(read_back(unscaled).context, tiny_model::context);
}

}  // namespace
}  // namespace fissile::engine
