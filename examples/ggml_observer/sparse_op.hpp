// A custom op of ggml that runs a fissile layer inside a graph: y = sparse_ffn(x), by a router of ours, or by experts
// that the graph itself has chosen.
//
// ggml holds a pointer to the op and calls it while the graph is computed: it must outlive the graph.
#pragma once

#include "crew.hpp"
#include "engine_watch.hpp"

#include <fissile/run/sparse_ffn.hpp>
#include <fissile/with/ggml.hpp>

#include <algorithm>
#include <utility>

namespace fissile::ggml_observer {

struct desk_settings {
  index_t batch = 512;  // tokens at once; longer batches are cut, which changes no bit
  index_t threads = 1;  // as many as ggml computes with
};

/// What the layers of a graph share, since ggml computes one node at a time: threads and scratch.
struct desk {
  /// Sized for `layer`, and for any that is not larger.
  template <sized_layer Layer>
  explicit desk(const Layer& layer, desk_settings chosen = {})
      : threads(std::clamp<index_t>(chosen.threads, 1, 64)), work(layer, {.batch = chosen.batch}, threads) {}
  crew threads;
  workspace work;
};

/// Every expert for every token: the dense layer.
struct all_on {
  index_t experts;
  void operator()(matrix_view<const float> tokens, workspace& work) const noexcept {
    work.choose_all(tokens.rows(), experts);
  }
};

/// Choose: fills work.routes() for tokens, as a router does.
template <class Run, class Choose>
class sparse_op {
public:
  /// Borrows the layer and the desk.
  sparse_op(const Run& run, Choose choose, desk& at) : run_(&run), choose_(std::move(choose)), at_(&at) {}

  // [the two functions of ggml]
  /// ggml_custom1_op_t: out = layer(in), [tokens x width] both, the experts chosen by our router.
  template <ggml_tensor_like Tensor>
  static void map(Tensor* out, const Tensor* in, int ith, int nth, void* self) noexcept {
    const auto& op = *static_cast<const sparse_op*>(self);
    op.compute(in, out, {ith, nth},
               [&](matrix_view<const float> tokens, index_t) { op.choose_(tokens, op.at_->work); });
  }
  /// ggml_custom_op_t: the same where the graph has chosen. out->src[0]: tokens; out->src[1]: the experts of each,
  /// [tokens x experts used], as ggml_argsort_top_k gives them; all weigh 1.
  template <ggml_tensor_like Tensor>
  static void routed(Tensor* out, int ith, int nth, void* self) noexcept {
    const auto& op = *static_cast<const sparse_op*>(self);
    const Tensor* chosen = out->src[1];
    op.compute(out->src[0], out, {ith, nth}, [&](matrix_view<const float> tokens, index_t first) {
      op.at_->work.start(tokens.rows());
      for (index_t token = 0; token < tokens.rows(); ++token) {
        read_route(view<std::int32_t>(chosen).row(first + token), op.run_->experts(), op.at_->work.routes()[token]);
      }
    });
  }
  // [the two functions of ggml]

  /// Throws shape_error unless `in`, which may have no memory yet, is what this layer reads: for those who build the
  /// graph. Within the graph a wrong tensor ends the program.
  template <ggml_tensor_like Tensor>
  void check(const Tensor* in) const {
    const auto type = [&] { return static_cast<gguf_type>(static_cast<int>(in->type)); };
    if (in != nullptr && type() == gguf_type::f32 && in->ne[0] == run_->width()) return;
    fail<shape_error>(
        {.argument = "sparse_op: in",
         .expected = "F32, ne[0] = " + std::to_string(run_->width()) + ", the width of the layer",
         .got = in == nullptr ? "no tensor" : to_string(type()) + ", ne[0] = " + std::to_string(in->ne[0])});
  }

private:
  struct thread_of {
    int ith, nth;
  };
  template <class Tensor, class Fill>
  void compute(const Tensor* in, Tensor* out, thread_of me, const Fill& fill) const noexcept {
    at_->threads.run(me.ith, me.nth, [&] {
      const matrix_view<const float> tokens = view<float>(in);
      const matrix_view<float> results = view<float>(out);
      for (index_t first = 0; first < tokens.rows(); first += at_->work.batch()) {
        const index_t count = std::min(at_->work.batch(), tokens.rows() - first);
        fill(tokens.rows(first, count), first);
        (*run_)(tokens.rows(first, count), at_->work, results.rows(first, count));
      }
    });
  }

  const Run* run_;
  Choose choose_;
  desk* at_;
};

}  // namespace fissile::ggml_observer
