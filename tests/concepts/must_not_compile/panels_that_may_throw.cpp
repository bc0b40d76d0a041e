// expect: fissile::sparse_ffn, 1st policy: the experts, as `borrow(ffn, partition)` or `pack` makes them
// expect: docs/concepts/expert_storage.md
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

using namespace fissile;

/// Panels that another object owns.
struct lent {
  using element_type = bf16;
  const packed_experts<bf16>* inner;
  index_t width() const noexcept { return inner->width(); }
  bool gated() const noexcept { return inner->gated(); }
  const partition& experts() const noexcept { return inner->experts(); }
#ifdef SHOULD_FAIL
  expert_panels<bf16> panels(index_t e) const {
    return inner->panels(e);
  }
#else
  expert_panels<bf16> panels(index_t e) const noexcept {
    return inner->panels(e);
  }
#endif
  vector_view<const float> down_bias() const noexcept {
    return inner->down_bias();
  }
  const pack_settings& settings() const noexcept {
    return inner->settings();
  }
  const kernel::tile_table& tiles() const noexcept {
    return inner->tiles();
  }
};

index_t width_of(const packed_experts<bf16>& experts) {
  return sparse_ffn{lent{&experts}, silu{}}.width();
}

int main() {}
