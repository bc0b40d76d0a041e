// Causal attention within one window, forward and backward side by side; no shares are remembered, backward computes
// them again for a few queries at a time.
//
//   score_ti = scale q_t . k_i for i <= t,  scale = 1 / sqrt(head size)
//   share_t = softmax(score_t),  attended_t = sum over i of share_ti v_i
//
//   dL/dv_i = sum over t of share_ti g_t                                  g = dL/dattended
//   dL/dscore_ti = share_ti (g_t . v_i - sum over j of share_tj g_t . v_j)
//   dL/dq_t = scale sum over i of dL/dscore_ti k_i,  dL/dk_i = scale sum over t of dL/dscore_ti q_t
//
// Query heads that share a key head add to the gradients of its keys and values.
#pragma once

#include <engine/gradients_components.hpp>

#include <fissile/train/product.hpp>

#include <algorithm>
#include <cmath>

namespace fissile::engine {

/// Queries and keys turned by their positions, as T const; their gradients, as T itself.
template <class T>
struct attention_sides {
  matrix_view<T> query;       // [tokens x heads * head_size]
  matrix_view<T> key, value;  // [tokens x key_heads * head_size]
};

template <std::floating_point A>
class window_attention {
public:
  window_attention(const architecture& sizes, index_t context)
      : sizes_(sizes),
        scale_(A(1) / std::sqrt(static_cast<A>(sizes.head_size))),
        shares_(at_once, context),
        slopes_(at_once, context) {}

  /// attended: [tokens x heads * head_size], written.
  void forward(const attention_sides<const A>& from, product_space<A>& space, matrix_view<A> attended) noexcept {
    clear(attended);
    each_part(from.query.rows(), [&](const part& now) noexcept {
      const matrix_view<const A> shares = shares_of(from, now, space);
      space.add_product(pick(shares).swapped(), pick(from.value, now.keys(), now.key_columns),
                        pick(attended, now.queries, now.query_columns));
    });
  }

  /// attended_gradient: dL/dattended; into: written.
  void backward(const attention_sides<const A>& from, matrix_view<const A> attended_gradient, product_space<A>& space,
                const attention_sides<A>& into) noexcept {
    for (const matrix_view<A>& one : {into.query, into.key, into.value}) clear(one);
    each_part(from.query.rows(), [&](const part& now) noexcept {
      const matrix_view<const A> shares = shares_of(from, now, space);
      const picked<const A> gradient = pick(attended_gradient, now.queries, now.query_columns);
      space.add_product(pick(shares), gradient, pick(into.value, now.keys(), now.key_columns));

      const matrix_view<const A> slopes = score_gradients(from, now, {shares, gradient}, space);
      space.add_product(pick(slopes).swapped(), pick(from.key, now.keys(), now.key_columns),
                        pick(into.query, now.queries, now.query_columns));
      space.add_product(pick(slopes), pick(from.query, now.queries, now.query_columns),
                        pick(into.key, now.keys(), now.key_columns));
    });
  }

private:
  static constexpr index_t at_once = 64;  // queries; keys that all of them may not see cost little

  /// Some queries of one head, and all keys that the last of them sees.
  struct part {
    picked_lines queries;                     // rows
    picked_lines query_columns, key_columns;  // of the head
    index_t seen() const noexcept { return queries.begin + queries.count; }
    picked_lines keys() const noexcept { return picked_lines::all(seen()); }
  };
  struct share_slopes {
    matrix_view<const A> shares;  // [queries x seen]
    picked<const A> gradient;     // dL/dattended, [queries x head size]
  };

  template <class Visit>
  void each_part(index_t tokens, const Visit& visit) const noexcept {
    const index_t size = sizes_.head_size, group = sizes_.heads / sizes_.key_heads;
    for (index_t head = 0; head < sizes_.heads; ++head) {
      for (index_t first = 0; first < tokens; first += at_once) {
        visit(part{.queries = {first, std::min(at_once, tokens - first)},
                   .query_columns = {head * size, size},
                   .key_columns = {head / group * size, size}});
      }
    }
  }

  /// [queries x seen]; 0 for keys that lie in a query's future.
  matrix_view<const A> shares_of(const attention_sides<const A>& from, const part& now,
                                 product_space<A>& space) noexcept {
    const matrix_view<A> shares{shares_.rows(1).data(), now.queries.count, now.seen()};
    clear(shares);
    space.add_product(pick(from.query, now.queries, now.query_columns).swapped(),
                      pick(from.key, now.keys(), now.key_columns).swapped(), pick(shares));
    for (index_t query = 0; query < shares.rows(); ++query) {
      const index_t seen = now.queries.begin + query + 1;
      A* row = shares.row(query).data();
      const A largest = *std::max_element(row, row + seen);
      A sum = 0;
      for (index_t i = 0; i < seen; ++i) sum += row[i] = std::exp(scale_ * (row[i] - largest));
      for (index_t i = 0; i < seen; ++i) row[i] /= sum;
      std::fill(row + seen, row + shares.columns(), A(0));
    }
    return shares;
  }

  /// scale dL/dscore. [queries x seen]
  matrix_view<const A> score_gradients(const attention_sides<const A>& from, const part& now, const share_slopes& given,
                                       product_space<A>& space) noexcept {
    const matrix_view<A> slopes{slopes_.rows(1).data(), now.queries.count, now.seen()};
    clear(slopes);
    space.add_product(given.gradient.swapped(), pick(from.value, now.keys(), now.key_columns).swapped(), pick(slopes));
    for (index_t query = 0; query < slopes.rows(); ++query) {
      A* slope = slopes.row(query).data();
      const A* share = given.shares.row(query).data();
      A mean = 0;
      for (index_t i = 0; i < slopes.columns(); ++i) mean += share[i] * slope[i];
      for (index_t i = 0; i < slopes.columns(); ++i) slope[i] = scale_ * share[i] * (slope[i] - mean);
    }
    return slopes;
  }

  static void clear(matrix_view<A> numbers) noexcept {
    for (index_t row = 0; row < numbers.rows(); ++row)
      std::fill(numbers.row(row).begin(), numbers.row(row).end(), A(0));
  }

  architecture sizes_;
  A scale_;
  wide_grid<A> shares_, slopes_;  // [at_once x context]
};

}  // namespace fissile::engine
