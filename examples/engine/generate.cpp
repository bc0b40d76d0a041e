// fissile_generate MODEL PROMPT: continues a text, with the feed-forward layers split into experts, all of them on.
#include <engine/feed_forward.hpp>
#include <engine/generate.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

int main(int count, char** arguments) try {
  std::string path, prompt;
  fissile::index_t experts = 1, tokens = 64;
  CLI::App app{
      "Continues PROMPT greedily. Every layer is split into experts which all stay on: the text is the same for "
      "any number of them."};
  app.add_option("MODEL", path, "a GGUF file of a LLaMA model")->required();
  app.add_option("PROMPT", prompt, "the beginning of a text")->required();
  app.add_option("--experts", experts, "experts a layer; 1 is the dense layer")->capture_default_str();
  app.add_option("--tokens", tokens, "tokens to make, at most")->capture_default_str();
  CLI11_PARSE(app, count, arguments);

  const fissile::engine::model model{path};
  const fissile::engine::tokenizer words{model.file()};
  fissile::engine::session read{model};
  fissile::engine::split_feed_forward ffn{model, experts, read.batch()};

  std::printf("%s", prompt.c_str());
  const auto show = [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  const auto start = std::chrono::steady_clock::now();
  fissile::engine::generate(read, words, ffn, prompt, tokens, show);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("\n");
  std::fprintf(stderr, "%td tokens read and made in %.2f s\n", read.position(), seconds.count());
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "fissile_generate: %s\n", problem.what());
  return 1;
}
