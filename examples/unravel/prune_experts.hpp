// A verdict carried out on a mixture of experts: those that go are cut out of a GGUF file, with their rows of the
// router. What stays keeps its bytes, whatever type it is stored in.
//
// Engines hold one number of experts for all layers, so a verdict has to leave as many in each.
#pragma once

#include "prune_outcome.hpp"

#include <fissile/file/gguf.hpp>
#include <fissile/file/model_names.hpp>
#include <fissile/file/verdict_json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// Experts of each layer that has any; 0 for a dense model.
template <class File>
index_t experts_of(const File& file) {
  return file.get_or(file.template get<std::string>("general.architecture") + ".expert_count", index_t{0});
}

/// Made once, saved once; borrows the file.
class expert_pruning {
public:
  /// Throws file_error for a verdict or a file that does not allow it, before any work.
  expert_pruning(const gguf_model& file, const saved_verdict& saved, const std::string& verdict_path)
      : file_(&file),
        names_(name_tensors(file)),
        architecture_(file.get<std::string>("general.architecture")),
        experts_(experts_of(file)),
        verdict_path_(verdict_path) {
    check_file();
    check_verdict(saved);
    out_.copy_entries(file);
    out_.set(architecture_ + ".expert_count", static_cast<std::uint32_t>(left_));
    for (index_t layer = 0; layer < names_.layers(); ++layer) {
      if (names_.has_experts(layer)) note(layer);
    }
    for (const gguf_tensor& tensor : file.tensors()) add(tensor);
  }
  expert_pruning(const expert_pruning&) = delete;
  expert_pruning& operator=(const expert_pruning&) = delete;

  /// The target appears whole or not at all.
  prune_outcome save(const std::string& target) {
    out_.save(target);
    return done_;
  }

private:
  [[noreturn]] static void refuse(const std::string& where, std::string expected, std::string got,
                                  std::string_view cure) {
    fail<file_error>({.argument = where, .expected = std::move(expected), .got = std::move(got), .cure = cure});
  }

  void check_file() const {
    const std::string groups = architecture_ + ".expert_group_count";
    if (file_->get_or(groups, index_t{1}) > 1) {
      refuse(file_->path() + ": " + groups, "experts that are chosen from one group", "several groups",
             "experts of grouped mixtures are not removed here");
    }
    for (index_t layer = 0; layer < names_.layers(); ++layer) {
      if (!names_.has_experts(layer) || names_.has_stacked_experts(layer)) continue;
      refuse(file_->path() + ": layer " + std::to_string(layer), "experts stacked in one tensor", "others",
             "convert the model anew with a llama.cpp of later than April 2024");
    }
    for (const std::string& name : names_.unknown()) {
      if (name.find("exp") == name.npos) continue;
      refuse(file_->path() + ": " + name, "tensors whose meaning is known", "one that may be of the experts",
             "nothing is guessed at");
    }
  }

  void check_verdict(const saved_verdict& saved) {
    const auto unfit = [&](const std::string& expected, const std::string& got, std::string_view cure) {
      refuse(verdict_path_, expected, got, cure);
    };
    constexpr std::string_view own = "a verdict serves the model that it was decided on";
    if (length(saved.partitions) != names_.layers()) {
      unfit("a verdict on the " + std::to_string(names_.layers()) + " layers of " + file_->path(),
            "one on " + std::to_string(saved.partitions.size()), own);
    }
    index_t first = -1;  // the first layer with experts
    for (index_t layer = 0; layer < names_.layers(); ++layer) {
      std::vector<index_t>& kept = kept_.emplace_back(saved.decided.kept(layer));
      const std::string where = "layer " + std::to_string(layer);
      if (!names_.has_experts(layer)) {
        if (saved.decided.removed_count(layer) > 0)
          unfit("nothing to go from " + where + ", which is dense", "some", own);
        continue;
      }
      if (saved.decided.experts(layer) != experts_) {
        unfit(std::to_string(experts_) + " experts in " + where, std::to_string(saved.decided.experts(layer)), own);
      }
      if (first < 0) first = layer;
      if (kept.size() == kept_[to_size(first)].size()) continue;
      unfit("as many experts left in each layer: " + std::to_string(kept_[to_size(first)].size()) + ", as in layer " +
                std::to_string(first),
            std::to_string(kept.size()) + " in " + where,
            "the file has one number of experts for all layers; decide with the budget `uniform`");
    }
    left_ = first < 0 ? 0 : length(kept_[to_size(first)]);
    const auto active = file_->get<index_t>(architecture_ + ".expert_used_count");
    if (left_ >= std::max<index_t>(1, active)) return;
    unfit("at least " + std::to_string(active) + " experts left in each layer: so many work for each token",
          std::to_string(left_), "let fewer go");
  }

