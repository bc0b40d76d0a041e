// Whole experts out of fractions: an exact total, dealt as near to the wanted shares as bounds allow.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace fissile {

/// What one layer should get of a total.
struct bounded_share {
  double wanted = 0;  // finite; may be negative or above the bound
  index_t size = 0;   // how strongly the layer takes part when all shares must move; positive
  index_t bound = 0;  // the most it can get, from 0 to `size`
};

/// Whole numbers near `wanted`, none above its bound, with exactly this total.
///
/// Every share moves by the same rate c until they sum to the total, share = min(max(wanted + c * size, 0), bound);
/// each is rounded down, and what is still missing goes, one each, to the layers with the largest remainders, ties to
/// the lower layer. Shares count in steps of 2^-30, so that the last bit of a compiler's arithmetic decides nothing.
/// Needs 0 <= total <= the sum of the bounds.
inline std::vector<index_t> largest_remainders(vector_view<const bounded_share> shares, index_t total) {
  index_t most = 0;
  for (index_t i = 0; i < shares.length(); ++i) most += shares[i].bound;
  Expects(total >= 0 && total <= most);
  const auto share_at = [&](double rate, index_t i) {
    const double share = shares[i].wanted + rate * static_cast<double>(shares[i].size);
    return std::clamp(share, 0.0, static_cast<double>(shares[i].bound));
  };
  const auto sum_at = [&](double rate) {
    double sum = 0;
    for (index_t i = 0; i < shares.length(); ++i) sum += share_at(rate, i);
    return sum;
  };
  const auto goal = static_cast<double>(total);
  double low = 0;  // sum_at(low) <= goal <= sum_at(high)
  double high = 0;
  for (double step = 1; sum_at(low) > goal; step *= 2) low = -step;
  for (double step = 1; sum_at(high) < goal; step *= 2) high = step;
  for (index_t halving = 0; halving < 100; ++halving) {
    const double middle = low + (high - low) / 2;
    (sum_at(middle) <= goal ? low : high) = middle;
  }

  constexpr std::int64_t one = std::int64_t{1} << 30;
  std::vector<index_t> whole(shares.size());
  std::vector<std::pair<std::int64_t, index_t>> short_of;  // steps up to the next whole number, layer
  index_t missing = total;
  for (index_t i = 0; i < shares.length(); ++i) {
    const auto steps = static_cast<std::int64_t>(std::floor(share_at(low, i) * static_cast<double>(one) + 0.5));
    whole[to_size(i)] = static_cast<index_t>(steps / one);
    short_of.emplace_back(one - steps % one, i);
    missing -= whole[to_size(i)];
  }
  std::sort(short_of.begin(), short_of.end());
  for (std::size_t turn = 0; missing > 0; turn = (turn + 1) % short_of.size()) {
    const index_t i = short_of[turn].second;
    if (whole[to_size(i)] == shares[i].bound) continue;
    ++whole[to_size(i)];
    --missing;
  }
  return whole;
}

}  // namespace fissile
