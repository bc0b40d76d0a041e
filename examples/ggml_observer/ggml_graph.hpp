// As little of ggml as an engine needs: tensors with numbers, a graph, and the scheduler that computes it on the CPU.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/base/view.hpp>

#include <ggml-backend.h>
#include <ggml-cpp.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace fissile::ggml_observer {

/// One graph, computed once or more.
class ggml_graph {
public:
  explicit ggml_graph(int threads)
      : leaves_(ggml_init({.mem_size = nodes * ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true})),
        context_(ggml_init({.mem_size = nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(nodes, false),
                            .mem_buffer = nullptr,
                            .no_alloc = true})),
        backend_(ggml_backend_cpu_init()),
        graph_(ggml_new_graph_custom(context_.get(), nodes, false)) {
    ggml_backend_cpu_set_n_threads(backend_.get(), threads);
    ggml_backend_t backend = backend_.get();
    scheduler_.reset(ggml_backend_sched_new(&backend, nullptr, 1, nodes, false, false));
  }

  ggml_context* context() noexcept { return context_.get(); }

  /// A leaf with these numbers: [rows x columns], or as many such matrices as the numbers make. Borrows them.
  ggml_tensor* leaf(matrix_view<const float> numbers, index_t matrices = 1) {
    ggml_tensor* made =
        ggml_new_tensor_3d(leaves_.get(), GGML_TYPE_F32, numbers.columns(), numbers.rows() / matrices, matrices);
    values_.emplace_back(made, numbers.data());
    return made;
  }

  /// What is to be computed; its numbers stay until `numbers_of` asks for them.
  void want(ggml_tensor* result) {
    ggml_set_output(result);
    ggml_build_forward_expand(graph_, result);
  }

  void compute(ggml_backend_sched_eval_callback callback = nullptr, void* user = nullptr) {
    if (!held_) {
      held_.reset(ggml_backend_alloc_ctx_tensors(leaves_.get(), backend_.get()));
      for (const auto& [tensor, numbers] : values_) ggml_backend_tensor_set(tensor, numbers, 0, ggml_nbytes(tensor));
    }
    ggml_backend_sched_set_eval_callback(scheduler_.get(), callback, user);
    if (ggml_backend_sched_graph_compute(scheduler_.get(), graph_) == GGML_STATUS_SUCCESS) return;
    std::fputs("ggml: the graph was not computed\n", stderr);
    std::exit(1);
  }

  template <class Number = float>
  static std::vector<Number> numbers_of(const ggml_tensor* tensor) {
    std::vector<Number> numbers(to_size(ggml_nelements(tensor)));
    ggml_backend_tensor_get(tensor, numbers.data(), 0, ggml_nbytes(tensor));
    return numbers;
  }

private:
  static constexpr std::size_t nodes = 256;

  ggml_context_ptr leaves_, context_;
  ggml_backend_ptr backend_;
  ggml_backend_buffer_ptr held_;
  ggml_backend_sched_ptr scheduler_;
  ggml_cgraph* graph_;
  std::vector<std::pair<ggml_tensor*, const float*>> values_;
};

// [device]
/// For tensors on a device: the callback is shown a copy in the host's memory.
template <class Watch>
bool host_callback(ggml_tensor* tensor, bool ask, void* watch) {
  if (ask || ggml_backend_buffer_is_host(tensor->buffer)) return Watch::callback(tensor, ask, watch);
  std::vector<std::byte> bytes(ggml_nbytes(tensor));
  ggml_backend_tensor_get(tensor, bytes.data(), 0, bytes.size());
  ggml_tensor copy = *tensor;
  copy.data = bytes.data();
  return Watch::callback(&copy, ask, watch);
}
// [device]

}  // namespace fissile::ggml_observer
