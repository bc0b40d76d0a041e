// Texts that tokenizers find hard.
#pragma once

#include <fissile/base/random.hpp>

#include <string>
#include <vector>

namespace fissile::testing {

inline std::vector<std::string> texts() {
  std::vector<std::string> all{"",
                               "a",
                               " ",
                               "  two spaces  at both ends  ",
                               "Once upon a time, there was\n\ta tab.",
                               "na\xc3\xafve caf\xc3\xa9",
                               "\xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0",
                               "\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\x8b\xe3\x81\xaa",
                               "\xf0\x9f\x8c\x8d emoji \xf0\x9f\x8e\x89",
                               "cut in the middle \xf0\x9f\x8c",
                               std::string("zero \0 byte", 11)};
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  all.push_back(every_byte);
  random_source random{3};
  std::string noise;
  for (int i = 0; i < 500; ++i) noise += static_cast<char>(random.below(256));
  all.push_back(noise);
  return all;
}

}  // namespace fissile::testing
