// What a block remembers of one window until backward has used it.
#pragma once

#include <engine/gradients_components.hpp>

namespace fissile::engine {

/// Memory: context * (6 width + 3 (heads + key heads) head size + 3 neurons) numbers, or a little less.
template <std::floating_point A>
struct block_tape {
  block_tape(const architecture& sizes, index_t context)
      : outputs(sizes, context),
        before(context, sizes.width),
        middle(context, sizes.width),
        attention_input(context, sizes.width),
        ffn_input(context, sizes.width),
        turned_query(context, sizes.query_width()),
        turned_key(context, sizes.key_width()),
        attended(context, sizes.query_width()),
        inverses(2, context) {}

  component_numbers<A> outputs;
  wide_grid<A> before, middle;              // [context x width]: the residual stream before and after attention
  wide_grid<A> attention_input, ffn_input;  // [context x width]: normed
  wide_grid<A> turned_query, turned_key;    // by their positions
  wide_grid<A> attended;                    // [context x heads * head_size]
  wide_grid<A> inverses;                    // [2 x context]: of the two norms
};

}  // namespace fissile::engine
