// Instantiates the engine in another project; a model that is not there is refused by name.
#include <engine/engine.hpp>

namespace {

[[maybe_unused]] const bool refused = [] {
  try {
    const fissile::engine::model<float> none{"no such model.gguf"};
    fissile::engine::session read{none};
    fissile::engine::split_feed_forward ffn{none, 4, read.batch()};
    read(std::vector<fissile::engine::token_id>{0}, ffn);
    std::abort();  // it was read
  } catch (const fissile::file_error&) {
    return true;
  }
}();

}  // namespace
