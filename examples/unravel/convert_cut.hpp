// A stored matrix cut into experts: rows as they are, columns times the factor of a plan.
#pragma once

#include "convert_blocks.hpp"
#include "convert_pages.hpp"
#include "moe_plan.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fissile::unravel {

/// gate and up: the rows of the neurons of one expert after the other, their bytes as they are stored. `rows`: mapped.
inline std::string cut_rows(std::string_view rows, const partition& split) {
  const std::size_t row = rows.size() / to_size(split.neurons());
  std::string cut;
  cut.reserve(rows.size());
  for (const index_t neuron : split.experts(0, split.experts())) cut += rows.substr(to_size(neuron) * row, row);
  forget_pages(rows);
  return cut;
}

/// How the down weights of a layer become columns of experts.
class down_cut {
public:
  /// `as`: the type to write; nothing: as they are stored. Borrows file and plan. Throws setting_error where the
  /// experts would cut through blocks and no type was named, or the type stored or named cannot be read or written.
  down_cut(const gguf_file& file, const moe_plan& plan, index_t layer, std::optional<gguf_type> as)
      : file_(&file),
        down_(&file.tensor(ffn_tensor(layer, "down"))),
        split_(&plan.layers[to_size(layer)].split),
        factor_(plan.down_factor()),
        type_(as ? *as : down_->type) {
    const auto block = static_cast<index_t>(layout_of(down_->type).block);
    blocks_ = type_ == down_->type && scales_of(type_).count > 0;
    for (index_t e = 0; blocks_ && e < split_->experts(); ++e) blocks_ = whole_blocks(split_->expert(e), block);
    const bool named = as.has_value() || block == 1;
    if (blocks_ || (named && widenable(down_->type) && widenable(type_))) return;
    fail<setting_error>(
        {.argument = "--down",
         .expected = "experts of whole blocks of " + std::to_string(block) +
                     " neurons, or a type to write down "
                     "weights in: layer " +
                     std::to_string(layer) + " has " + to_string(down_->type),
         .got = as ? to_string(type_) + " and experts that cut through blocks" : "experts that cut through blocks",
         .cure = widenable(down_->type) ? "write --down f32, f16, bf16 or q8_0, or --partition even"
                                        : "write --partition even, with whole blocks in every expert"});
  }

  gguf_type type() const noexcept { return type_; }
  /// Whether blocks are cut as they are: then only their scales are rounded.
  bool blocks() const noexcept { return blocks_; }

  /// [experts * width x neurons of an expert]. Adds to `error` what rounding cost; throws setting_error where numbers
  /// became infinite.
  std::string cut(rounding_error& error) const {
    std::string made;
    blocks_ ? cut_blocks(made, error) : cut_numbers(made, error);
    forget_pages(file_->raw(down_->name));
    if (error.infinite == 0) return made;
    fail<setting_error>({.argument = "--down",
                         .expected = "a type that holds " + std::string{down_->name} + " times the active experts",
                         .got = to_string(type_) + ", in which some numbers become infinite",
                         .cure = "write --down bf16 or f32"});
  }

private:
  void cut_blocks(std::string& made, rounding_error& error) const {
    const std::string_view stored = file_->raw(down_->name);
    const auto block = static_cast<index_t>(layout_of(type_).block);
    const auto bytes_of_block = static_cast<std::size_t>(layout_of(type_).bytes);
    const std::size_t row_bytes = stored.size() / to_size(down_->rows());
    made.reserve(stored.size());
    for (index_t e = 0; e < split_->experts(); ++e) {
      const vector_view<const index_t> neurons = split_->expert(e);
      for (index_t row = 0; row < down_->rows(); ++row) {
        for (index_t i = 0; i < neurons.length(); i += block) {
          made +=
              stored.substr(to_size(row) * row_bytes + to_size(neurons[i] / block) * bytes_of_block, bytes_of_block);
        }
      }
    }
    multiply_blocks(type_, factor_, made, error);
  }
  void cut_numbers(std::string& made, rounding_error& error) const {
    const std::string_view stored = file_->raw(down_->name);
    const std::size_t row_bytes = stored.size() / to_size(down_->rows());
    made.reserve(to_size(down_->count()) / layout_of(type_).block * layout_of(type_).bytes);
    std::vector<float> columns(to_size(split_->largest()));
    for (index_t e = 0; e < split_->experts(); ++e) {
      const vector_view<const index_t> neurons = split_->expert(e);
      for (index_t row = 0; row < down_->rows(); ++row) {
        take_columns(down_->type, stored.data() + to_size(row) * row_bytes, neurons, columns.data());
        for (float& number : columns) number *= factor_;
        append_stored(type_, {columns.data(), neurons.length()}, made, error);
      }
    }
  }

  const gguf_file* file_;
  const gguf_tensor* down_;
  const partition* split_;
  float factor_;
  gguf_type type_;
  bool blocks_ = false;
};

}  // namespace fissile::unravel
