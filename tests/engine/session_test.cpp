#include <engine/feed_forward.hpp>
#include <engine/session.hpp>

#include "../file/shared_model.hpp"
#include "tiny_model.hpp"

#include <cmath>
#include <optional>

namespace fissile::engine {
namespace {

using testing::tiny_model;

/// A LLaMA model by its formulas, in double, each token computed from the beginning: nothing is shared with the engine
/// but the weights. Returns the logits of the last token.
template <class T>
std::vector<double> plain_logits(const model<T>& weights, const std::vector<token_id>& tokens) {
  using row = std::vector<double>;
  const architecture& sizes = weights.sizes();
  const auto norm = [&](const row& x, vector_view<const float> weight) {
    double squares = 0;
    for (const double v : x) squares += v * v;
    row out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = x[i] / std::sqrt(squares / static_cast<double>(x.size()) + static_cast<double>(sizes.norm_epsilon)) *
               static_cast<double>(weight.data()[i]);
    }
    return out;
  };
  const auto times = [](const auto& matrix, const row& x) {
    row out;
    for (index_t r = 0; r < matrix.rows(); ++r) {
      double sum = 0;
      for (index_t c = 0; c < matrix.columns(); ++c) sum += static_cast<double>(to_float(matrix(r, c))) * x[to_size(c)];
      out.push_back(sum);
    }
    return out;
  };
  const auto rotate = [&](row x, index_t position) {
    for (index_t head = 0; head < fissile::length(x); head += sizes.head_size) {
      for (index_t i = 0; i < sizes.rotated; i += 2) {
        const double angle =
            static_cast<double>(position) * std::pow(static_cast<double>(sizes.rotation_base),
                                                     -static_cast<double>(i) / static_cast<double>(sizes.rotated));
        double &even = x[to_size(head + i)], &odd = x[to_size(head + i + 1)];
        const double turned = even * std::cos(angle) - odd * std::sin(angle);
        odd = even * std::sin(angle) + odd * std::cos(angle);
        even = turned;
      }
    }
    return x;
  };
  std::vector<row> stream;
  for (const token_id token : tokens) {
    const auto embedded = weights.embedding().row(token);
    stream.emplace_back(embedded.begin(), embedded.end());
  }
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    const block_weights& block = weights.block(layer);
    std::vector<row> keys, values;
    for (index_t position = 0; position < fissile::length(tokens); ++position) {
      row& x = stream[to_size(position)];
      const row normed = norm(x, block.attention_norm);
      keys.push_back(rotate(times(block.key, normed), position));
      values.push_back(times(block.value, normed));
      const row query = rotate(times(block.query, normed), position);
      row attended(query.size(), 0.0);
      for (index_t head = 0; head < sizes.heads; ++head) {
        const index_t shared = head * sizes.key_heads / sizes.heads;
        row shares;
        double sum = 0;
        for (const row& key : keys) {
          double score = 0;
          for (index_t i = 0; i < sizes.head_size; ++i) {
            score += query[to_size(head * sizes.head_size + i)] * key[to_size(shared * sizes.head_size + i)];
          }
          shares.push_back(std::exp(score / std::sqrt(static_cast<double>(sizes.head_size))));
          sum += shares.back();
        }
        for (std::size_t seen = 0; seen < keys.size(); ++seen) {
          for (index_t i = 0; i < sizes.head_size; ++i) {
            attended[to_size(head * sizes.head_size + i)] +=
                shares[seen] / sum * values[seen][to_size(shared * sizes.head_size + i)];
          }
        }
      }
      const row added = times(block.output, attended);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += added[i];
      const row input = norm(x, block.ffn_norm);
      const row gate = times(weights.ffn(layer).gate, input), up = times(weights.ffn(layer).up, input);
      row hidden;
      for (std::size_t j = 0; j < up.size(); ++j) hidden.push_back(gate[j] / (1 + std::exp(-gate[j])) * up[j]);
      const row down = times(weights.ffn(layer).down, hidden);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += down[i];
    }
  }
  return times(weights.output(), norm(stream.back(), weights.output_norm()));
}

const std::vector<token_id> text{1, 40, 77, 200, 3, 3, 150, 258, 90, 41, 2, 7};

class engine_session : public ::testing::Test {
protected:
  engine_session() {
    tiny_model{}.out.save(directory / "tiny.gguf");
    tiny.emplace(directory / "tiny.gguf");
  }
  testing::temporary_directory directory;
  std::optional<model<>> tiny;
};

