#include <fissile/file/gguf/value.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

template <class T>
struct held {
  std::string bytes;
  explicit held(const T& value) { encode(bytes, value); }
  gguf_value value() const { return {kind_of<T>(), bytes}; }
};

template <class T>
void round_trip(const T& value, gguf_kind kind) {
  const held<T> one{value};
  EXPECT_EQ(one.value().kind(), kind);
  EXPECT_EQ(one.value().template as<T>(), value);
}

TEST(gguf_value, every_kind_comes_back) {
  round_trip(std::uint8_t{200}, gguf_kind::uint8);
  round_trip(std::int8_t{-100}, gguf_kind::int8);
  round_trip(std::uint16_t{60000}, gguf_kind::uint16);
  round_trip(std::int16_t{-30000}, gguf_kind::int16);
  round_trip(std::uint32_t{4000000000u}, gguf_kind::uint32);
  round_trip(std::int32_t{-2000000000}, gguf_kind::int32);
  round_trip(1.5f, gguf_kind::float32);
  round_trip(true, gguf_kind::boolean);
  round_trip(std::string{"\0text", 5}, gguf_kind::string);
  round_trip(std::uint64_t{1} << 63, gguf_kind::uint64);
  round_trip(std::numeric_limits<std::int64_t>::min(), gguf_kind::int64);
  round_trip(1e300, gguf_kind::float64);
  round_trip(std::vector<std::string>{"a", "", "ccc"}, gguf_kind::array);
  round_trip(std::vector<float>{1, -2.5f}, gguf_kind::array);
  round_trip(std::vector<bool>{true, false, true}, gguf_kind::array);
  round_trip(std::vector<std::int32_t>{}, gguf_kind::array);
}

TEST(gguf_value, integers_convert_when_they_fit) {
  const held<std::uint32_t> small{7};
  EXPECT_EQ(small.value().as<std::int64_t>(), 7);
  EXPECT_EQ(small.value().as<std::int8_t>(), std::int8_t{7});
  EXPECT_EQ(held<std::uint32_t>{300}.value().as<std::uint8_t>(), std::nullopt);
  EXPECT_EQ(held<std::int32_t>{-1}.value().as<std::uint64_t>(), std::nullopt);
  EXPECT_EQ((held<std::vector<std::int64_t>>{{1, 2}}.value().as<std::vector<std::uint8_t>>()),
            (std::vector<std::uint8_t>{1, 2}));
  EXPECT_EQ((held<std::vector<std::int64_t>>{{1, -2}}.value().as<std::vector<std::uint8_t>>()), std::nullopt);
}

TEST(gguf_value, kinds_do_not_mix) {
  EXPECT_EQ(held<float>{1}.value().as<int>(), std::nullopt);
  EXPECT_EQ(held<int>{1}.value().as<float>(), std::nullopt);
  EXPECT_EQ(held<bool>{true}.value().as<int>(), std::nullopt);
  EXPECT_EQ(held<int>{1}.value().as<bool>(), std::nullopt);
  EXPECT_EQ(held<int>{1}.value().as<std::string>(), std::nullopt);
  EXPECT_EQ(held<std::string>{"1"}.value().as<int>(), std::nullopt);
  EXPECT_EQ(held<int>{1}.value().as<std::vector<int>>(), std::nullopt);
  EXPECT_EQ((held<std::vector<int>>{{1}}.value().as<int>()), std::nullopt);
  EXPECT_EQ(held<float>{0.5f}.value().as<double>(), 0.5);
}

TEST(gguf_value, an_empty_array_is_an_empty_array_of_anything) {
  EXPECT_EQ(held<std::vector<int>>{{}}.value().as<std::vector<std::string>>(), std::vector<std::string>{});
}

TEST(gguf_value, strings_are_borrowed_when_asked) {
  const held<std::string> text{"borrowed"};
  const auto view = text.value().as<std::string_view>();
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(*view, "borrowed");
  EXPECT_EQ(view->data(), text.bytes.data() + 8);
}

TEST(gguf_value, tells_its_kind_in_words) {
  EXPECT_EQ(to_string(held<float>{1}.value()), "float32");
  EXPECT_EQ(to_string(held<std::vector<bool>>{{true}}.value()), "array of 1 bool");
  EXPECT_EQ(name_of(static_cast<gguf_kind>(13)), "unknown kind");
}

}  // namespace
}  // namespace fissile
