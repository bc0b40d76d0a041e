// A stored matrix cut into experts: rows as they are, columns times the factor of a plan.
#pragma once

#include "convert_blocks.hpp"
#include "convert_pages.hpp"
#include "moe_plan.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fissile::unravel {

/// Some rows of a stored matrix in this order, their bytes as they are. `rows`: mapped, `count` of them.
inline std::string cut_rows(std::string_view rows, index_t count, vector_view<const index_t> order) {
  const std::size_t row = rows.size() / to_size(count);
  std::string cut;
  cut.reserve(order.size() * row);
  for (const index_t from : order) cut += rows.substr(to_size(from) * row, row);
  forget_pages(rows);
  return cut;
}

/// Columns of a stored matrix, times a factor, as numbers of another type; both types are widenable.
struct scaled_columns {
  const gguf_tensor* matrix;
  std::string_view rows;  // its bytes
  gguf_type type;
  float factor;

  /// [rows x columns]. Adds to `error` what rounding cost.
  void append(vector_view<const index_t> columns, std::string& to, rounding_error& error) const {
    const std::size_t row = rows.size() / to_size(matrix->rows());
    std::vector<float> numbers(columns.size());
    for (std::size_t first = 0; first < rows.size(); first += row) {
      take_columns(matrix->type, rows.data() + first, columns, numbers.data());
      for (float& number : numbers) number *= factor;
      append_stored(type, {numbers.data(), columns.length()}, to, error);
    }
  }
};

/// How the down weights of a layer become columns of experts.
class down_cut {
public:
  /// `as`: the type to write; nothing: as they are stored. Borrows file and plan. Throws setting_error where the
  /// experts would cut through blocks and no type was named, or the type stored or named cannot be read or written.
  down_cut(const gguf_file& file, const moe_plan& plan, index_t layer, std::optional<gguf_type> as)
      : file_(&file),
        down_(&file.tensor(ffn_tensor(layer, "down"))),
        split_(&plan.layers[to_size(layer)].split),
        shared_(plan.shared()),
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

  /// The experts to choose among, [experts * width x neurons of an expert]. Adds to `error` what rounding cost; throws
  /// setting_error where numbers became infinite.
  std::string cut(rounding_error& error) const {
    std::string made = room_for(split_->experts(shared_, split_->experts()).length());
    for (index_t e = shared_; e < split_->experts(); ++e) append(split_->expert(e), made, error);
    return finished(std::move(made), error);
  }
  /// The shared experts as one, [width x their neurons]; otherwise the same.
  std::string cut_shared(rounding_error& error) const {
    std::string made = room_for(split_->experts(0, shared_).length());
    append(split_->experts(0, shared_), made, error);
    return finished(std::move(made), error);
  }

private:
  /// Empty, and never moved while so many neurons are appended: matrices are large.
  std::string room_for(index_t neurons) const {
    std::string room;
    room.reserve(to_size(down_->rows() * neurons) / layout_of(type_).block * layout_of(type_).bytes);
    return room;
  }
  void append(vector_view<const index_t> neurons, std::string& made, rounding_error& error) const {
    const std::string_view stored = file_->raw(down_->name);
    if (!blocks_) return scaled_columns{down_, stored, type_, factor_}.append(neurons, made, error);
    const auto block = static_cast<index_t>(layout_of(type_).block);
    const auto bytes = static_cast<std::size_t>(layout_of(type_).bytes);
    const std::size_t row = stored.size() / to_size(down_->rows());
    for (std::size_t first = 0; first < stored.size(); first += row) {
      for (index_t i = 0; i < neurons.length(); i += block) {
        made += stored.substr(first + to_size(neurons[i] / block) * bytes, bytes);
      }
    }
  }
  std::string finished(std::string made, rounding_error& error) const {
    if (blocks_) multiply_blocks(type_, factor_, made, error);
    forget_pages(file_->raw(down_->name));
    if (error.infinite == 0) return made;
    fail<setting_error>({.argument = "--down",
                         .expected = "a type that holds " + std::string{down_->name} + " times the active experts",
                         .got = to_string(type_) + ", in which some numbers become infinite",
                         .cure = "write --down bf16 or f32"});
  }

  const gguf_file* file_;
  const gguf_tensor* down_;
  const partition* split_;
  index_t shared_;
  float factor_;
  gguf_type type_;
  bool blocks_ = false;
};

}  // namespace fissile::unravel
