// A stranger's loop must stay free of allocations when fissile comes in.
#include <engine/feed_forward.hpp>
#include <engine/packed_model.hpp>
#include <engine/session.hpp>

#include <fissile/base/thread_pool.hpp>

#include "../support/counting_new.hpp"
#include "tiny_model.hpp"

namespace fissile::engine {
namespace {

TEST(engine_allocation, reading_a_token_allocates_nothing) {
  const testing::temporary_directory directory;
  testing::tiny_model{}.out.save(directory / "tiny.gguf");
  const model<> tiny{directory / "tiny.gguf"};
  session read{tiny};
  split_feed_forward ffn{tiny, 5, read.batch()};
  const token_id token = 70;
  const std::size_t before = testing::allocations;
  for (index_t i = 0; i < read.context(); ++i) {
    read(vector_view<const token_id>{&token, 1}, ffn);
    ASSERT_EQ(read.last_logits().length(), tiny.vocabulary());
  }
  EXPECT_EQ(testing::allocations, before);
}

TEST(engine_allocation, reading_packed_allocates_nothing_in_any_number_of_tokens) {
  const testing::temporary_directory directory;
  testing::tiny_model{}.out.save(directory / "tiny.gguf");
  const model<> tiny{directory / "tiny.gguf"};
  const packed_model<bf16> packed{tiny, {.experts = 5, .panels = {.products = products::bf16_dot}}};
  thread_pool pool{2};
  session read{packed, {}, pool};
  packed_feed_forward ffn{packed, read.batch(), pool};
  const std::vector<token_id> tokens(to_size(read.context()), 70);
  const std::size_t before = testing::allocations;
  for (const index_t count : {1, 1, 7, 10}) {
    read(vector_view<const token_id>{tokens}.part(0, count), ffn);
    ASSERT_EQ(read.last_logits().length(), packed.vocabulary());
    ASSERT_EQ(read.logits().rows(), count);
  }
  EXPECT_EQ(testing::allocations, before);
}

}  // namespace
}  // namespace fissile::engine
