// A packed model writes what the model it was made from writes.
#include <engine/feed_forward.hpp>
#include <engine/generate.hpp>
#include <engine/packed_model.hpp>
#include <engine/packing.hpp>

#include <fissile/base/thread_pool.hpp>

#include "../file/shared_model.hpp"
#include "tiny_model.hpp"

#include <deque>
#include <optional>

namespace fissile::engine {
namespace {

using testing::tiny_model;

const std::vector<token_id> prompt{1, 40, 77, 200, 3, 3, 150, 258, 90, 41, 2, 7};

/// The logits of all tokens of `prompt`, read `at_once` at a time. [tokens x vocabulary]
template <class Model, class Ffn>
std::vector<float> logits_of(const Model& weights, Ffn& ffn, index_t at_once, executor_reference run = {}) {
  session read{weights, {.batch = at_once}, run};
  std::vector<float> all;
  for (index_t first = 0; first < length(prompt); first += at_once) {
    read(vector_view<const token_id>{prompt}.part(first, std::min(at_once, length(prompt) - first)), ffn);
    const matrix_view<const float> logits = read.logits();
    for (index_t token = 0; token < logits.rows(); ++token) {
      all.insert(all.end(), logits.row(token).begin(), logits.row(token).end());
    }
  }
  return all;
}
template <packed_element T>
std::vector<float> logits_of(const packed_model<T>& weights, index_t at_once, executor_reference run = {}) {
  packed_feed_forward ffn{weights, at_once, run};
  return logits_of(weights, ffn, at_once, run);
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// A model whose matrices hold what a bf16 can.
class rounded_model {
public:
  explicit rounded_model(const model<>& weights) : model_(&weights) {}
  const architecture& sizes() const { return model_->sizes(); }
  matrix_view<const float> embedding() const { return model_->embedding(); }
  vector_view<const float> output_norm() const { return model_->output_norm(); }
  matrix_view<const float> output() { return rounded(model_->output()); }
  block_weights block(index_t layer) {
    block_weights block = model_->block(layer);
    for (auto* matrix : {&block.query, &block.key, &block.value, &block.output}) *matrix = rounded(*matrix);
    return block;
  }
  ffn_weights<float> ffn(index_t layer) {
    ffn_weights<float> ffn = model_->ffn(layer);
    for (auto* matrix : {&ffn.gate, &ffn.up, &ffn.down}) *matrix = rounded(*matrix);
    return ffn;
  }

private:
  matrix_view<const float> rounded(matrix_view<const float> of) {
    std::vector<float>& numbers = numbers_.emplace_back();
    for (index_t row = 0; row < of.rows(); ++row) {
      for (const float x : of.row(row)) numbers.push_back(to_float(to_bf16(x)));
    }
    return {numbers.data(), of.rows(), of.columns()};
  }
  const model<>* model_;
  std::deque<std::vector<float>> numbers_;
};

class engine_packed : public ::testing::Test {
protected:
  engine_packed() {
    tiny_model{}.out.save(directory / "tiny.gguf");
    tiny.emplace(directory / "tiny.gguf");
    dense_feed_forward ffn{*tiny};
    dense = logits_of(*tiny, ffn, 12);
  }
  testing::temporary_directory directory;
  std::optional<model<>> tiny;
  std::vector<float> dense;
};

TEST_F(engine_packed, floats_compute_what_the_dense_model_does) {
  for (const index_t experts : {1, 4, 5, 64}) {
    EXPECT_LT(largest_difference(logits_of(packed_model<float>{*tiny, {.experts = experts}}, 12), dense), 1e-4f);
  }
}

TEST_F(engine_packed, narrow_elements_compute_what_their_rounded_weights_say) {
  rounded_model source{*tiny};
  const std::vector<float> rounded = logits_of(packed_model<float>{source}, 12);
  EXPECT_LT(largest_difference(logits_of(packed_model<bf16>{*tiny}, 12), rounded), 1e-4f);
  EXPECT_LT(largest_difference(logits_of(packed_model<bf16>{*tiny, {.experts = 5}}, 12), rounded), 1e-4f);
}

TEST_F(engine_packed, rounding_moves_the_logits_little) {
  // Logits of the tiny model are about 1; its sums are too short for errors to average out.
  for (const auto& [how, bound] : {std::pair{packing::float32, 1e-4f},
                                   {packing::f16, 1e-2f},
                                   {packing::bf16, 1e-1f},
                                   {packing::int8, 2e-1f},
                                   {packing::bf16_dot, 1e-1f}}) {
    const float found = with_packing(how, [&]<class T>(std::type_identity<T>, pack_settings panels) {
      return largest_difference(logits_of(packed_model<T>{*tiny, {.experts = 4, .panels = panels}}, 12), dense);
    });
    EXPECT_LT(found, bound) << name_of(how);
    if (how != packing::float32) {
      EXPECT_GT(found, 0.0f) << name_of(how);
    }
  }
}

TEST_F(engine_packed, the_bits_do_not_depend_on_batches_and_threads) {
  thread_pool pool{3};
  for (const packing how : all_packings) {
    with_packing(how, [&]<class T>(std::type_identity<T>, pack_settings panels) {
      const packed_model<T> packed{*tiny, {.experts = 4, .panels = panels}};
      const std::vector<float> whole = logits_of(packed, 12);
      EXPECT_EQ(logits_of(packed, 1), whole) << name_of(how);
      EXPECT_EQ(logits_of(packed, 5), whole) << name_of(how);
      EXPECT_EQ(logits_of(packed, 7, pool), whole) << name_of(how);
    });
  }
}

TEST_F(engine_packed, needs_nothing_of_the_model_it_was_made_from) {
  const packed_model<float> packed{*tiny};
  tiny.reset();
  EXPECT_EQ(packed.vocabulary(), tiny_model::words);
  EXPECT_LT(largest_difference(logits_of(packed, 12), dense), 1e-4f);
}

TEST_F(engine_packed, knows_its_bytes) {
  const packed_model<float> packed{*tiny, {.experts = 2}};
  EXPECT_EQ(packed.ffn_bytes(), 2 * 2 * (32 * 64 + 32 * 64) * index_t{sizeof(float)});  // panels of 64; down is padded
  EXPECT_EQ(packed.matrix_bytes(), (2 * (3 * 64 * 32 + 64 * 32) + 320 * 32) * index_t{sizeof(float)});
}

TEST_F(engine_packed, only_the_logits_asked_for_take_memory) {
  const packed_model<float> packed{*tiny};
  packed_feed_forward ffn{packed, 12};
  session read{packed, {.scored = 1}};
  read(prompt, ffn);
  const vector_view<const float> last = read.last_logits();
  EXPECT_TRUE(std::equal(last.begin(), last.end(), logits_of(packed, 12).end() - tiny_model::words));
}

/// The greedy continuation by a packed model.
template <packed_element T = float>
std::string continued(const std::string& path, std::string_view prompt, index_t most, index_t experts) {
  const model<> weights{path};
  const packed_model<T> packed{weights, {.experts = experts}};
  session read{packed, {.batch = 6, .scored = 1}};  // longer prompts come in parts
  packed_feed_forward ffn{packed, read.batch()};
  return generate(read, tokenizer{weights.file()}, ffn, prompt, most, [](std::string_view) {});
}
std::string continued_dense(const std::string& path, std::string_view prompt, index_t most) {
  const model<> weights{path};
  session read{weights};
  dense_feed_forward ffn{weights};
  return generate(read, tokenizer{weights.file()}, ffn, prompt, most, [](std::string_view) {});
}

TEST_F(engine_packed, writes_the_same_text) {
  const std::string path = directory / "tiny.gguf", expected = continued_dense(path, "a longer prompt", 10);
  EXPECT_EQ(continued(path, "a longer prompt", 10, 1), expected);
  EXPECT_EQ(continued(path, "a longer prompt", 10, 5), expected);
}

TEST(engine_packed_shared, writes_the_same_story) {
  FISSILE_NEEDS_MODEL(path, "stories260K.gguf");
  const std::string expected = continued_dense(path, "Once upon a time", 60);
  EXPECT_EQ(continued(path, "Once upon a time", 60, 1), expected);
  EXPECT_EQ(continued(path, "Once upon a time", 60, 4), expected);
  EXPECT_EQ(continued<f16>(path, "Once upon a time", 20, 5), continued_dense(path, "Once upon a time", 20));
}

TEST(packing, has_names_that_users_type) {
  for (const packing how : all_packings) EXPECT_EQ(packing_named(name_of(how), "--element"), how);
  testing::expect_says(testing::message_of<setting_error>([] { packing_named("q4", "--element"); }),
                       {"--element", "float, bf16, f16, int8, bf16_dot", "got q4"});
}

}  // namespace
}  // namespace fissile::engine