void expect_near(vector_view<const float> a, vector_view<const float> b) {
  ASSERT_EQ(a.length(), b.length());
  for (index_t i = 0; i < a.length(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4) << i;
}

TEST_F(engine_session, computes_what_the_formulas_say) {
  session read{*tiny};
  dense_feed_forward ffn{*tiny};
  read(text, ffn);
  const matrix_view<const float> logits = read.logits();
  ASSERT_EQ(shape_of(logits), "[12 x 259]");
  for (index_t last = 0; last < length(text); ++last) {
    const std::vector<double> plain = plain_logits(*tiny, {text.begin(), text.begin() + last + 1});
    for (index_t i = 0; i < tiny->vocabulary(); ++i) EXPECT_NEAR(logits(last, i), plain[to_size(i)], 1e-4);
  }
}

TEST_F(engine_session, computes_what_the_formulas_say_for_16_bit_weights) {
  tiny_model{gguf_type::bf16}.out.save(directory / "tiny.gguf");
  const model<bf16> narrow{directory / "tiny.gguf"};
  session read{narrow};
  dense_feed_forward ffn{narrow};
  read(text, ffn);
  const std::vector<double> plain = plain_logits(narrow, text);
  const vector_view<const float> logits = read.last_logits();
  for (index_t i = 0; i < narrow.vocabulary(); ++i) EXPECT_NEAR(logits[i], plain[to_size(i)], 1e-4);
}

TEST_F(engine_session, one_token_at_a_time_equals_a_batch) {
  session whole{*tiny}, steps{*tiny};
  dense_feed_forward ffn{*tiny};
  whole(text, ffn);
  const matrix_view<const float> all = whole.logits();
  for (index_t i = 0; i < length(text); ++i) {
    steps(vector_view<const token_id>{text}.part(i, 1), ffn);
    expect_near(steps.last_logits(), all.row(i));
  }
  EXPECT_EQ(steps.position(), 12);
}

TEST_F(engine_session, parts_of_any_length_equal_a_batch) {
  session whole{*tiny}, parts{*tiny, {.batch = 5}};
  dense_feed_forward ffn{*tiny};
  whole(text, ffn);
  for (const auto& [first, count] : {std::pair<index_t, index_t>{0, 5}, {5, 1}, {6, 4}, {10, 2}}) {
    parts(vector_view<const token_id>{text}.part(first, count), ffn);
  }
  expect_near(parts.last_logits(), whole.last_logits());
  EXPECT_EQ(parts.batch(), 5);
}

TEST_F(engine_session, rewinding_forgets) {
  session read{*tiny}, fresh{*tiny};
  dense_feed_forward ffn{*tiny};
  read(text, ffn);
  read.rewind(3);
  const std::vector<token_id> other{99, 100};
  read(other, ffn);
  fresh(vector_view<const token_id>{text}.part(0, 3), ffn);
  fresh(other, ffn);
  expect_near(read.last_logits(), fresh.last_logits());
}

TEST_F(engine_session, the_context_can_be_chosen_and_filled) {
  session read{*tiny, {.context = 40}};  // beyond training, but possible
  dense_feed_forward ffn{*tiny};
  const std::vector<token_id> many(40, 5);
  read(many, ffn);
  EXPECT_EQ(read.position(), read.context());
  EXPECT_EQ(session(*tiny).context(), tiny_model::context);
}

TEST_F(engine_session, states_are_the_residual_stream) {
  session read{*tiny};
  dense_feed_forward ffn{*tiny};
  std::vector<index_t> layers;
  std::vector<float> last;
  read(text, ffn, [&](index_t layer, matrix_view<const float> states) {
    layers.push_back(layer);
    EXPECT_EQ(shape_of(states), "[12 x 32]");
    if (layer == 0) {
      EXPECT_EQ(states(1, 0), tiny->embedding()(text[1], 0));
    }
    last.assign(states.row(11).begin(), states.row(11).end());
  });
  EXPECT_EQ(layers, (std::vector<index_t>{0, 1, 2}));
  std::vector<float> normed(last.size());
  norm_rows(vector_view<const float>{last}, tiny->output_norm(), 1e-5f, vector_view<float>{normed});
  float first = 0;
  for (index_t i = 0; i < 32; ++i) first += normed[to_size(i)] * tiny->output()(0, i);
  EXPECT_NEAR(read.last_logits()[0], first, 1e-4);
}

TEST_F(engine_session, any_callable_is_a_feed_forward) {
  session with{*tiny}, without{*tiny};
  index_t calls = 0;
  const auto none = [&](index_t layer, matrix_view<const float> tokens, matrix_view<float>) {
    EXPECT_EQ(layer, calls++);
    EXPECT_EQ(tokens.rows(), 12);
  };
  without(text, none);
  EXPECT_EQ(calls, tiny_model::layers);
  dense_feed_forward ffn{*tiny};
  with(text, ffn);
  EXPECT_GT(std::abs(with.last_logits()[0] - without.last_logits()[0]), 1e-3f);
}

TEST_F(engine_session, splitting_the_layers_changes_nothing) {
  for (const index_t experts : {1, 4, 5, 64}) {
    session dense{*tiny}, split{*tiny};
    dense_feed_forward plain{*tiny};
    split_feed_forward parts{*tiny, experts, split.batch()};
    dense(text, plain);
    split(text, parts);
    expect_near(dense.last_logits(), split.last_logits());
  }
}

TEST(engine_session_shared, one_token_at_a_time_equals_a_batch) {
  FISSILE_NEEDS_MODEL(path, "trial.gguf");
  const model<> trial{path};
  session whole{trial}, steps{trial};
  split_feed_forward ffn{trial, 4, whole.batch()};
  std::vector<token_id> tokens;
  for (index_t i = 0; i < trial.sizes().context; ++i) tokens.push_back(static_cast<token_id>(32 + i * i % 90));
  whole(tokens, ffn);
  const matrix_view<const float> all = whole.logits();
  for (index_t i = 0; i < length(tokens); ++i) {
    steps(vector_view<const token_id>{tokens}.part(i, 1), ffn);
    expect_near(steps.last_logits(), all.row(i));
  }
}

}  // namespace
}  // namespace fissile::engine
