// A tensor of libtorch as a view of ours: nothing is copied.
#pragma once

#include <fissile/base/view.hpp>

#include <torch/torch.h>

namespace fissile::examples {

/// A contiguous float tensor, [rows x columns], borrowed.
inline matrix_view<float> view_of(const torch::Tensor& matrix) {
  return {matrix.data_ptr<float>(), matrix.size(0), matrix.size(1)};
}

}  // namespace fissile::examples
