// One element of one shape: our sparse layer against dense layers, mixtures of others, and the limits.
#pragma once

#include "exactness_check.hpp"
#include "our_layer.hpp"
#include "peer_contestants.hpp"

#include <cstdio>
#include <deque>

namespace fissile::bench {

/// Everything one element of one shape needs, made once and used for every batch and number of threads.
template <packed_element T>
class element_bench {
public:
  using stored_type = std::conditional_t<std::same_as<T, int8>, float, T>;

  element_bench(const options& given, const layer_shape& shape, std::string element)
      : given_(given),
        shape_(shape),
        element_(std::move(element)),
        split_(even_slices{}.split(shape.neurons, shape.experts)),
        dense_copies_(copies_needed(layer_bytes(sizeof(T)), 1)),
        sparse_copies_(copies_needed(layer_bytes(sizeof(T)), least_active())),
        stored_(shape) {
    stored_.fill(1);
    settings_.instructions = given.instructions();
    if (element_ == "bf16_dot") settings_.products = products::bf16_dot;
    fill(*sparse_, pack<T>(stored_.view(), split_, settings_), sparse_copies_);
    if (given.with("dense_panels")) fill(*dense_, pack<T>(stored_.view(), settings_), dense_copies_);
    if constexpr (!std::same_as<T, int8>) {
      for (std::size_t copy = 0; given.with("borrowed") && copy < sparse_copies_; ++copy) {
        borrowed_weights_.emplace_back(shape).copy(stored_);
        borrowed_->add(borrow(borrowed_weights_.back().view(), split_));
      }
    }
  }

  /// Throws unless ours is exact.
  void check(index_t batch) {
    const index_t tokens = std::min<index_t>(batch, 7);
    const draws drawn(shape_.experts, experts_of_a_token(least_active(), shape_.experts), tokens);
    const std::vector<float> numbers = random_tokens(tokens, shape_.width);
    const check_input input{{numbers.data(), tokens, shape_.width}, element_ == "bf16_dot"};
    if constexpr (std::same_as<T, int8>) {  // exact with respect to the weights as they were rounded
      const owned_ffn<float> rounded = unpack(pack<T>(stored_.view(), split_, settings_));
      check_exact((*sparse_)[0], rounded.view(), drawn, input);
    } else {
      check_exact((*sparse_)[sparse_copies_ - 1], stored_.view(), drawn, input);
    }
  }

  /// What this batch on these threads is told as, but for the figures.
  row told(const crew& threads, index_t batch) const {
    row r;
    r.element = element_;
    r.width = shape_.width;
    r.neurons = shape_.neurons;
    r.experts = shape_.experts;
    r.batch = batch;
    r.threads = threads.threads();
    return r;
  }
  const layer_copies<packed_experts<T>>& sparse() const noexcept { return *sparse_; }
  const partition& split() const noexcept { return split_; }
  peak_burst burst() const { return burst_for(settings_.instructions, element_ == "bf16_dot"); }
  draws drawn(double share, index_t batch) const {
    return {shape_.experts, experts_of_a_token(share, shape_.experts), batch};
  }
  work_done cost(const chosen_experts& chosen) const { return work_of<T>(chosen, split_, shape_.width); }

