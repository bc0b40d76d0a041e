// Builds a JSON value while its text is parsed, and refuses what the usual parser lets pass: keys given twice, and
// values nested deeper than any file of ours.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// Entries keep their order, so that files read as they were written.
using json_value = nlohmann::ordered_json;

/// Walks over a text and tells how far it has come, so that every refusal can name its byte.
class counting_iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  counting_iterator(const char* at, std::size_t& passed) noexcept : at_(at), passed_(&passed) {}
  reference operator*() const noexcept { return *at_; }
  counting_iterator& operator++() noexcept {
    ++at_;
    ++*passed_;
    return *this;
  }
  counting_iterator operator++(int) noexcept {
    const counting_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const counting_iterator& a, const counting_iterator& b) noexcept { return a.at_ == b.at_; }
  friend bool operator!=(const counting_iterator& a, const counting_iterator& b) noexcept { return a.at_ != b.at_; }

private:
  const char* at_;
  std::size_t* passed_;
};

/// What nlohmann's parser tells of: `json_value::sax_parse(first, last, &builder)` is false where `complaint` says why.
class json_builder final : public nlohmann::json_sax<json_value> {
public:
  static constexpr std::size_t deepest = 32;

  explicit json_builder(json_value& root) : root_(&root) {}
  const std::string& complaint() const noexcept { return complaint_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary data"); }  // JSON text has none

  bool start_object(std::size_t) override { return open(json_value::object()); }
  bool key(string_t& name) override {
    if (!open_.back().keys.insert(name).second) return refuse("the key \"" + name + "\" is given twice");
    open_.back().key = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json_value::array()); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    const std::string text = error.what();  // "[json.exception.parse_error.101] parse error at line 1, ..."
    const std::size_t end = text.find("] ");
    return refuse(end == std::string::npos ? text : text.substr(end + 2));
  }

private:
  struct level {
    json_value* value;
    std::set<std::string> keys;  // of an object, so far
    std::string key;             // of the entry that comes next
  };

  bool refuse(std::string why) {
    complaint_ = std::move(why);
    return false;
  }

  json_value* place(json_value&& value) {
    if (open_.empty()) return &(*root_ = std::move(value));
    json_value& inside = *open_.back().value;
    if (inside.is_array()) {
      inside.get_ref<json_value::array_t&>().push_back(std::move(value));
      return &inside.back();
    }
    auto& entries = inside.get_ref<json_value::object_t&>();  // appended without looking for the key again
    entries.push_back({std::move(open_.back().key), std::move(value)});
    return &entries.back().second;
  }
  template <class T>
  bool add(T&& value) {
    place(json_value(std::forward<T>(value)));
    return true;
  }
  bool open(json_value&& empty) {
    if (open_.size() == deepest) return refuse("values nested deeper than " + std::to_string(deepest));
    json_value* const value = place(std::move(empty));
    open_.push_back({value, {}, {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  json_value* root_;
  std::vector<level> open_;
  std::string complaint_;
};

}  // namespace fissile
