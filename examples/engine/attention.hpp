// Attention over the keys and values of all tokens so far.
//
//   score_i = q . key_i,   share = softmax(score / sqrt(head size)),   attended = sum over positions i of share_i
//   value_i
//
// Both sums are products of a few rows with a panel of 64 columns, so the tiles of packed experts compute them: keys of
// 64 positions are a panel of [head size][64 positions], values of a head are panels of [positions][64 numbers]. The
// bits of a token do not depend on the tokens beside it, nor on threads.
#pragma once

#include <engine/architecture.hpp>
#include <engine/softmax.hpp>

#include <fissile/base/executor.hpp>
#include <fissile/base/view.hpp>
#include <fissile/pack/panel_products.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace fissile::engine {

/// Numbers rounded up to whole panels.
inline index_t panelled(index_t numbers) noexcept {
  return (numbers + kernel::panel_columns - 1) / kernel::panel_columns * kernel::panel_columns;
}

/// The keys and values of one layer. Memory: context * key heads * (head size + head size rounded up to 64) floats.
class attention_cache {
public:
  attention_cache(const architecture& sizes, index_t context)
      : size_(sizes.head_size),
        context_(panelled(context)),
        keys_(to_size(sizes.key_heads * size_ * context_)),
        values_(to_size(sizes.key_heads * panelled(size_) * context_)) {}

  /// keys, values: [tokens x key_heads * head_size], the first of them at `position`.
  void append(index_t position, matrix_view<const float> keys, matrix_view<const float> values) noexcept {
    for (index_t token = 0; token < keys.rows(); ++token) {
      const index_t at = position + token, column = at % kernel::panel_columns;
      for (index_t i = 0; i < keys.columns(); ++i) {
        const index_t head = i / size_, number = i % size_;
        key_panel_of(head, at)[number * kernel::panel_columns + column] = keys(token, i);
        value_panel_of(head, number)[at * kernel::panel_columns + number % kernel::panel_columns] = values(token, i);
      }
    }
  }

  /// [head size][64]: the keys of the 64 positions around `at`.
  const float* key_panel(index_t head, index_t at) const noexcept {
    return const_cast<attention_cache*>(this)->key_panel_of(head, at);
  }
  /// [context][64]: of all values, the 64 numbers around `number`.
  const float* value_panel(index_t head, index_t number) const noexcept {
    return const_cast<attention_cache*>(this)->value_panel_of(head, number);
  }

private:
  float* key_panel_of(index_t head, index_t at) noexcept {
    return keys_.data() + (head * context_ + at / kernel::panel_columns * kernel::panel_columns) * size_;
  }
  float* value_panel_of(index_t head, index_t number) noexcept {
    const index_t panel = head * (panelled(size_) / kernel::panel_columns) + number / kernel::panel_columns;
    return values_.data() + panel * context_ * kernel::panel_columns;
  }

  index_t size_, context_;
  std::vector<float> keys_;    // [key heads][context / 64][head size][64]
  std::vector<float> values_;  // [key heads][head size / 64][context][64]
};

class attention {
public:
  /// `run` lends threads and must outlive this; each gets scratch of its own.
  attention(const architecture& sizes, index_t context, executor_reference run)
      : sizes_(sizes),
        group_(sizes.heads / sizes.key_heads),
        rows_(std::max<index_t>(24, group_)),
        context_(panelled(context)),
        run_(run),
        slices_(std::clamp<index_t>(run.threads(), 1, 64)),
        tiles_(kernel::tiles_for<float>(best_instruction_set())),
        softmax_(softmax_for(best_instruction_set())),
        scratch_(to_size(slices_ * scratch_size())) {}

  /// query, out: [tokens x heads * head_size], the first token at `position`; the cache knows the keys and values of
  /// these tokens, too. Allocates nothing.
  void operator()(const attention_cache& cache, matrix_view<const float> query, matrix_view<float> out,
                  index_t position) noexcept {
    // A job: a few tokens, with all query heads that share a key head. Its rows are tokens outermost.
    const index_t at_once = rows_ / group_, blocks = (query.rows() + at_once - 1) / at_once;
    const index_t jobs = sizes_.key_heads * blocks, slices = std::min(jobs, slices_);
    run_(slices, [&](index_t slice) noexcept {
      for (index_t one = slice; one < jobs; one += slices) {
        const index_t first = one % blocks * at_once;
        const job work{one / blocks, first, std::min(at_once, query.rows() - first), position + first};
        attend(cache, work, query, out, scratch_.data() + slice * scratch_size());
      }
    });
  }

private:
  struct job {
    index_t key_head, first, tokens;
    index_t position;  // of the first token
  };
  /// Of a slice: scores [rows x context] and sums [rows x 64].
  index_t scratch_size() const noexcept { return rows_ * (context_ + kernel::panel_columns); }

  void attend(const attention_cache& cache, const job& work, matrix_view<const float> query, matrix_view<float> out,
              float* scratch) const noexcept {
    const index_t rows = work.tokens * group_, seen = work.position + work.tokens, padded = panelled(seen);
    const index_t size = sizes_.head_size;
    const auto token = [&](index_t row) noexcept { return work.first + row / group_; };
    const auto place = [&](index_t row) noexcept { return (work.key_head * group_ + row % group_) * size; };
    float* sums = scratch + rows_ * context_;

    std::memset(scratch, 0, to_size(rows * context_) * sizeof(float));
    for (index_t at = 0; at < seen; at += kernel::panel_columns) {
      multiply(
          cache.key_panel(work.key_head, at), size, rows,
          [&](index_t row) noexcept { return query.row(token(row)).data() + place(row); },
          [&](index_t row) noexcept { return scratch + row * context_ + at; });
    }
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (index_t row = 0; row < rows; ++row) {
      softmax_({scratch + row * context_, work.position + row / group_ + 1, padded, scale});
    }
    for (index_t number = 0; number < size; number += kernel::panel_columns) {
      std::memset(sums, 0, to_size(rows * kernel::panel_columns) * sizeof(float));
      multiply(
          cache.value_panel(work.key_head, number), seen, rows,
          [&](index_t row) noexcept { return scratch + row * context_; },
          [&](index_t row) noexcept { return sums + row * kernel::panel_columns; });
      const index_t count = std::min<index_t>(kernel::panel_columns, size - number);
      for (index_t row = 0; row < rows; ++row) {
        std::copy_n(sums + row * kernel::panel_columns, count, out.row(token(row)).data() + place(row) + number);
      }
    }
  }

  /// out_of(row) += panel . in_of(row). panel: [terms][64]
  template <class InOf, class OutOf>
  void multiply(const float* panel, index_t terms, index_t rows, const InOf& in_of,
                const OutOf& out_of) const noexcept {
    const panel_matrix<float> shape{.terms = terms, .columns = kernel::panel_columns};
    multiply_panel(
        panel_view<float>{&shape, reinterpret_cast<const std::byte*>(panel), &tiles_}, rows,
        [&](index_t row) noexcept { return reinterpret_cast<const std::byte*>(in_of(row)); }, out_of);
  }

  architecture sizes_;
  index_t group_;  // query heads that share a key head
  index_t rows_, context_;
  executor_reference run_;
  index_t slices_;
  kernel::tile_table tiles_;
  softmax_function softmax_;
  std::vector<float> scratch_;  // [slices][scratch_size]
};

}  // namespace fissile::engine
