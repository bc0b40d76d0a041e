// What packing costs: nothing in float, little in 16 bits, more in 8; the scores are those of the models alone.
#include "samples.hpp"

#include <engine/feed_forward.hpp>
#include <unravel/precision.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

class precision : public ::testing::Test {
protected:
  model_file file;
  engine::model<float> weights{file.path()};
  corpus texts{.name = "random",
               .texts = {{.language = "aa", .origin = "one", .content = random_text(1, 700)},
                         {.language = "bb", .origin = "two", .content = random_text(2, 1500)}}};
  std::vector<precision_row> rows(engine::packing how) const { return measure_precision(weights, how, texts, {}); }
};

TEST_F(precision, is_whole_in_float_and_falls_with_the_bits) {
  EXPECT_EQ(rows(engine::packing::float32)[0].relative_error(), 0);
  double before = 0;
  for (const auto& [how, most] : {std::pair{engine::packing::f16, 2e-3}, std::pair{engine::packing::bf16, 2e-2},
                                  std::pair{engine::packing::int8, 5e-2}}) {
    const std::vector<precision_row> found = rows(how);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[1].language, "bb");
    EXPECT_GT(found[0].relative_error(), before) << engine::name_of(how);
    EXPECT_LT(found[0].relative_error(), most) << engine::name_of(how);
    EXPECT_NEAR(found[0].packed.bits_per_byte(), found[0].plain.bits_per_byte(), most) << engine::name_of(how);
    before = how == engine::packing::bf16 ? 0 : found[0].relative_error();
  }
}

TEST_F(precision, scores_the_plain_model_as_a_study_does) {
  const precision_row row = rows(engine::packing::float32)[1];
  engine::session read{weights, session_for(window_tokens(weights.sizes()))};
  engine::dense_feed_forward dense{weights};
  const auto windows =
      windows_of(blocks_of(texts.texts[1].content), engine::tokenizer{weights.file()}, window_tokens(weights.sizes()));
  const score alone = score_windows(read, windows, dense);
  EXPECT_EQ(row.plain.bytes, alone.bytes);
  EXPECT_EQ(row.packed.bytes, scored_bytes(windows));
  EXPECT_NEAR(row.plain.bits, alone.bits, 1e-5 * alone.bits);
}

TEST_F(precision, is_told_for_each_text) {
  const std::string told = precision_text(rows(engine::packing::int8), engine::packing::int8);
  for (const char* word : {"packed as int8", "aa", "bb", "bits per byte", "error of the logits"}) {
    EXPECT_NE(told.find(word), std::string::npos) << word;
  }
}

}  // namespace
