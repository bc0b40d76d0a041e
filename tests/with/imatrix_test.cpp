// Statistics of others in place of a calibration run: the same masks, splits and frequencies as from the run itself.
#include <fissile/partition/by_importance.hpp>
#include <fissile/prune/apply_mask.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_mask.hpp>
#include <fissile/with/imatrix.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

struct measured_inputs {
  index_t width;
  std::vector<std::vector<float>> samples;

  measured_inputs(random_source& random, index_t wide) : width(wide) {
    for (const index_t tokens : {7, 12, 5}) {
      samples.push_back(testing::random_numbers<float>(random, tokens * width));
      for (index_t i = 0; i < tokens * width; ++i) samples.back()[to_size(i)] *= static_cast<float>(1 + i % width);
    }
  }
  input_moments moments() const {
    input_moments found{{.width = width, .corpus = "ours"}};
    for (const std::vector<float>& sample : samples) {
      found.add({sample.data(), length(sample) / width, width});
      found.sample_end();
    }
    return found;
  }
};

imatrix read_back(const imatrix& written) {
  const testing::temporary_directory directory;
  const std::string path = directory / "seen.gguf";
  write_imatrix(path, written);
  return read_imatrix(path);
}

template <class Error = file_error, class Call>
std::string imatrix_refusal(const Call& call) {
  try {
    call();
  } catch (const Error& problem) {
    return problem.what();
  }
  return "not refused";
}

TEST(with_imatrix, our_moments_written_and_read_give_the_mask_that_wanda_gives) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    random_source random{seed};
    const measured_inputs inputs{random, 32};
    const std::vector<float> numbers = testing::random_numbers<float>(random, 24 * 32);
    const matrix_view<const float> weights{numbers.data(), 24, 32};
    imatrix ours{.datasets = {"ours"}, .chunks = 3, .chunk_tokens = 12, .entries = {}, .unknown = {}};
    ours.entries["blk.0.ffn_up.weight"] = entry_of(inputs.moments());
    const input_moments theirs = moments_of(read_back(ours), "blk.0.ffn_up.weight");
    EXPECT_EQ(theirs.read().positions(), 24u);
    EXPECT_EQ(theirs.read().samples(), 1u);
    EXPECT_EQ(theirs.read().corpus(), "ours");
    const auto same = [&](auto share) {
      const weight_mask expected = mask_of(weights, wanda{inputs.moments()}, share);
      EXPECT_GT(expected.removed(), 0);
      EXPECT_EQ(mask_of(weights, wanda{theirs}, share).kept, expected.kept) << "seed " << seed;
    };
    same(unstructured{.rate = 0.5});
    same(n_of_m{2, 4});
  }
}

TEST(with_imatrix, the_neurons_that_worked_most_are_split_alike) {
  random_source random{3};
  const measured_inputs hidden{random, 48};
  const owned_ffn<float> ffn = testing::random_ffn<float>(random, {.width = 8, .neurons = 48});
  imatrix ours;
  ours.entries["blk.2.ffn_down.weight"] = entry_of(hidden.moments());
  const std::vector<double> theirs = importance_of(read_back(ours), 2);
  std::vector<double> plain(48, 0.0);  // mean of h^2 over all tokens
  for (const std::vector<float>& sample : hidden.samples) {
    for (std::size_t i = 0; i < sample.size(); ++i) plain[i % 48] += double{sample[i]} * double{sample[i]} / 24;
  }
  for (std::size_t j = 0; j < 48; ++j) EXPECT_NEAR(theirs[j], plain[j], 1e-6 * plain[j]);
  EXPECT_EQ(by_importance{.importance = theirs}.split(ffn.view(), 6),
            by_importance{.importance = plain}.split(ffn.view(), 6));
}

