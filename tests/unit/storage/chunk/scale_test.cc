// Whole columns of decimals against one value at a time.
#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "storage/chunk/column.h"

namespace nines::storage::chunk {
namespace {

TEST_CASE("columns of whole numbers scale as each of them does, also beyond 2^51 and 2^53") {
  std::mt19937_64 random(5);
  for (const int bits : {1, 10, 32, 50, 51, 52, 53, 63}) {
    for (std::uint8_t byte = 0; byte < 0x30; ++byte) {
      Scale scale;
      if (!Scale::unpack(byte, scale)) continue;
      for (const std::size_t count : {1, 3, 4, 7, 64, 129}) {
        std::vector<std::int64_t> wholes;
        for (std::size_t i = 0; i < count; ++i) {
          const auto size = static_cast<std::int64_t>(random() >> (64 - bits));
          wholes.push_back(random() % 2 == 0 ? size : -size);
        }
        if (count == 7) wholes[3] = std::int64_t{1} << (bits - 1), wholes[4] = -wholes[3];
        std::vector<double> all(count);
        scale.values(wholes.data(), count, all.data());
        for (std::size_t i = 0; i < count; ++i) {
          REQUIRE(std::bit_cast<std::uint64_t>(all[i]) ==
                  std::bit_cast<std::uint64_t>(scale.value(wholes[i])));
        }
      }
    }
  }
}

TEST_CASE("integers of every width come back, in columns of every small length") {
  std::mt19937_64 random(6);
  for (unsigned width = 1; width <= 64; ++width) {
    for (std::size_t count = 1; count <= 70; ++count) {
      std::vector<std::int64_t> values;
      for (std::size_t i = 0; i < count; ++i)
        values.push_back(static_cast<std::int64_t>(random() >> (64 - width)));
      for (const bool followed : {false, true}) {
        std::string bytes;
        encode_integers(values, bytes);
        const std::size_t length = bytes.size();
        if (followed) bytes += "what follows may be looked at, and is not taken";
        ByteReader in{std::string_view(bytes)};
        std::vector<std::int64_t> back(count);
        REQUIRE(decode_integers(in, count, back.data()));
        REQUIRE(back == values);
        REQUIRE(in.left() == bytes.size() - length);
      }
    }
  }
}

}  // namespace
}  // namespace nines::storage::chunk
