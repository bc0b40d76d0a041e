// Built with no flags of its own.
#include "packed_layer.hpp"

library_seen seen_by_plain() {
  return seen_here();
}
outputs outputs_by_plain() {
  return outputs_here();
}
