// The layers of other libraries, as contestants.
#pragma once

#include "contest.hpp"
#include "draws.hpp"
#include "weights.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace fissile::bench {

/// Made for one batch size and number of threads; must outlive the contest.
class peer_contestants {
public:
  peer_contestants(const options& given, const layer_shape& shape, row told)
      : given_(given), shape_(shape), told_(std::move(told)) {
    sizes_ = {.width = shape.width,
              .neurons = shape.neurons,
              .experts = shape.experts,
              .batch = told_.batch,
              .threads = static_cast<int>(told_.threads)};
  }

  /// Copies of the weights, widened, for the peers that borrow floats.
  template <element T>
  void add_dense(contest& turns, const plain_weights<T>& stored, const std::vector<float>& tokens) {
    const std::size_t copies = copies_needed(bytes_of(4), 1);
    while (floats_.size() < copies) floats_.emplace_back(shape_).copy(stored);
    std::vector<plain_layer> layers;
    for (const plain_weights<float>& one : floats_) layers.push_back(one.plain());
    if (given_.with("onednn")) {
      add(turns, "onednn", make_onednn(sizes_, layers, peer_type::f32), tokens, {.number = 4});
      if (type() == peer_type::bf16) {
        // It rounds its inputs, so that in a batch it does the work of bf16_dot only.
        const bool competes = told_.element == "bf16_dot" || told_.batch == 1;
        add(turns, "onednn_bf16", make_onednn(sizes_, layers, peer_type::bf16), tokens,
            {.number = 2, .of_bf16 = true, .competes = competes});
      }
    }
    if (given_.with("openblas")) add(turns, "openblas", make_openblas(sizes_, layers), tokens, {.number = 4});
    if (given_.with("eigen")) add(turns, "eigen", make_eigen(sizes_, layers), tokens, {.number = 4});
    if (given_.with("ggml")) {
      const std::size_t packed = copies_needed(bytes_of(number()), 1);
      add(turns, "ggml_dense", make_ggml_dense(sizes_, layers[0], packed, type()), tokens,
          {.number = number(), .of_bf16 = type() == peer_type::bf16, .competes = false});
    }
  }

  /// After add_dense.
  void add_mixtures(contest& turns, const std::vector<std::unique_ptr<draws>>& drawn, const std::vector<float>& tokens,
                    double least_active) {
    if (given_.with("grouped_eigen")) {
      const std::size_t copies = copies_needed(bytes_of(4), least_active);
      add(turns, "grouped_eigen", make_grouped_eigen(sizes_, floats_[0].plain(), copies), drawn, tokens, 4);
    }
    if (given_.with("ggml")) {
      const std::size_t copies = copies_needed(bytes_of(number()), least_active);
      add(turns, "ggml_moe", make_ggml(sizes_, floats_[0].plain(), copies, type()), drawn, tokens, number());
    }
  }

  /// "name: kernel" of each that takes part.
  const std::vector<std::string>& kernels() const noexcept { return kernels_; }

private:
  struct dense_kind {
    double number = 4;  // bytes
    bool of_bf16 = false;
    bool competes = true;
  };

  double bytes_of(double number) const {
    return 3 * static_cast<double>(shape_.width) * static_cast<double>(shape_.neurons) * number;
  }
  peer_type type() const {
    if (told_.element == "float") return peer_type::f32;
    if (told_.element == "f16") return peer_type::f16;
    return told_.element == "int8" ? peer_type::q8_0 : peer_type::bf16;
  }
  double number() const { return type() == peer_type::f32 ? 4 : type() == peer_type::q8_0 ? 34.0 / 32 : 2; }

  void add(contest& turns, const char* name, std::shared_ptr<dense_peer> peer, const std::vector<float>& tokens,
           dense_kind kind) {
    if (peer == nullptr) return;
    kernels_.push_back(std::string(name) + ": " + peer->kernel());
    row told = told_;
    told.name = name;
    told.active = 1;
    const work_done work{bytes_of(kind.number), bytes_of(2) * static_cast<double>(told.batch)};
    const auto call = [peer, work, &tokens, out = std::vector<float>(tokens.size()), next = std::size_t{0}]() mutable {
      peer->run(next++, tokens.data(), out.data());
      return work;
    };
    turns.add({told, call, burst_for(best_instruction_set(), kind.of_bf16), kind.competes});
  }

  /// All shares are run by the same peer.
  void add(contest& turns, const char* name, std::shared_ptr<mixture_peer> peer,
           const std::vector<std::unique_ptr<draws>>& drawn, const std::vector<float>& tokens, double number) {
    if (peer == nullptr) return;
    kernels_.push_back(std::string(name) + ": " + peer->kernel());
    const double expert = bytes_of(1) / static_cast<double>(shape_.experts);
    for (const auto& chosen : drawn) {
      row told = told_;
      told.name = name;
      told.active = static_cast<double>((*chosen)[0].each) / static_cast<double>(shape_.experts);
      const auto call = [peer, expert, number, &tokens, draw = chosen.get(), out = std::vector<float>(tokens.size()),
                         next = std::size_t{0}]() mutable {
        const chosen_experts& now = (*draw)[next];
        peer->run(next++, now, tokens.data(), out.data());
        const auto touched = std::count_if(now.members.begin(), now.members.end(), [](auto& m) { return !m.empty(); });
        return work_done{expert * number * static_cast<double>(touched),
                         expert * 2 * static_cast<double>(now.of_token.size())};
      };
      turns.add({told, call, burst_for(best_instruction_set(), type() == peer_type::bf16 && number < 4)});
    }
  }

  const options& given_;
  layer_shape shape_;
  row told_;
  peer_shape sizes_;
  std::deque<plain_weights<float>> floats_;
  std::vector<std::string> kernels_;
};

}  // namespace fissile::bench