imatrix mixture_of(std::vector<double> uses, double tokens) {
  imatrix seen{.datasets = {"wiki", "code"}, .chunks = 1, .chunk_tokens = 512, .entries = {}, .unknown = {}};
  const index_t experts = length(uses);
  seen.entries["blk.1.ffn_gate_inp.weight"] = {.inputs = 2, .squares = {1, 1}, .counts = {tokens}};
  seen.entries["blk.1.ffn_down_exps.weight"] = {
      .inputs = 1, .squares = std::vector<double>(to_size(experts), 1.0), .counts = std::move(uses)};
  return seen;
}

TEST(with_imatrix, the_counts_of_a_mixture_are_frequencies) {
  const imatrix seen = read_back(mixture_of({50, 100, 0, 50}, 100));
  const activation_counts counts = expert_counts(seen, {.label = "en", .layers = 1, .first_layer = 1});
  EXPECT_EQ(counts.corpus(), "wiki + code");
  EXPECT_EQ(counts.tokens("en"), 100u);
  EXPECT_EQ(counts.frequency("en", 0, 0), 0.5);
  EXPECT_EQ(counts.frequency("en", 0, 1), 1.0);
  EXPECT_EQ(counts.frequency("en", 0, 2), 0.0);
  EXPECT_EQ(counts.weight("en", 0, 3), 50.0);
  EXPECT_EQ(moments_of(seen, "blk.1.ffn_down_exps.weight", 1).read().positions(), 100u);
}

TEST(with_imatrix, what_is_missing_is_named_all_at_once) {
  const imatrix seen = mixture_of({1, 1}, 1);
  EXPECT_EQ(imatrix_refusal([&] { expert_counts(seen, {.layers = 2}); }),
            "imatrix: expected sums of blk.0.ffn_gate_inp.weight, blk.0.ffn_down_exps.weight, got none of these among "
            "its 2 layers; it was measured with another model, or with too short texts");
  EXPECT_NE(imatrix_refusal([&] { importance_of(seen, 7); }).find("blk.7.ffn_down.weight"), std::string::npos);
  EXPECT_NE(imatrix_refusal([&] { moments_of(seen, "blk.0.attn_q.weight"); }).find("blk.0.attn_q.weight"),
            std::string::npos);
}

TEST(with_imatrix, experts_that_saw_nothing_and_counts_that_are_none_are_refused) {
  const imatrix seen = mixture_of({4, 0}, 4);
  EXPECT_NE(imatrix_refusal([&] { moments_of(seen, "blk.1.ffn_down_exps.weight", 1); }).find("matrix 1 read, got none"),
            std::string::npos);
  EXPECT_NE(imatrix_refusal<setting_error>([&] {
              moments_of(seen, "blk.1.ffn_down_exps.weight", 2);
            }).find("one of its 2 matrices"),
            std::string::npos);
  EXPECT_NE(imatrix_refusal([] {
              expert_counts(mixture_of({1.5, 1}, 2), {.layers = 1, .first_layer = 1});
            }).find("expected counts of tokens, got 1.5"),
            std::string::npos);
  EXPECT_NE(imatrix_refusal<setting_error>([] {
              expert_counts(mixture_of({5, 1}, 2), {.layers = 1, .first_layer = 1});
            }).find("used by more tokens"),
            std::string::npos);
}

TEST(with_imatrix, counts_beyond_what_can_be_counted_are_refused) {
  EXPECT_NE(imatrix_refusal([] {
              expert_counts(mixture_of({0x1p40, 1}, 0x1p40), {.layers = 1, .first_layer = 1});
            }).find("expected counts of tokens"),
            std::string::npos);
  imatrix weighed = mixture_of({0.3, 1}, 2);
  EXPECT_NE(imatrix_refusal([&] { moments_of(weighed, "blk.1.ffn_down_exps.weight", 0); }).find("at least one token"),
            std::string::npos);
  weighed.entries["blk.1.ffn_gate_inp.weight"] = {.inputs = 1, .squares = {}, .counts = {}};
  EXPECT_NE(
      imatrix_refusal<setting_error>([&] { expert_counts(weighed, {.layers = 1, .first_layer = 1}); }).find("matrices"),
      std::string::npos);
}

}  // namespace
}  // namespace fissile