  /// `more` adds contestants of the program's own: more(contest, row, drawn).
  template <class More>
  std::vector<row> run(crew& threads, stream_read& stream, const std::vector<float>& tokens, const More& more) {
    contest turns(threads, stream, given_);
    row r = told(threads, length(tokens) / shape_.width);
    std::vector<std::unique_ptr<draws>> routes;
    for (const double share : given_.active) {
      const draws& now = *routes.emplace_back(std::make_unique<draws>(drawn(share, r.batch)));
      r.active = static_cast<double>(now[0].each) / static_cast<double>(shape_.experts);
      r.name = "fissile";
      const auto touches = [this](const chosen_experts& chosen) { return cost(chosen); };
      turns.add({r, calls_of(sparse_, now, tokens, threads.pool(), touches), burst()});
      r.name = "borrowed";
      if (borrowed_->size() > 0) turns.add({r, calls_of(borrowed_, now, tokens, threads.pool(), touches), burst()});
      more(turns, r, now);
    }
    r.active = 1;
    r.name = "dense_panels";
    const draws all(1, 1, r.batch);
    if (dense_->size() > 0) {
      const partition whole = even_slices{}.split(shape_.neurons, 1);
      const auto touches = [&](const chosen_experts& chosen) { return work_of<T>(chosen, whole, shape_.width); };
      turns.add({r, calls_of(dense_, all, tokens, threads.pool(), touches), burst()});
    }
    peer_contestants others(given_, shape_, r);
    others.add_dense(turns, stored_, tokens);
    others.add_mixtures(turns, routes, tokens, least_active());
    for (const std::string& kernel : others.kernels()) fmt::print("  {}\n", kernel);
    std::vector<row> rows = turns.run();
    print_header();
    for (const row& one : rows) print(one);
    fmt::print("samples taken again: {}, kept although disturbed: {}\n\n", turns.discarded(), turns.kept());
    std::fflush(stdout);
    return rows;
  }

private:
  double layer_bytes(std::size_t number) const {
    return 3.0 * static_cast<double>(shape_.width * shape_.neurons) * static_cast<double>(number);
  }
  double least_active() const { return *std::min_element(given_.active.begin(), given_.active.end()); }

  template <class Copies>
  static void fill(Copies& copies, packed_experts<T> first, std::size_t count) {
    for (std::size_t copy = 1; copy < count; ++copy) copies.add(copied(first));
    copies.add(std::move(first));
  }

  using packed = layer_copies<packed_experts<T>>;
  using borrowed = layer_copies<borrowed_experts<stored_type>>;

  const options& given_;
  layer_shape shape_;
  std::string element_;
  partition split_;
  std::size_t dense_copies_, sparse_copies_;
  plain_weights<stored_type> stored_;
  pack_settings settings_;
  std::shared_ptr<packed> sparse_ = std::make_shared<packed>(), dense_ = std::make_shared<packed>();
  std::deque<plain_weights<stored_type>> borrowed_weights_;
  std::shared_ptr<borrowed> borrowed_ = std::make_shared<borrowed>();
};

/// Calls bench(T{}) for what weights are stored in.
template <class Bench>
void with_element(const std::string& element, const Bench& bench) {
  if (element == "float") bench(float{});
  if (element == "bf16" || element == "bf16_dot") bench(bf16{});
  if (element == "f16") bench(f16{});
  if (element == "int8") bench(int8{});
}

/// Every element, number of threads and batch size of every shape: each(layer, crew, stream, batch) gives rows.
template <class Each>
std::vector<row> run_all(const options& given, const std::vector<layer_shape>& shapes, const Each& each) {
  fmt::print("{}, last cache {} MiB, our kernels {}\n", processor_name(), last_level_cache() >> 20,
             name_of(given.instructions()));
  stream_read stream;
  std::vector<row> rows;
  const auto bench = [&]<class T>(T, const layer_shape& shape, const std::string& element) {
    element_bench<T> layer(given, shape, element);
    layer.check(given.batch.front());
    for (const index_t count : given.threads) {
      crew threads(count);
      stream.choose(threads);
      for (const index_t batch : given.batch) {
        fmt::print("{} x {}, {} experts, {}, batch {}, threads {}; copies: {}; stream read: {}\n", shape.width,
                   shape.neurons, shape.experts, element, batch, count, layer.sparse().size(), stream.kernel());
        const std::vector<row> more = each(layer, threads, stream, batch);
        rows.insert(rows.end(), more.begin(), more.end());
        write_json(given.json, rows);
      }
    }
  };
  for (const layer_shape& shape : given.layers(shapes)) {
    for (const std::string& element : given.element) {
      with_element(element, [&](auto number) { bench(number, shape, element); });
    }
  }
  return rows;
}

}  // namespace fissile::bench
