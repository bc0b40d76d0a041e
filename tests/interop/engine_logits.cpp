// engine_logits MODEL TEXT OUT: reads a text with a model, dense or a mixture, in windows of at most 100 tokens and
// 2000 tokens in all, and writes OUT.tokens (a line for each window) and OUT.logits (float, [tokens x vocabulary]).
#include <engine/engine.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>

namespace {

using namespace fissile;

template <class Model, class Ffn>
void write(const Model& weights, Ffn& ffn, const char* text_path, const std::string& out) {
  constexpr index_t window = 100, most = 2000;
  std::ifstream text_file{text_path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{text_file}, {}};
  const engine::tokenizer words{weights.file()};
  std::vector<engine::token_id> tokens = words.encode(text);
  if (length(tokens) > most) tokens.resize(to_size(most));
  std::ofstream lists{out + ".tokens"}, logits{out + ".logits", std::ios::binary};
  engine::session read{weights, {.batch = window}};
  const index_t step = std::min(window, read.batch());
  for (index_t first = 0; first < length(tokens); first += step) {
    const auto part = vector_view<const engine::token_id>{tokens}.part(first, std::min(step, length(tokens) - first));
    read.rewind(0);
    read(part, ffn);
    const matrix_view<const float> scores = read.logits();
    logits.write(reinterpret_cast<const char*>(scores.data()),
                 static_cast<std::streamsize>(to_size(scores.rows() * scores.columns()) * sizeof(float)));
    for (const engine::token_id token : part) lists << token << ' ';
    lists << '\n';
  }
}

}  // namespace

int main(int count, char** words) try {
  if (count != 4) return 2;
  if (engine::read_architecture(gguf_file{words[1]}).experts != 0) {
    const engine::mixture<> weights{words[1]};
    engine::mixture_feed_forward ffn{weights, 100};
    write(weights, ffn, words[2], words[3]);
  } else {
    const engine::model<> weights{words[1]};
    engine::split_feed_forward ffn{weights, 1, 100};
    write(weights, ffn, words[2], words[3]);
  }
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "engine_logits: %s\n", problem.what());
  return 1;
}
