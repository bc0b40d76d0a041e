// Stands in for the peers that were not found when the benches were configured.
#include "peer.hpp"

namespace fissile::bench {

#ifndef FISSILE_BENCH_HAS_ONEDNN
std::unique_ptr<dense_peer> make_onednn(const peer_shape&, const std::vector<plain_layer>&, peer_type) {
  return nullptr;
}
#endif
#ifndef FISSILE_BENCH_HAS_OPENBLAS
std::unique_ptr<dense_peer> make_openblas(const peer_shape&, const std::vector<plain_layer>&) {
  return nullptr;
}
#endif
#ifndef FISSILE_BENCH_HAS_GGML
std::unique_ptr<dense_peer> make_ggml_dense(const peer_shape&, const plain_layer&, std::size_t, peer_type) {
  return nullptr;
}
std::unique_ptr<mixture_peer> make_ggml(const peer_shape&, const plain_layer&, std::size_t, peer_type) {
  return nullptr;
}
#endif

}  // namespace fissile::bench
