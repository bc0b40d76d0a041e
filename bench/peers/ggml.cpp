// ggml: the dense layer by mul_mat, and the mixture by mul_mat_id, as llama.cpp builds them.
#include "huge_block.hpp"
#include "peer.hpp"

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <cstring>

namespace fissile::bench {
namespace {

struct free_context {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
struct free_backend {
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
};
struct free_buffer {
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
struct free_allocator {
  void operator()(ggml_gallocr* allocator) const { ggml_gallocr_free(allocator); }
};
using context_pointer = std::unique_ptr<ggml_context, free_context>;

context_pointer make_context(std::size_t tensors) {
  return context_pointer(
      ggml_init({.mem_size = ggml_tensor_overhead() * tensors + ggml_graph_overhead_custom(4096, false),
                 .mem_buffer = nullptr,
                 .no_alloc = true}));
}

/// The layer with `experts` experts of equal size, or the dense one with a single expert; graphs for any number of
/// experts a token.
class ggml_layer {
public:
  ggml_layer(const peer_shape& shape, const plain_layer& layer, std::size_t copies, ggml_type type)
      : shape_(shape), backend_(ggml_backend_cpu_init()) {
    ggml_backend_cpu_set_n_threads(backend_.get(), shape.threads);
    const std::ptrdiff_t each = shape.neurons / shape.experts;
    for (std::size_t copy = 0; copy < copies; ++copy) {
      context_pointer tensors = make_context(3);
      ggml_tensor* gate = ggml_new_tensor_3d(tensors.get(), type, shape.width, each, shape.experts);
      ggml_tensor* up = ggml_new_tensor_3d(tensors.get(), type, shape.width, each, shape.experts);
      ggml_tensor* down = ggml_new_tensor_3d(tensors.get(), type, each, shape.width, shape.experts);
      place(*tensors);
      copies_.push_back({std::move(tensors), gate, up, down});
      if (copy == 0) {
        write(layer);
        continue;
      }
      for (const auto& [from, to] : {std::pair{copies_[0].gate, gate}, {copies_[0].up, up}, {copies_[0].down, down}}) {
        std::memcpy(to->data, from->data, ggml_nbytes(to));
      }
    }
  }

  /// chosen: null for the dense layer.
  void run(std::size_t copy, const chosen_experts* chosen, const float* tokens, float* out) {
    copy %= copies_.size();
    const std::ptrdiff_t each = chosen == nullptr ? 0 : chosen->each;
    plan* found = nullptr;
    for (plan& one : plans_) {
      if (one.copy == copy && one.each == each) found = &one;
    }
    if (found == nullptr) {
      plans_.push_back(make_plan(copy, each));
      found = &plans_.back();
    }
    ggml_backend_tensor_set(found->tokens, tokens, 0, ggml_nbytes(found->tokens));
    if (chosen != nullptr) ggml_backend_tensor_set(found->ids, chosen->of_token.data(), 0, ggml_nbytes(found->ids));
    ggml_backend_graph_compute(backend_.get(), found->graph);
    ggml_backend_tensor_get(found->out, out, 0, ggml_nbytes(found->out));
  }

private:
  struct weights {
    context_pointer tensors;
    ggml_tensor *gate, *up, *down;
  };
  struct plan {
    std::size_t copy;
    std::ptrdiff_t each;
    context_pointer context;
    std::unique_ptr<ggml_gallocr, free_allocator> allocator;
    ggml_cgraph* graph;
    ggml_tensor *tokens, *ids, *out;
  };

  /// Memory for all tensors of a context.
  void place(ggml_context& tensors) {
    std::size_t bytes = 0;
    for (ggml_tensor* t = ggml_get_first_tensor(&tensors); t != nullptr; t = ggml_get_next_tensor(&tensors, t)) {
      bytes += ggml_nbytes(t) + 4096;
    }
    memory_.emplace_back(bytes);
    buffers_.emplace_back(ggml_backend_cpu_buffer_from_ptr(memory_.back().data(), bytes));
    ggml_tallocr from = ggml_tallocr_new(buffers_.back().get());
    for (ggml_tensor* t = ggml_get_first_tensor(&tensors); t != nullptr; t = ggml_get_next_tensor(&tensors, t)) {
      ggml_tallocr_alloc(&from, t);
    }
  }
  void write(const plain_layer& layer) {
    const std::ptrdiff_t each = shape_.neurons / shape_.experts, width = shape_.width;
    std::vector<float> part(static_cast<std::size_t>(each * width));
    for (std::ptrdiff_t e = 0; e < shape_.experts; ++e) {
      set(copies_[0].gate, e, layer.in + e * each * width);
      set(copies_[0].up, e, layer.in + (shape_.neurons + e * each) * width);
      for (std::ptrdiff_t row = 0; row < width; ++row) {
        std::memcpy(part.data() + row * each, layer.down + row * shape_.neurons + e * each,
                    static_cast<std::size_t>(each) * sizeof(float));
      }
      set(copies_[0].down, e, part.data());
    }
  }
  static void set(ggml_tensor* tensor, std::ptrdiff_t e, const float* numbers) {
    ggml_quantize_chunk(tensor->type, numbers,
                        static_cast<char*>(tensor->data) + static_cast<std::size_t>(e) * tensor->nb[2], 0,
                        tensor->ne[1], tensor->ne[0], nullptr);
  }

