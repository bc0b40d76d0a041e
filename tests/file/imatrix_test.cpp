#include <fissile/file/imatrix.hpp>

#include <fissile/base/random.hpp>
#include <fissile/partition/by_importance.hpp>

#include "support/random_ffn.hpp"
#include "temporary.hpp"

namespace fissile {
namespace {

using testing::content_of;
using testing::expect_says;
using testing::message_of;

imatrix drawn_imatrix(std::uint64_t seed) {
  random_source random{seed};
  imatrix seen{
      .datasets = {"text-" + std::to_string(seed)}, .chunks = 3, .chunk_tokens = 512, .entries = {}, .unknown = {}};
  const auto add = [&](const std::string& name, index_t matrices, index_t inputs) {
    imatrix_entry& one = seen.entries[name];
    one.inputs = inputs;
    for (index_t i = 0; i < matrices * inputs; ++i) one.squares.push_back(static_cast<double>(random.below(1000)) / 8);
    for (index_t i = 0; i < matrices; ++i) one.counts.push_back(static_cast<double>(random.below(4) * 100));
  };
  add("blk.0.ffn_down.weight", 1, 12);
  add("blk.0.ffn_up.weight", 1, 5);
  add("blk.1.ffn_down_exps.weight", 4, 6);
  return seen;
}

class imatrix_files : public ::testing::Test {
protected:
  testing::temporary_directory directory;
  std::string path = directory / "seen.gguf";
};

TEST_F(imatrix_files, round_trip_and_write_the_same_bytes_again) {
  const imatrix seen = drawn_imatrix(1);
  write_imatrix(path, seen);
  const imatrix read = read_imatrix(path);
  EXPECT_EQ(read.entries, seen.entries);
  EXPECT_EQ(read.datasets, seen.datasets);
  EXPECT_EQ(read.chunks, 3u);
  EXPECT_EQ(read.chunk_tokens, 512u);
  EXPECT_TRUE(read.unknown.empty());
  const std::string again = directory / "again.gguf";
  write_imatrix(again, read);
  EXPECT_EQ(content_of(path), content_of(again));
}

TEST_F(imatrix_files, hold_what_llama_cpp_expects) {
  write_imatrix(path, drawn_imatrix(2));
  const gguf_file file{path};
  EXPECT_EQ(file.get<std::string>("general.type"), "imatrix");
  EXPECT_EQ(file.get<std::uint32_t>("imatrix.chunk_count"), 3u);
  const gguf_tensor& squares = file.tensor("blk.1.ffn_down_exps.weight.in_sum2");
  const gguf_tensor& counts = file.tensor("blk.1.ffn_down_exps.weight.counts");
  EXPECT_EQ(squares.extents, (std::array<index_t, 4>{6, 4, 1, 1}));
  EXPECT_EQ(counts.extents, (std::array<index_t, 4>{1, 4, 1, 1}));
  EXPECT_EQ(counts.type, gguf_type::f32);
}

TEST_F(imatrix_files, tell_means_and_norms) {
  const imatrix_entry one{.inputs = 2, .squares = {8, 18, 5, 5}, .counts = {2, 0}};
  EXPECT_EQ(one.mean_squares(), (std::vector<double>{4, 9}));
  EXPECT_EQ(one.norms(), (std::vector<double>{2, 3}));
  EXPECT_EQ(one.mean_squares(1), (std::vector<double>{0, 0}));  // it saw no token
}

TEST_F(imatrix_files, split_a_layer_without_a_calibration_run) {
  random_source random{4};
  const owned_ffn<float> made = testing::random_ffn<float>(random, {.width = 5, .neurons = 12});
  imatrix seen = drawn_imatrix(3);
  seen.entries["blk.0.ffn_down.weight"].counts = {100};
  write_imatrix(path, seen);
  const std::vector<double> importance = read_imatrix(path).at("blk.0.ffn_down.weight").mean_squares();
  const partition split = by_importance{.importance = importance, .shared = 1}.split(made.view(), 3);
  for (const index_t neuron : split.expert(0)) {
    for (const index_t other : split.expert(2)) EXPECT_GE(importance[to_size(neuron)], importance[to_size(other)]);
  }
}

TEST_F(imatrix_files, merge_adds_and_refuses_other_shapes_whole) {
  imatrix sum = drawn_imatrix(5);
  const imatrix first = sum, second = drawn_imatrix(6);
  sum.merge(second);
  for (const auto& [name, one] : sum.entries) {
    for (std::size_t i = 0; i < one.squares.size(); ++i) {
      EXPECT_EQ(one.squares[i], first.at(name).squares[i] + second.at(name).squares[i]);
    }
  }
  EXPECT_EQ(sum.chunks, 6u);
  EXPECT_EQ(sum.datasets.size(), 2u);
  imatrix other = second;
  other.entries["blk.0.ffn_up.weight"].inputs = 4;
  const imatrix before = sum;
  expect_says(message_of<shape_error>([&] { sum.merge(other); }), {"blk.0.ffn_up.weight", "[1 x 5]", "got [1 x 4]"});
  EXPECT_EQ(sum.entries, before.entries);
}

TEST_F(imatrix_files, of_another_kind_or_damaged_are_refused) {
  const std::vector<float> numbers{1, 2, 3}, bad{1, -2, 3};
  gguf_writer out;
  out.set("general.architecture", "llama");
  out.save(path);
  expect_says(message_of<file_error>([&] { read_imatrix(path); }),
              {path, "general.type: expected imatrix, got none given"});
  out.set("general.type", "imatrix");
  out.add("a.in_sum2", matrix_view<const float>{numbers.data(), 1, 3});
  out.save(path);
  expect_says(message_of<file_error>([&] { read_imatrix(path); }), {"a: expected counts of 1 matrices, got none"});
  out.add("a.counts", matrix_view<const float>{numbers.data(), 3, 1});
  out.save(path);
  expect_says(message_of<file_error>([&] { read_imatrix(path); }), {"counts of 1 matrices, got 3"});
  gguf_writer negative;
  negative.set("general.type", "imatrix");
  negative.add("a.in_sum2", matrix_view<const float>{bad.data(), 1, 3});
  negative.add("a.counts", matrix_view<const float>{numbers.data(), 1, 1});
  negative.add("a.in_sum", matrix_view<const float>{numbers.data(), 1, 3});
  negative.save(path);
  expect_says(message_of<file_error>([&] { read_imatrix(path); }), {"finite and not negative"});
  expect_says(message_of<file_error>([&] { drawn_imatrix(1).at("blk.9.ffn_up.weight"); }), {"one of its 3 layers"});
}

TEST_F(imatrix_files, unknown_tensors_are_named) {
  const std::vector<float> numbers{1, 2, 3};
  gguf_writer out;
  out.set("general.type", "imatrix");
  out.add("a.in_sum2", matrix_view<const float>{numbers.data(), 1, 3});
  out.add("a.counts", matrix_view<const float>{numbers.data(), 1, 1});
  out.add("a.in_sum", matrix_view<const float>{numbers.data(), 1, 3});
  out.add("b.counts", matrix_view<const float>{numbers.data(), 1, 1});
  out.save(path);
  EXPECT_EQ(read_imatrix(path).unknown, (std::vector<std::string>{"a.in_sum", "b.counts"}));
}

}  // namespace
}  // namespace fissile
