#include <engine/model.hpp>

#include "tiny_model.hpp"

namespace fissile::engine {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::tiny_model;

class engine_model : public ::testing::Test {
protected:
  std::string save(const tiny_model& tiny) {
    tiny.out.save(directory / "tiny.gguf");
    return directory / "tiny.gguf";
  }
  testing::temporary_directory directory;
};

TEST_F(engine_model, borrows_floats_from_the_file) {
  const model<> tiny{save(tiny_model{})};
  EXPECT_EQ(tiny.vocabulary(), tiny_model::words);
  EXPECT_EQ(tiny.ffn(1).up.data(), tiny.file().view<float>("blk.1.ffn_up.weight").data());
  EXPECT_EQ(shape_of(tiny.ffn(1).down), "[32 x 64]");
  EXPECT_EQ(tiny.block(0).key.data(), tiny.file().view<float>("blk.0.attn_k.weight").data());
  EXPECT_EQ(tiny.output().data(), tiny.embedding().data());  // tied
}

TEST_F(engine_model, an_output_of_its_own_is_used) {
  tiny_model file;
  file.add("output.weight", tiny_model::words, tiny_model::width);
  const model<> tiny{save(file)};
  EXPECT_EQ(tiny.output().data(), tiny.file().view<float>("output.weight").data());
}

TEST_F(engine_model, widens_what_is_stored_otherwise) {
  for (const gguf_type type : {gguf_type::f16, gguf_type::bf16, gguf_type::q8_0}) {
    const model<> tiny{save(tiny_model{type})};
    const std::vector<float> down = tiny.file().read_floats("blk.1.ffn_down.weight");
    EXPECT_TRUE(std::equal(down.begin(), down.end(), tiny.ffn(1).down.data())) << to_string(type);
  }
}

TEST_F(engine_model, borrows_16_bit_feed_forward_weights_when_asked) {
  const model<f16> tiny{save(tiny_model{gguf_type::f16})};
  EXPECT_EQ(tiny.ffn(0).gate.data(), tiny.file().view<f16>("blk.0.ffn_gate.weight").data());
  expect_says(message_of<file_error>([&] { model<bf16>{save(tiny_model{gguf_type::f16})}; }),
              {"tensor \"blk.0.ffn_gate.weight\"", "expected type BF16, got F16"});
}

TEST_F(engine_model, views_stay_good_when_it_moves) {
  model<> first{save(tiny_model{gguf_type::f16})};
  const float before = first.ffn(1).up(3, 4);
  const model<> second{std::move(first)};
  EXPECT_EQ(second.ffn(1).up(3, 4), before);
  EXPECT_EQ(second.vocabulary(), tiny_model::words);
}

TEST_F(engine_model, shape_errors_name_the_tensor) {
  tiny_model file;
  file.out.set("llama.feed_forward_length", 63);
  expect_says(message_of<file_error>([&] { model<>{save(file)}; }),
              {directory / "tiny.gguf", "blk.0.ffn_gate.weight: expected [63 x 32], got [64 x 32]"});
}

TEST_F(engine_model, missing_and_foreign_tensors_are_refused) {
  tiny_model less;
  less.out.set("llama.block_count", 3);
  expect_says(message_of<file_error>([&] { model<>{save(less)}; }), {"blk.2.attn_norm.weight", "no tensor"});
  tiny_model more;
  more.add("blk.0.attn_q.bias", 1, tiny_model::width);
  expect_says(message_of<file_error>([&] { model<>{save(more)}; }), {"blk.0.attn_q.bias", "a tensor it has not"});
}

TEST_F(engine_model, a_file_cut_short_is_refused) {
  const std::string path = save(tiny_model{});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  expect_says(message_of<file_error>([&] { model<>{path}; }), {"blk.1.ffn_down.weight", "cut short"});
}

}  // namespace
}  // namespace fissile::engine
