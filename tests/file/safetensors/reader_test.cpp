#include <fissile/file/safetensors/reader.hpp>

#include "sample.hpp"

#include <optional>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

class safetensors_reader : public ::testing::Test {
protected:
  safetensors_reader() : path(directory / "sample.safetensors") {
    sample.writer().save(path);
    file.emplace(path);
  }
  testing::temporary_directory directory;
  testing::safetensors_sample sample;
  std::string path;
  std::optional<safetensors_file> file;
};

TEST_F(safetensors_reader, borrows_what_is_stored) {
  const matrix_view<const float> f32 = file->view<float>("f32");
  ASSERT_EQ(shape_of(f32), "[7 x 5]");
  for (index_t row = 0; row < 7; ++row) {
    for (index_t i = 0; i < 5; ++i) EXPECT_EQ(f32(row, i), sample.f32[to_size(row * 5 + i)]);
  }
  const matrix_view<const bf16> strided = file->view<bf16>("bf16.strided");
  ASSERT_EQ(shape_of(strided), "[6 x 4]");
  for (index_t row = 0; row < 6; ++row) {
    for (index_t i = 0; i < 4; ++i) EXPECT_EQ(strided(row, i).bits, sample.wide[to_size(row * 10 + i)].bits);
  }
  EXPECT_EQ(file->view<f16>("f16")(2, 7).bits, sample.half.back().bits);
  EXPECT_EQ(shape_of(file->view<float>("norm")), "[1 x 9]");
  EXPECT_EQ(shape_of(file->view<float>("empty")), "[0 x 5]");
  EXPECT_EQ(file->view<std::int8_t>("i8")(0, 3), -128);
  EXPECT_EQ(file->tensor("one").count(), 1);
  EXPECT_TRUE(file->tensor("one").shape.empty());
  const char* data = file->raw("f32").data();
  const safetensors_file moved{std::move(*file)};
  EXPECT_EQ(moved.raw("f32").data(), data);
}

TEST_F(safetensors_reader, widens_whatever_it_knows) {
  EXPECT_EQ(file->read_floats("f32"), sample.f32);
  EXPECT_EQ(file->read_floats("norm"), sample.norm);
  const std::vector<float> half = file->read_floats("f16"), bytes = file->read_floats("i8");
  ASSERT_EQ(half.size(), sample.half.size());
  for (std::size_t i = 0; i < half.size(); ++i) EXPECT_EQ(half[i], to_float(sample.half[i]));
  EXPECT_EQ(bytes, (std::vector<float>{1, -2, 3, -128, 127}));
  EXPECT_TRUE(file->read_floats("empty").empty());
}

TEST_F(safetensors_reader, lists_notes_and_tensors_in_order) {
  ASSERT_EQ(file->metadata().size(), 1u);
  EXPECT_EQ(file->metadata()[0], (std::pair<std::string, std::string>{"format", "pt"}));
  std::vector<std::string> names;
  for (const safetensors_tensor& one : file->tensors()) names.push_back(one.name);
  EXPECT_EQ(names, (std::vector<std::string>{"one", "f32", "norm", "empty", "f16", "bf16.strided", "i8", "later"}));
  EXPECT_EQ(file->find_tensor("nothing"), nullptr);
  EXPECT_EQ(file->raw("later"), "ab");  // of a type from the future
}

TEST_F(safetensors_reader, refusals_name_file_tensor_and_types) {
  expect_says(message_of<file_error>([&] { file->view<float>("model.norm.weight"); }),
              {path, "tensor \"model.norm.weight\": expected it in the file, got no tensor of this name"});
  expect_says(message_of<file_error>([&] { file->view<float>("f16"); }),
              {path, "tensor \"f16\": expected type F32, got F16", "read_floats"});
  expect_says(message_of<file_error>([&] { file->read_floats("one"); }), {"expected type F32, F16, BF16", "got I64"});
}

TEST(safetensors_alignment, an_odd_place_can_be_read_but_not_borrowed) {
  const testing::temporary_directory directory;
  const std::string path = directory / "odd.safetensors";
  testing::put(path, testing::safetensors_text(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
                                               R"("b":{"dtype":"BF16","shape":[2,1],"data_offsets":[1,5]}}   )",
                                               5));
  const safetensors_file file{path};
  const bool even = reinterpret_cast<std::uintptr_t>(file.raw("b").data()) % 2 == 0;
  EXPECT_EQ(file.read_floats("b"), (std::vector<float>(2, to_float(bf16{0x0101}))));
  if (!even) {
    expect_says(message_of<file_error>([&] { file.view<bf16>("b"); }),
                {"an offset aligned for its numbers", "read_floats"});
  } else {
    EXPECT_EQ(file.view<bf16>("b").rows(), 2);
  }
}

}  // namespace
}  // namespace fissile