  plan make_plan(std::size_t copy, std::ptrdiff_t each) {
    const weights& of = copies_[copy];
    plan made{copy, each, make_context(512), nullptr, nullptr, nullptr, nullptr, nullptr};
    ggml_context* c = made.context.get();
    made.graph = ggml_new_graph_custom(c, 2048, false);
    if (each == 0) {
      const auto flat = [&](ggml_tensor* t) { return ggml_view_2d(c, t, t->ne[0], t->ne[1], t->nb[1], 0); };
      made.tokens = ggml_new_tensor_2d(c, GGML_TYPE_F32, shape_.width, shape_.batch);
      ggml_set_input(made.tokens);
      ggml_tensor* hidden =
          ggml_swiglu_split(c, ggml_mul_mat(c, flat(of.gate), made.tokens), ggml_mul_mat(c, flat(of.up), made.tokens));
      made.out = ggml_mul_mat(c, flat(of.down), hidden);
    } else {
      made.tokens = ggml_new_tensor_3d(c, GGML_TYPE_F32, shape_.width, 1, shape_.batch);
      made.ids = ggml_new_tensor_2d(c, GGML_TYPE_I32, each, shape_.batch);
      ggml_set_input(made.tokens);
      ggml_set_input(made.ids);
      ggml_tensor* hidden = ggml_swiglu_split(c, ggml_mul_mat_id(c, of.gate, made.tokens, made.ids),
                                              ggml_mul_mat_id(c, of.up, made.tokens, made.ids));
      ggml_tensor* outputs = ggml_mul_mat_id(c, of.down, hidden, made.ids);  // [width, each, batch]
      for (std::ptrdiff_t i = 0; i < each; ++i) {
        ggml_tensor* one = ggml_view_2d(c, outputs, shape_.width, shape_.batch, outputs->nb[2],
                                        static_cast<std::size_t>(i) * outputs->nb[1]);
        made.out = i == 0 ? one : ggml_add(c, made.out, one);
      }
      if (each == 1) made.out = ggml_cont(c, made.out);
    }
    ggml_set_output(made.out);
    ggml_build_forward_expand(made.graph, made.out);
    made.allocator.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend_.get())));
    ggml_gallocr_alloc_graph(made.allocator.get(), made.graph);
    return made;
  }

  peer_shape shape_;
  std::unique_ptr<ggml_backend, free_backend> backend_;
  std::vector<huge_block> memory_;
  std::vector<std::unique_ptr<ggml_backend_buffer, free_buffer>> buffers_;
  std::vector<weights> copies_;
  std::vector<plan> plans_;
};

std::string told(ggml_type type) {
  return std::string("ggml ") + ggml_version() + ", " + ggml_type_name(type);
}

class ggml_dense final : public dense_peer {
public:
  ggml_dense(const peer_shape& shape, const plain_layer& layer, std::size_t copies, ggml_type type)
      : layer_(shape, layer, copies, type), type_(type) {}
  std::string kernel() const override { return told(type_); }
  void run(std::size_t copy, const float* tokens, float* out) override { layer_.run(copy, nullptr, tokens, out); }

private:
  ggml_layer layer_;
  ggml_type type_;
};

class ggml_mixture final : public mixture_peer {
public:
  ggml_mixture(const peer_shape& shape, const plain_layer& layer, std::size_t copies, ggml_type type)
      : layer_(shape, layer, copies, type), type_(type) {}
  std::string kernel() const override { return told(type_); }
  void run(std::size_t copy, const chosen_experts& chosen, const float* tokens, float* out) override {
    layer_.run(copy, &chosen, tokens, out);
  }

private:
  ggml_layer layer_;
  ggml_type type_;
};

ggml_type type_of(peer_type type) {
  switch (type) {
    case peer_type::f32:
      return GGML_TYPE_F32;
    case peer_type::bf16:
      return GGML_TYPE_BF16;
    case peer_type::f16:
      return GGML_TYPE_F16;
    default:
      return GGML_TYPE_Q8_0;
  }
}

}  // namespace

std::unique_ptr<dense_peer> make_ggml_dense(const peer_shape& shape, const plain_layer& layer, std::size_t copies,
                                            peer_type type) {
  const std::ptrdiff_t block = ggml_blck_size(type_of(type));
  if (shape.width % block != 0 || shape.neurons % block != 0) return nullptr;
  peer_shape whole = shape;
  whole.experts = 1;
  return std::make_unique<ggml_dense>(whole, layer, copies, type_of(type));
}

std::unique_ptr<mixture_peer> make_ggml(const peer_shape& shape, const plain_layer& layer, std::size_t copies,
                                        peer_type type) {
  const std::ptrdiff_t block = ggml_blck_size(type_of(type));
  const bool even = shape.neurons % shape.experts == 0;  // its experts are of one size
  if (!even || shape.width % block != 0 || shape.neurons / shape.experts % block != 0) return nullptr;
  return std::make_unique<ggml_mixture>(shape, layer, copies, type_of(type));
}

}  // namespace fissile::bench
