// Built with -mavx2 -mfma, on x86-64.
#include "packed_layer.hpp"

library_seen seen_by_avx2() {
  return seen_here();
}
outputs outputs_by_avx2() {
  return outputs_here();
}
