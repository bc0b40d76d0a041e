#include <engine/feed_forward.hpp>
#include <engine/generate.hpp>

#include "../file/shared_model.hpp"
#include "tiny_model.hpp"

namespace fissile::engine {
namespace {

const auto silent = [](std::string_view) {};

/// The greedy continuation: of the dense layers with 0 experts, else of the layers split, all experts on.
std::string continued(const std::string& path, std::string_view prompt, index_t most, index_t experts) {
  const model<> weights{path};
  const tokenizer words{weights.file()};
  session read{weights};
  if (experts == 0) {
    dense_feed_forward ffn{weights};
    return generate(read, words, ffn, prompt, most, silent);
  }
  split_feed_forward ffn{weights, experts, read.batch()};
  return generate(read, words, ffn, prompt, most, silent);
}

TEST(generate, the_known_story_dense_and_split_in_three_ways) {
  FISSILE_NEEDS_MODEL(path, "stories260K.gguf");
  const std::string story =
      ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball.";
  EXPECT_EQ(continued(path, "Once upon a time", 40, 0), story);
  EXPECT_EQ(continued(path, "Once upon a time", 40, 4), story);  // 43 neurons each
  EXPECT_EQ(continued(path, "Once upon a time", 40, 5), story);  // 35 and 34
}

TEST(generate, a_model_of_bytes_speaks) {
  FISSILE_NEEDS_MODEL(path, "trial.gguf");
  const std::string text = continued(path, "The installation ", 40, 0);
  EXPECT_EQ(text.size(), 40u);
  EXPECT_EQ(continued(path, "The installation ", 40, 4), text);
}

class engine_generate : public ::testing::Test {
protected:
  engine_generate() { file.out.save(path); }
  testing::temporary_directory directory;
  std::string path = directory / "tiny.gguf";
  testing::tiny_model file;
};

TEST_F(engine_generate, splitting_changes_no_text) {
  const std::string text = continued(path, "ab", 10, 0);
  EXPECT_EQ(continued(path, "ab", 10, 4), text);
  EXPECT_EQ(continued(path, "ab", 10, 5), text);
}

TEST_F(engine_generate, shows_the_pieces_as_they_come_and_stops_at_the_context) {
  const model<> weights{path};
  const tokenizer words{weights.file()};
  session read{weights, {.batch = 4}};  // the prompt comes in parts
  dense_feed_forward ffn{weights};
  std::string shown;
  const auto show = [&](std::string_view piece) { shown += piece; };
  const std::string text = generate(read, words, ffn, "a longer text", 1000, show);
  EXPECT_EQ(text, shown);
  EXPECT_LE(read.position(), read.context());
  EXPECT_EQ(generate(read, words, ffn, "a longer text", 1000, show), text);  // each text begins anew
}

TEST_F(engine_generate, of_a_prompt_longer_than_the_context_the_end_is_read) {
  const std::string tail(to_size(testing::tiny_model::context), 'b');
  EXPECT_EQ(continued(path, "something else " + tail, 5, 0), continued(path, "other " + tail, 5, 0));
}

TEST_F(engine_generate, stops_at_the_end_token) {
  const model<> before{path};
  const tokenizer words{before.file()};
  session read{before};
  dense_feed_forward ffn{before};
  const std::vector<token_id> prompt = words.prompt("ab");
  read(prompt, ffn);
  file.out.set("tokenizer.ggml.eos_token_id", likeliest(read.last_logits()));
  file.out.save(directory / "ends.gguf");
  EXPECT_EQ(continued(directory / "ends.gguf", "ab", 10, 0), "");
}

}  // namespace
}  // namespace fissile::engine
