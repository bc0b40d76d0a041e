// readers_models MODEL FOLDER: writes smaller and split files of a LLaMA model, and texts.json: how our engine goes on
// from a few prompts with each, for llama.cpp to say the same.
#include <unravel/convert_gguf.hpp>
#include <unravel/prune_file.hpp>

#include <engine/engine.hpp>
#include <engine/mixture.hpp>

#include <fissile/base/random.hpp>
#include <fissile/partition/even_slices.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace fissile;

constexpr index_t tokens = 40;
const std::vector<std::string> prompts{"Once upon a time", "The little dog", "One day, Lily", "Tom was sad",
                                       "A big red"};

/// Expert e of layer l goes where (e + l) % 4 < removed[l]: not as many of each layer, unless told.
void write_verdict(const std::string& path, index_t neurons, index_t experts, const std::vector<index_t>& removed) {
  saved_verdict made;
  made.decided.judge = "by hand";
  for (index_t layer = 0; layer < length(removed); ++layer) {
    made.partitions.push_back(even_slices{}.split(neurons, experts));
    auto& rulings = made.decided.layers.emplace_back(to_size(experts), ruling{});
    for (index_t e = 0; e < experts; ++e) {
      if ((e + layer) % 4 < removed[to_size(layer)]) rulings[to_size(e)].what = fate::remove;
    }
  }
  write_verdict_json(path, made.decided, made.partitions);
}

class texts {
public:
  /// What `as` says is what `file` should say.
  template <class Model, class Ffn>
  void add(const std::string& file, const Model& as, Ffn ffn) {
    const engine::tokenizer words{as.file()};
    engine::session<Model> read{as};
    for (const std::string& prompt : prompts) {
      const std::string text = engine::generate(read, words, ffn, prompt, tokens, [](std::string_view) {});
      list_.push_back({{"file", file}, {"prompt", prompt}, {"tokens", tokens}, {"text", text}});
    }
  }
  void add_dense(const std::string& file, const std::string& as) {
    const engine::model<float> weights{as};
    add(file, weights, engine::dense_feed_forward<float>{weights});
  }
  void save(const std::string& path) const { write_json(path, list_); }

private:
  json_value list_ = json_value::array();
};

void write_all(const std::string& model, const std::string& folder) {
  const auto in = [&](const char* name) { return folder + "/" + name; };
  const gguf_file file{model};
  const auto layers = file.get<index_t>("llama.block_count"), width = file.get<index_t>("llama.embedding_length"),
             neurons = file.get<index_t>("llama.feed_forward_length");
  texts said;

  std::vector<index_t> removed;
  for (index_t layer = 0; layer < layers; ++layer) removed.push_back(layer % 3);
  write_verdict(in("verdict.json"), neurons, 8, removed);
  unravel::prune_file(model, in("verdict.json"), in("padded.gguf"), unravel::layer_widths::padded);
  unravel::prune_file(model, in("verdict.json"), in("deci.gguf"), unravel::layer_widths::deci);
  said.add_dense("padded.gguf", in("padded.gguf"));
  said.add_dense("deci.gguf", in("padded.gguf"));

  gguf_writer whole;
  whole.copy_entries(file);
  for (const gguf_tensor& tensor : file.tensors()) whole.copy(file, tensor.name);
  const auto parts = whole.save_split(in("split.gguf"), std::filesystem::file_size(model) / 3);
  said.add_dense(std::filesystem::path{parts.front()}.filename().string(), model);

  random_source random{4};
  unravel::moe_plan plan{.experts = 4, .active = 2, .layers = {}, .made = "drawn"};
  for (index_t layer = 0; layer < layers; ++layer) {
    auto& one = plan.layers.emplace_back(unravel::moe_layer{.split = even_slices{}.split(neurons, 4), .eps = 0.01f});
    for (index_t i = 0; i < 4 * width; ++i) one.router.push_back(static_cast<float>(random.normal()));
  }
  unravel::moe_gguf{file, plan, {}}.save(in("mixture.gguf"), [] {});
  write_verdict(in("experts.json"), neurons, 4, std::vector<index_t>(to_size(layers), 1));
  unravel::prune_file(in("mixture.gguf"), in("experts.json"), in("fewer_experts.gguf"));
  const engine::mixture<float> fewer{in("fewer_experts.gguf")};
  said.add("fewer_experts.gguf", fewer, engine::mixture_feed_forward<float>{fewer, 1024});
  said.save(in("texts.json"));
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) {
    std::fprintf(stderr, "readers_models MODEL FOLDER\n");
    return 2;
  }
  std::filesystem::remove_all(arguments[2]);
  std::filesystem::create_directories(arguments[2]);
  write_all(arguments[1], arguments[2]);
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "readers_models: %s\n", problem.what());
  return 1;
}
