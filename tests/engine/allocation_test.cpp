// A stranger's loop must stay free of allocations when fissile comes in.
#include <engine/feed_forward.hpp>
#include <engine/session.hpp>

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

}  // namespace
}  // namespace fissile::engine
