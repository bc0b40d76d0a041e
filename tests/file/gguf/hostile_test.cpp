// Files that want to do harm: whatever is cut off or changed, the reader refuses or stays within its bounds.
#include <fissile/file/gguf.hpp>

#include "../temporary.hpp"
#include "sample.hpp"

namespace fissile {
namespace {

using testing::put;
using testing::temporary_directory;

/// Opens the file and touches all of it; true when that went well. Anything but a file_error is a failure.
bool survives(const std::string& path) {
  try {
    const gguf_file file{path};
    std::uint64_t sum = 0;
    for (const gguf_entry& entry : file.entries()) {
      sum += entry.value.count();
      sum += entry.value.as<std::vector<std::string>>().value_or(std::vector<std::string>{}).size();
      sum += entry.value.as<std::vector<std::int64_t>>().value_or(std::vector<std::int64_t>{}).size();
      sum += static_cast<std::uint64_t>(entry.value.as<int>().value_or(1));
      sum += entry.value.as<std::string_view>().value_or("").size();
    }
    for (const gguf_tensor& tensor : file.tensors()) {
      try {
        const std::string_view raw = file.raw(tensor.name);
        for (const char byte : raw) sum += static_cast<unsigned char>(byte);
        sum += file.read_floats(tensor.name).size();
      } catch (const file_error&) {  // of this tensor's type
      }
    }
    volatile std::uint64_t kept = sum;
    static_cast<void>(kept);
    return true;
  } catch (const file_error& refusal) {
    EXPECT_NE(std::string_view{refusal.what()}.find(path), std::string_view::npos) << refusal.what();
    return false;
  }
}

class gguf_hostile : public ::testing::Test {
protected:
  gguf_hostile() : path(directory / "hostile.gguf") {
    testing::sample{}.writer().save(path);
    whole = testing::content_of(path);
  }
  temporary_directory directory;
  std::string path, whole;
};

TEST_F(gguf_hostile, cut_at_every_byte) {
  ASSERT_TRUE(survives(path));
  const gguf_tensor last = gguf_file{path}.tensors().back();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(path, std::string_view{whole}.substr(0, size));
    EXPECT_EQ(survives(path), size >= last.offset + last.bytes) << "cut to " << size << " of " << whole.size();
  }
}

TEST_F(gguf_hostile, single_bytes_changed) {
  const std::size_t header = gguf_file{path}.tensors().front().offset;
  random_source random{20};
  index_t read = 0;
  for (std::size_t position = 0; position < header; ++position) {
    std::string changed = whole;
    changed[position] = static_cast<char>(random.bits());
    put(path, changed);
    read += survives(path) ? 1 : 0;
    changed[position] = '\xff';
    put(path, changed);
    read += survives(path) ? 1 : 0;
  }
  EXPECT_GT(read, 0);  // changed text and numbers are legal
}

TEST_F(gguf_hostile, many_bytes_changed) {
  random_source random{21};
  for (int round = 0; round < 3000; ++round) {
    std::string changed = whole;
    for (index_t flips = 1 + random.below(8); flips > 0; --flips) {
      char& byte = changed[to_size(random.below(length(changed)))];
      byte = static_cast<char>(byte ^ (1 << random.below(8)));
    }
    put(path, changed);
    survives(path);
  }
}

TEST_F(gguf_hostile, numbers_changed_to_extreme_ones) {
  const std::size_t header = gguf_file{path}.tensors().front().offset;
  for (const std::uint64_t extreme : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63,
                                      (std::uint64_t{1} << 63) - 1, std::uint64_t{1} << 32, ~std::uint64_t{0} - 31}) {
    for (std::size_t position = 4; position + 8 <= header; ++position) {
      std::string changed = whole;
      std::memcpy(changed.data() + position, &extreme, 8);
      put(path, changed);
      survives(path);
    }
  }
}

TEST_F(gguf_hostile, noise) {
  random_source random{22};
  for (int round = 0; round < 500; ++round) {
    std::string noise = "GGUF";
    encode(noise, std::uint32_t{3});
    encode(noise, static_cast<std::uint64_t>(random.below(4)));
    encode(noise, static_cast<std::uint64_t>(random.below(4)));
    while (noise.size() < 400) noise += static_cast<char>(random.below(round % 2 == 0 ? 256 : 13));
    put(path, noise);
    survives(path);
  }
}

}  // namespace
}  // namespace fissile
