// Counting in shards, without MPI: no piece is lost or counted twice, and what the shards counted adds up to the whole.
#include "unravel/samples.hpp"

#include <count_mpi/cells.hpp>
#include <count_mpi/shard_counter.hpp>

#include <gtest/gtest.h>

#include <fstream>

namespace fissile::count_mpi {
namespace {

/// Files of these many bytes, in a directory of their own.
class text_files {
public:
  std::string add(const std::string& name, index_t bytes) {
    const std::string path = directory_ / name;
    std::ofstream{path, std::ios::binary} << testing::random_text(static_cast<std::uint64_t>(bytes), bytes);
    return path;
  }

private:
  testing::temporary_directory directory_;
};

corpus_pieces corpus_of(text_files& files, const std::vector<index_t>& bytes) {
  std::vector<labelled_file> texts;
  for (const index_t count : bytes) {
    const std::string label = "l" + std::to_string(texts.size());
    texts.push_back(labelled_file_of(label + "=" + files.add(label, count)));
  }
  return corpus_pieces{std::move(texts)};
}

TEST(count_mpi_shards, every_piece_is_in_one_shard_and_shards_are_even) {
  for (const index_t pieces : {0, 1, 5, 64, 1001}) {
    for (index_t of = 1; of <= 9; ++of) {
      index_t next = 0;
      for (index_t number = 0; number < of; ++number) {
        const piece_range range = share_of({number, of}, pieces);
        EXPECT_EQ(range.first, next);
        EXPECT_LE(std::abs((range.last - range.first) * of - pieces), of - 1) << "more than one apart";
        next = range.last;
      }
      EXPECT_EQ(next, pieces);
    }
  }
  EXPECT_THROW(share_of({3, 3}, 8), setting_error);
  EXPECT_THROW(share_of({0, 0}, 8), setting_error);
}

TEST(count_mpi_shards, the_pieces_of_a_text_are_the_text) {
  text_files files;
  const corpus_pieces texts = corpus_of(files, {2048, 0, 3000, 1});
  EXPECT_EQ(texts.pieces(), 2 + 0 + 3 + 1);
  std::vector<std::string> joined(4);
  for (index_t number = 0; number < texts.pieces(); ++number) {
    const piece one = texts[number];
    EXPECT_FALSE(one.content.empty());
    EXPECT_LE(one.content.size(), 1024u);
    joined[to_size(one.label)] += one.content;
  }
  for (std::size_t text = 0; text < 4; ++text) EXPECT_EQ(joined[text], texts.texts()[text].file.bytes());
}

TEST(count_mpi_shards, words_that_name_no_text_are_refused) {
  for (const char* wrong : {"english.txt", "=english.txt", "en="}) {
    EXPECT_THROW(labelled_file_of(wrong), setting_error) << wrong;
  }
  EXPECT_THROW(labelled_file_of("en=not/there.txt"), file_error);
}

TEST(count_mpi_counts, shards_add_up_to_the_whole_bit_for_bit) {
  const testing::model_file file;
  const engine::model<float> weights{file.path()};
  text_files files;
  const corpus_pieces texts = corpus_of(files, {1100, 1500, 300});  // 5 pieces: some of 7 shards are empty
  shard_counter counter{weights, {.experts = 6, .active = 2, .corpus = "made up"}};
  const activation_counts whole = counter.count(texts, {});
  std::uint64_t tokens = 0;
  for (const std::string& label : whole.labels()) tokens += whole.tokens(label);
  ASSERT_GT(tokens, 1000u);
  for (index_t of = 1; of <= 7; ++of) {
    activation_counts sum = counter.count(texts, {0, of}), sent = sum;
    std::vector<std::uint64_t> words = to_words(sum);
    for (index_t number = 1; number < of; ++number) {
      const activation_counts part = counter.count(texts, {number, of});
      sum.merge(part);
      const index_t each = words_of_cell(part.experts(0));
      merge_cells(to_words(part).data(), words.data(), length(words) / each, each);
    }
    EXPECT_EQ(sum, whole) << of << " shards";
    from_words(words, sent);
    EXPECT_EQ(sent, whole) << of << " shards, as words";
  }
}

TEST(count_mpi_counts, counts_come_back_from_words_as_they_were) {
  activation_counts counts{even_slices{}.split(8, 4), {.labels = {"en", "de"}, .layers = 2}};
  route chosen{4};
  chosen.append({1, -0.5f});
  chosen.append({3, 2.0f});
  chosen.undefined_scores = 2;
  counts.at("de", 1).token(chosen);
  counts.at("de", 1).token(route{4});
  activation_counts other{even_slices{}.split(8, 4), {.labels = {"en", "de"}, .layers = 2}};
  from_words(to_words(counts), other);
  EXPECT_EQ(other, counts);
}

TEST(count_mpi_counts, experts_that_cannot_be_are_refused_before_any_work) {
  const testing::model_file file;
  const engine::model<float> weights{file.path()};
  EXPECT_THROW(shard_counter(weights, {.experts = 1, .active = 1}), setting_error);
  EXPECT_THROW(shard_counter(weights, {.experts = 4, .active = 5}), setting_error);
}

}  // namespace
}  // namespace fissile::count_mpi
