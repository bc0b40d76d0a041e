#include <fissile/file/gguf/reader.hpp>

#include "../temporary.hpp"
#include "sample.hpp"

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

class gguf_reader : public ::testing::Test {
protected:
  gguf_reader() : path(directory / "sample.gguf") {
    sample.writer().save(path);
    file.emplace(path);
  }
  testing::temporary_directory directory;
  testing::sample sample;
  std::string path;
  std::optional<gguf_file> file;
};

TEST_F(gguf_reader, gets_keys_of_every_kind) {
  EXPECT_EQ(file->get<std::string>("general.architecture"), "sample");
  EXPECT_EQ(file->get<int>("k.uint8"), 8);
  EXPECT_EQ(file->get<int>("k.int8"), -8);
  EXPECT_EQ(file->get<int>("k.uint16"), 16);
  EXPECT_EQ(file->get<int>("k.int16"), -16);
  EXPECT_EQ(file->get<std::uint32_t>("k.uint32"), 32u);
  EXPECT_EQ(file->get<index_t>("k.int32"), -32);
  EXPECT_EQ(file->get<float>("k.float32"), 0.5f);
  EXPECT_EQ(file->get<bool>("k.bool"), true);
  EXPECT_EQ(file->get<index_t>("k.uint64"), 64);
  EXPECT_EQ(file->get<int>("k.int64"), -64);
  EXPECT_EQ(file->get<double>("k.float64"), 0.25);
  EXPECT_EQ(file->get<std::vector<std::string>>("k.strings")[2], "\xc3\xa9t\xc3\xa9");
  EXPECT_EQ(file->get<std::vector<float>>("k.floats"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(file->get<std::vector<index_t>>("k.ints"), (std::vector<index_t>{1, -2, 3}));
  EXPECT_TRUE(file->get<std::vector<std::string>>("k.nothing").empty());
  EXPECT_EQ(file->entries().size(), 17u);
  EXPECT_EQ(file->entries()[1].key, "k.uint8");
}

TEST_F(gguf_reader, optional_keys) {
  EXPECT_EQ(file->find("no.key"), nullptr);
  EXPECT_EQ(file->get_or("no.key", 10000.0f), 10000.0f);
  EXPECT_EQ(file->get_or("k.float32", 10000.0f), 0.5f);
  EXPECT_THROW(file->get_or("k.float32", 1), file_error);
}

TEST_F(gguf_reader, refusals_of_keys_name_file_key_and_kinds) {
  expect_says(message_of<file_error>([&] { file->get<std::uint32_t>("llama.block_count"); }),
              {path, "key \"llama.block_count\": expected uint32, got no such key"});
  expect_says(message_of<file_error>([&] { file->get<std::uint32_t>("k.int32"); }),
              {path, "key \"k.int32\" at byte ", "expected uint32, got int32, which does not convert"});
  expect_says(message_of<file_error>([&] { file->get<std::vector<std::string>>("k.floats"); }),
              {"expected an array of string, got array of 3 float32"});
}

TEST_F(gguf_reader, borrows_what_is_stored) {
  const matrix_view<const float> f32 = file->view<float>("f32");
  ASSERT_EQ(shape_of(f32), "[7 x 5]");
  for (index_t row = 0; row < 7; ++row) {
    for (index_t column = 0; column < 5; ++column) EXPECT_EQ(f32(row, column), sample.f32[to_size(row * 5 + column)]);
  }
  const matrix_view<const bf16> strided = file->view<bf16>("bf16.strided");
  ASSERT_EQ(shape_of(strided), "[6 x 4]");
  EXPECT_EQ(strided.row_stride(), 4);
  for (index_t row = 0; row < 6; ++row) {
    for (index_t column = 0; column < 4; ++column) {
      EXPECT_EQ(strided(row, column).bits, sample.wide[to_size(row * 10 + column)].bits);
    }
  }
  EXPECT_EQ(file->view<f16>("f16")(2, 7).bits, sample.half.back().bits);
  EXPECT_EQ(shape_of(file->view<float>("norm")), "[1 x 9]");
  EXPECT_EQ(shape_of(file->view<float>("empty")), "[0 x 5]");
  const char* data = file->raw("f32").data();
  const gguf_file moved{std::move(*file)};
  EXPECT_EQ(moved.raw("f32").data(), data);
  EXPECT_EQ(moved.get<int>("k.uint8"), 8);
}

TEST_F(gguf_reader, widens_what_is_asked_for_as_float) {
  EXPECT_EQ(file->read_floats("f32"), sample.f32);
  const std::vector<float> wide = file->read_floats("bf16.strided");
  ASSERT_EQ(wide.size(), 24u);
  EXPECT_EQ(wide[5], to_float(sample.wide[11]));
  EXPECT_EQ(file->read_floats("f16")[23], to_float(sample.half[23]));
  EXPECT_TRUE(file->read_floats("empty").empty());
  const std::vector<float> quantised = file->read_floats("q8_0");
  ASSERT_EQ(quantised.size(), 128u);
  f16 scale;
  std::memcpy(&scale, sample.q8_0.data() + 34, 2);
  EXPECT_EQ(quantised[33], to_float(scale) * static_cast<float>(sample.q8_0[34 + 2 + 1]));
}

TEST_F(gguf_reader, refusals_of_tensors_name_file_tensor_and_byte) {
  const std::string place = " at byte " + std::to_string(file->tensor("f16").offset);
  expect_says(message_of<file_error>([&] { file->view<float>("f16"); }),
              {path, "tensor \"f16\"" + place + ": expected type F32, got F16", "read_floats"});
  expect_says(message_of<file_error>([&] { file->view<float>("q8_0"); }), {"expected type F32, got Q8_0"});
  expect_says(message_of<file_error>([&] { file->view<float>("none"); }), {"tensor \"none\": expected it in the file"});
}

TEST_F(gguf_reader, types_that_are_not_widened_are_listed_and_passed_on) {
  gguf_writer out;
  const std::string blocks(2 * 144, 'q');
  out.add({.name = "k", .type = gguf_type{12}, .extents = {256, 2, 1, 1}, .dimensions = 2}, blocks);
  out.save(path);
  const gguf_file k{path};
  EXPECT_EQ(to_string(k.tensor("k").type), "Q4_K");
  EXPECT_EQ(k.raw("k"), blocks);
  expect_says(message_of<file_error>([&] { k.read_floats("k"); }), {"F32, F16, BF16 or Q8_0, got Q4_K"});
  // The same file with a type nobody knows: it opens, the tensor does not.
  std::string bytes = testing::content_of(path);
  bytes[24 + (8 + 1) + 4 + 16] = 99;  // after header, name, dimensions and extents
  testing::put(path, bytes);
  const gguf_file unknown{path};
  for (const auto open : {+[](const gguf_file& f) { f.raw("k"); }, +[](const gguf_file& f) { f.view<float>("k"); },
                          +[](const gguf_file& f) { f.read_floats("k"); }}) {
    expect_says(message_of<file_error>([&] { open(unknown); }), {"tensor \"k\" at byte", "unknown type 99"});
  }
}

}  // namespace
}  // namespace fissile