  /// Which of the experts that the file once had these are.
  void note(index_t layer) {
    const std::string key = "fissile.pruned.blk." + std::to_string(layer) + ".experts";
    const auto before = file_->get_or<std::vector<std::int32_t>>(key, {});
    std::vector<std::int32_t> numbers;
    for (const index_t expert : kept_[to_size(layer)]) {
      numbers.push_back(length(before) == experts_ ? before[to_size(expert)] : static_cast<std::int32_t>(expert));
    }
    out_.set(key, numbers);
  }

  void add(const gguf_tensor& tensor) {
    const auto place = place_of_gguf_name(tensor.name);
    const bool stacked = place && place->owner == ffn_owner::all_experts;
    const bool cut =
        stacked || (place && (place->part == model_part::router || place->part == model_part::selection_bias));
    if (!cut) return out_.copy(*file_, tensor.name);
    gguf_tensor shape = tensor;
    index_t& extent = shape.extents[std::max<std::uint32_t>(tensor.dimensions, 1) - 1];
    if (extent != experts_) {
      refuse(file_->path() + ": " + std::string{tensor.name},
             "a last extent of " + std::to_string(experts_) + " experts", std::to_string(extent),
             "the file is damaged or of a kind that is not known here");
    }
    extent = left_;
    const std::string_view bytes = file_->raw(tensor.name);
    const std::vector<index_t>& kept = kept_[to_size(place->layer)];
    if (stacked && place->kind == tensor_kind::weight) weigh(tensor, *place);
    out_.add(shape, [bytes, &kept, slab = bytes.size() / to_size(experts_)] {
      std::string made;
      for (const index_t expert : kept) made += bytes.substr(to_size(expert) * slab, slab);
      return made;
    });
  }

  void weigh(const gguf_tensor& tensor, const tensor_place& place) {
    const auto cost = [&](index_t experts) {
      const auto numbers = static_cast<std::uint64_t>(tensor.count() / experts_ * experts);
      const bool down = place.part == model_part::down;  // counted once a layer
      return layer_cost{
          .experts = down ? static_cast<std::uint64_t>(experts) : 0,
          .neurons = down ? static_cast<std::uint64_t>(tensor.columns() * experts) : 0,
          .parameters = numbers,
          .bytes = tensor.bytes / static_cast<std::uint64_t>(experts_) * static_cast<std::uint64_t>(experts),
          .flops_per_token = 2 * numbers};
    };
    done_.report.layers += place.part == model_part::down ? 1 : 0;
    done_.report.before += cost(experts_);
    done_.report.after += cost(left_);
    if (place.part != model_part::down) return;
    done_.width_before = tensor.columns() * experts_;
    done_.width_after = tensor.columns() * left_;
  }

  const gguf_model* file_;
  model_names names_;
  std::string architecture_;
  index_t experts_ = 0, left_ = 0;
  const std::string& verdict_path_;
  std::vector<std::vector<index_t>> kept_;  // [layers]
  prune_outcome done_;
  gguf_writer out_;
};

/// Throws file_error where the verdict does not fit the model, or the target would replace an input.
inline prune_outcome prune_experts(const std::string& model_path, const std::string& verdict_path,
                                   const std::string& target) {
  check_targets(files_of_model(model_path, {verdict_path}), {{"--out", target}});
  const gguf_model file{model_path};
  prune_outcome done = expert_pruning{file, read_verdict_json(verdict_path), verdict_path}.save(target);
  weigh_files(done, model_path, target);
  return done;
}

}  // namespace fissile::unravel
