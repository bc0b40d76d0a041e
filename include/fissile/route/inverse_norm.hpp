// What a token or a row is multiplied by to have length 1: routers that compare directions normalise with it.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/view.hpp>

#include <cmath>

namespace fissile {

/// 1 / ||numbers||, the Euclidean norm; 0 where that is 0, so that zeros stay zeros (the official code of MoEfication
/// divides by 0). Squares are summed in double, ascending: of floats they are exact there, so the bits depend on the
/// numbers alone.
template <element T>
float inverse_norm(vector_view<const T> numbers) noexcept {
  double sum = 0;
  for (const T number : numbers) sum += widen<double>(number) * widen<double>(number);
  return sum > 0 || sum != sum ? static_cast<float>(1 / std::sqrt(sum)) : 0.0f;
}

}  // namespace fissile
