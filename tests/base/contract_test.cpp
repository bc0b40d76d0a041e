#include <fissile/base/contract.hpp>

#include "base/refusal.hpp"

#include <type_traits>

namespace fissile {
namespace {

TEST(contract, a_refusal_names_argument_expected_got_and_cure) {
  EXPECT_EQ(testing::refusal<shape_error>([] {
              fail<shape_error>({.argument = "down", .expected = "[2 x 3]", .got = "[3 x 2]", .cure = "transpose it"});
            }),
            "down: expected [2 x 3], got [3 x 2]; transpose it");
}

TEST(contract, the_cure_may_be_left_out) {
  EXPECT_EQ(testing::refusal<setting_error>(
                [] { fail<setting_error>({.argument = "top_k: k", .expected = "at least 0", .got = "-1"}); }),
            "top_k: k: expected at least 0, got -1");
}

TEST(contract, a_message_of_another_form_passes_through) {
  EXPECT_EQ(testing::refusal<file_error>([] { fail<file_error>("a.gguf: byte 24: no such type"); }),
            "a.gguf: byte 24: no such type");
}

TEST(contract, every_refusal_is_an_error_and_a_runtime_error) {
  static_assert(std::is_base_of_v<std::runtime_error, error>);
  static_assert(std::is_base_of_v<error, shape_error> && std::is_base_of_v<error, setting_error>);
  static_assert(std::is_base_of_v<error, file_error> && !std::is_base_of_v<shape_error, setting_error>);
  EXPECT_THROW(fail<shape_error>("x"), error);
}

}  // namespace
}  // namespace fissile
