// All of a LLaMA model but its feed-forward layers: sizes, embeddings, attention and norms, every weight as a view.
//
// F32 tensors are borrowed from the mapped file; others are widened to float once, and rows of q and k that stand in
// another order than heads are rotated in here are put into it.
#pragma once

#include <engine/architecture.hpp>

#include <fissile/base/view.hpp>
#include <fissile/file/gguf.hpp>

#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile::engine {

/// All of a block but its feed-forward weights.
struct block_weights {
  vector_view<const float> attention_norm;  // [width]
  matrix_view<const float> query;           // [heads * head_size x width]
  matrix_view<const float> key, value;      // [key_heads * head_size x width]
  matrix_view<const float> output;          // [width x heads * head_size]
  vector_view<const float> ffn_norm;        // [width]
};

/// What a dense model and a mixture have in common. Views into it stay good when it moves.
class model_frame {
public:
  const gguf_file& file() const noexcept { return file_; }
  const architecture& sizes() const noexcept { return sizes_; }
  index_t vocabulary() const noexcept { return embedding_.rows(); }
  const block_weights& block(index_t layer) const noexcept { return blocks_[to_size(layer)]; }

  matrix_view<const float> embedding() const noexcept { return embedding_; }      // [vocabulary x width]
  vector_view<const float> output_norm() const noexcept { return output_norm_; }  // [width]
  matrix_view<const float> output() const noexcept { return output_; }            // [vocabulary x width]

protected:
  explicit model_frame(std::string path) : file_(std::move(path)), sizes_(read_architecture(file_)) {
    const index_t width = sizes_.width;
    const index_t vocabulary = file_.tensor("token_embd.weight").rows();
    embedding_ = matrix<float>("token_embd.weight", vocabulary, width);
    output_norm_ = vector("output_norm.weight");
    output_ = file_.find_tensor("output.weight") ? matrix<float>("output.weight", vocabulary, width) : embedding_;
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      const char* norm = sizes_.family == model_family::llama ? "ffn_norm.weight" : "post_attention_norm.weight";
      blocks_.push_back({.attention_norm = vector(block + "attn_norm.weight"),
                         .query = heads(block + "attn_q.weight", sizes_.query_width()),
                         .key = heads(block + "attn_k.weight", sizes_.key_width()),
                         .value = matrix<float>(block + "attn_v.weight", sizes_.key_width(), width),
                         .output = matrix<float>(block + "attn_output.weight", width, sizes_.query_width()),
                         .ffn_norm = vector(block + norm)});
    }
  }
  model_frame(model_frame&&) = default;
  model_frame& operator=(model_frame&&) = default;
  ~model_frame() = default;

  /// A tensor of this shape; further dimensions are stacked rows. Refuses another shape.
  template <class Stored>
  matrix_view<const Stored> matrix(const std::string& name, index_t rows, index_t columns) {
    const gguf_tensor& tensor = file_.tensor(name);
    if (tensor.rows() != rows || tensor.columns() != columns || rows == 0) {
      refuse(file_, name, "[" + std::to_string(rows) + " x " + std::to_string(columns) + "]",
             "[" + std::to_string(tensor.rows()) + " x " + std::to_string(tensor.columns()) + "]");
    }
    used_.insert(tensor.name);
    if constexpr (std::is_same_v<Stored, float>) {
      if (tensor.type != gguf_type::f32) {
        // The numbers of an inner vector stay where they are when the outer one grows or the model moves.
        return {widened_.emplace_back(file_.read_floats(name)).data(), rows, columns};
      }
    }
    return file_.view<Stored>(name);
  }
  /// A tensor that nobody asked for (a bias, rope factors) would change what the model computes. To be called last.
  void refuse_other_tensors() const {
    for (const gguf_tensor& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name)) refuse(file_, tensor.name, "a plain LLaMA model", "a tensor it has not");
    }
  }

private:
  vector_view<const float> vector(const std::string& name) { return matrix<float>(name, 1, sizes_.width).row(0); }

  /// q or k, rotated pairs side by side: of a head, numbers 2 i and 2 i + 1 are i and rotated / 2 + i in files of
  /// glm4moe.
  matrix_view<const float> heads(const std::string& name, index_t rows) {
    const matrix_view<const float> stored = matrix<float>(name, rows, sizes_.width);
    if (sizes_.family == model_family::llama) return stored;
    std::vector<float>& paired = widened_.emplace_back();
    paired.reserve(to_size(rows * sizes_.width));
    for (index_t row = 0; row < rows; ++row) {
      const index_t at = row % sizes_.head_size;
      const index_t from = at < sizes_.rotated ? at / 2 + at % 2 * (sizes_.rotated / 2) : at;
      const vector_view<const float> numbers = stored.row(row - at + from);
      paired.insert(paired.end(), numbers.begin(), numbers.end());
    }
    return {paired.data(), rows, sizes_.width};
  }

  gguf_file file_;
  architecture sizes_;
  std::vector<std::vector<float>> widened_;  // or put into another order
  std::set<std::string_view> used_;
  matrix_view<const float> embedding_, output_;
  vector_view<const float> output_norm_;
  std::vector<block_weights> blocks_;
};

}  // namespace fissile::engine
