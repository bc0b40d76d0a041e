// make_tiny_model FILE: writes the tiny model that the program is tried on where no real one is.
#include "../engine/tiny_model.hpp"

int main(int count, char** words) {
  if (count != 2) return 2;
  fissile::testing::tiny_model{}.out.save(words[1]);
  return 0;
}
