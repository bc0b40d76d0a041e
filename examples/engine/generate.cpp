// fissile_generate MODEL PROMPT: continues a text, with the feed-forward layers split into experts, all of them on.
#include <engine/engine.hpp>

#include <fissile/base/thread_pool.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace {

using namespace fissile;

struct words_given {
  std::string path, prompt, element;
  index_t experts = 1, tokens = 64, threads = 1;
  bool packed = false;
};

template <class Session, class Ffn>
void write(Session& read, Ffn& ffn, const engine::tokenizer& words, const words_given& asked) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  auto first = start;
  index_t made = 0;
  std::printf("%s", asked.prompt.c_str());
  const auto show = [&](std::string_view piece) {
    if (made++ == 0) first = clock::now();
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  engine::generate(read, words, ffn, asked.prompt, asked.tokens, show);
  std::printf("\n");
  const std::chrono::duration<double> prompt = first - start, text = clock::now() - first;
  std::fprintf(stderr, "prompt read in %.2f s, %td tokens made in %.2f s\n", prompt.count(), made, text.count());
}

/// The weights borrowed as the file holds them.
void run_borrowed(const words_given& asked, thread_pool& pool) {
  const engine::model model{asked.path};
  engine::session read{model, {.scored = 1}, pool};
  engine::split_feed_forward ffn{model, asked.experts, read.batch(), pool};
  write(read, ffn, engine::tokenizer{model.file()}, asked);
}

/// A mixture as the file holds it.
void run_mixture(const words_given& asked, thread_pool& pool) {
  const engine::mixture model{asked.path};
  engine::session read{model, {.scored = 1}, pool};
  engine::mixture_feed_forward ffn{model, read.batch(), pool};
  write(read, ffn, engine::tokenizer{model.file()}, asked);
}

void run_packed(const words_given& asked, thread_pool& pool) {
  const std::string element = asked.element.empty() ? "float" : asked.element;
  engine::with_packing(engine::packing_named(element, "--element"), [&]<class T>(std::type_identity<T>, auto settings) {
    std::optional<engine::model<>> model{asked.path};
    const engine::tokenizer words{model->file()};
    const engine::packed_model<T> packed{*model, {.experts = asked.experts, .panels = settings}};
    model.reset();  // the panels are all that is needed
    engine::session read{packed, {.scored = 1}, pool};
    engine::packed_feed_forward ffn{packed, read.batch(), pool};
    write(read, ffn, words, asked);
  });
}

}  // namespace

int main(int count, char** arguments) try {
  words_given asked;
  CLI::App app{
      "Continues PROMPT greedily. Every layer is split into experts which all stay on: the text is the same for "
      "any number of them. Files of mixtures run by their own routers, and no other option but --tokens and --threads "
      "counts."};
  app.add_option("MODEL", asked.path, "a GGUF file of a LLaMA model")->required();
  app.add_option("PROMPT", asked.prompt, "the beginning of a text")->required();
  app.add_option("--experts", asked.experts, "experts a layer; 1 is the dense layer")->capture_default_str();
  app.add_option("--tokens", asked.tokens, "tokens to make, at most")->capture_default_str();
  app.add_flag("--packed", asked.packed, "copy all weights into panels: much faster");
  app.add_option("--element", asked.element, "what panels are stored as: float, bf16, f16, int8 or bf16_dot; packs");
  app.add_option("--threads", asked.threads)->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, count, arguments);

  thread_pool pool{asked.threads};
  if (engine::read_architecture(gguf_file{asked.path}).experts != 0) {
    run_mixture(asked, pool);
    return 0;
  }
  asked.packed || !asked.element.empty() ? run_packed(asked, pool) : run_borrowed(asked, pool);
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "fissile_generate: %s\n", problem.what());
  return 1;
}
