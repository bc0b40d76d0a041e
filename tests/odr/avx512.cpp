// Built with -mavx512f -mavx512bw -mavx512dq -mavx512vl and without -mfma, on x86-64.
#include "packed_layer.hpp"

library_seen seen_by_avx512() {
  return seen_here();
}
outputs outputs_by_avx512() {
  return outputs_here();
}
