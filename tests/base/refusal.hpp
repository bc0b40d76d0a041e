// What refusals say, and that a broken contract ends the program: shared by the tests of the lower floors.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <typeinfo>

namespace fissile::testing {

/// The whole message of the `Error` that `body` throws. The test fails when nothing is thrown.
template <class Error, class Body>
std::string refusal(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(typeid(error), typeid(Error)) << "a more derived type was thrown";
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

}  // namespace fissile::testing

/// The statement breaks an `Expects`. The text is that of std::terminate without an exception, which tells a contract
/// from a segmentation fault and from a report of a sanitizer.
#define EXPECT_CONTRACT(statement) EXPECT_DEATH(statement, "terminate called without an active exception")
