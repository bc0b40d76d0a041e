// oneDNN's dense layer: inner products whose weights are in the blocked layout that oneDNN itself asks for.
#include "gated.hpp"

#include <oneapi/dnnl/dnnl.hpp>

namespace fissile::bench {
namespace {

using dnnl::memory;

/// out = matrix . in, for any number of copies of the matrix.
class blocked_product {
public:
  blocked_product(const dnnl::engine& engine, dnnl::stream& stream, const memory::dims& sizes, memory::data_type type)
      : engine_(engine), stream_(&stream), outputs_(sizes[1]), inputs_(sizes[2]) {
    const memory::desc in({sizes[0], inputs_}, type, memory::format_tag::nc);
    const memory::desc weights({outputs_, inputs_}, type, memory::format_tag::any);
    const memory::desc out({sizes[0], outputs_}, memory::data_type::f32, memory::format_tag::nc);
#if DNNL_VERSION_MAJOR >= 3
    does_ = {engine, dnnl::prop_kind::forward_inference, in, weights, out};
#else
    does_ = {{dnnl::prop_kind::forward_inference, in, weights, out}, engine};
#endif
    run_ = dnnl::inner_product_forward(does_);
  }

  std::string kernel() const {
    return does_.impl_info_str();
  }
  void add_copy(const float* matrix) {
    const memory::desc plain({outputs_, inputs_}, memory::data_type::f32, memory::format_tag::oi);
    memory from(plain, engine_, const_cast<float*>(matrix));
    memory to(does_.weights_desc(), engine_);
    dnnl::reorder(from, to).execute(*stream_, from, to);
    stream_->wait();
    copies_.push_back(to);
  }
  void operator()(std::size_t copy, const void* in, float* out) {
    memory source(does_.src_desc(), engine_, const_cast<void*>(in));
    memory target(does_.dst_desc(), engine_, out);
    run_.execute(*stream_, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, copies_[copy]}, {DNNL_ARG_DST, target}});
  }

private:
  dnnl::engine engine_;
  dnnl::stream* stream_;
  memory::dim outputs_, inputs_;
  dnnl::inner_product_forward::primitive_desc does_;
  dnnl::inner_product_forward run_;
  std::vector<memory> copies_;
};

/// Number: float, or bf16, to which tokens and hidden activations are rounded.
template <class Number>
class onednn_peer final : public dense_peer {
public:
  onednn_peer(const peer_shape& shape, const std::vector<plain_layer>& layers, memory::data_type type)
      : shape_(shape),
        stream_(engine_),
        in_(engine_, stream_, {shape.batch, 2 * shape.neurons, shape.width}, type),
        down_(engine_, stream_, {shape.batch, shape.width, shape.neurons}, type),
        rounded_(shape.batch * shape.width),
        hidden_(shape.batch * shape.neurons),
        sums_(shape.batch * 2 * shape.neurons),
        copies_(layers.size()) {
    for (const plain_layer& layer : layers) {
      in_.add_copy(layer.in);
      down_.add_copy(layer.down);
    }
  }

  std::string kernel() const override {
    const dnnl_version_t* version = dnnl_version();
    return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->patch) + ", " + in_.kernel();
  }
  void run(std::size_t copy, const float* tokens, float* out) override {
    copy %= copies_;
    if constexpr (std::is_same_v<Number, float>) {
      in_(copy, tokens, sums_.data());
    } else {
      rounded_ = Eigen::Map<const Eigen::ArrayXf>(tokens, rounded_.size()).template cast<Number>();
      in_(copy, rounded_.data(), sums_.data());
    }
    stream_.wait();
    gate_batch(sums_.data(), hidden_.data(), shape_);
    down_(copy, hidden_.data(), out);
    stream_.wait();
  }

private:
  peer_shape shape_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_;
  blocked_product in_, down_;
  Eigen::Array<Number, Eigen::Dynamic, 1> rounded_, hidden_;
  Eigen::ArrayXf sums_;
  std::size_t copies_;
};

}  // namespace

std::unique_ptr<dense_peer> make_onednn(const peer_shape& shape, const std::vector<plain_layer>& layers,
                                        peer_type type) {
  if (!threads_available(shape.threads)) return nullptr;
  pin_threads(shape.threads);
  try {
    if (type == peer_type::f32) {
      return std::make_unique<onednn_peer<float>>(shape, layers, memory::data_type::f32);
    }
    if (type == peer_type::bf16) {
      return std::make_unique<onednn_peer<Eigen::bfloat16>>(shape, layers, memory::data_type::bf16);
    }
  } catch (const dnnl::error&) {  // this processor has no such kernel
  }
  return nullptr;
}

}  // namespace fissile::bench
