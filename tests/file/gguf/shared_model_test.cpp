// A real file, where one is at hand.
#include <fissile/file/gguf.hpp>

#include "../shared_model.hpp"
#include "../temporary.hpp"

namespace fissile {
namespace {

TEST(gguf_shared_model, is_read_and_written_again_byte_for_byte) {
  FISSILE_NEEDS_MODEL(path, "stories260K.gguf");
  const gguf_file file{path};
  EXPECT_EQ(file.get<std::string>("general.architecture"), "llama");
  EXPECT_EQ(file.get<index_t>("llama.feed_forward_length"), 172);
  EXPECT_EQ(file.get<std::vector<std::string>>("tokenizer.ggml.tokens").size(), 512u);
  EXPECT_EQ(shape_of(file.view<float>("blk.0.ffn_down.weight")), "[64 x 172]");
  ASSERT_EQ(file.tensors().size(), 48u);
  const testing::temporary_directory directory;
  gguf_writer out;
  out.copy_entries(file);
  for (const gguf_tensor& tensor : file.tensors()) out.copy(file, tensor.name);
  out.save(directory / "again.gguf");
  EXPECT_EQ(testing::content_of(directory / "again.gguf"), testing::content_of(path));
}

}  // namespace
}  // namespace fissile
