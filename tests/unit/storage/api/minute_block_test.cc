#include "storage/api/minute_block.h"

#include <doctest/doctest.h>

using namespace nines;
using namespace nines::storage;

namespace {

std::vector<LedgerMinute> again(const std::vector<LedgerMinute>& rows) {
  const MinuteBlock block(rows);
  const auto decoded =
      MinuteBlock::decode(block.first_minute(), block.last_minute(), block.encode());
  REQUIRE(decoded);
  std::vector<LedgerMinute> out;
  decoded->unpack(out);
  return out;
}

bool same(const std::vector<LedgerMinute>& a, const std::vector<LedgerMinute>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.minute == y.minute && x.good == y.good && x.valid == y.valid &&
           x.excluded == y.excluded && x.is_excluded == y.is_excluded;
  });
}

}  // namespace

TEST_CASE("what is packed comes out as it was, at every width") {
  for (const double value : {0.0, 1.0, 255.0, 256.0, 65'535.0, 65'536.0, 4'294'967'295.0,
                             4'294'967'296.0, 9e15, 0.1, -3.0}) {
    const std::vector<LedgerMinute> one{{7, value, value, 0}};
    CHECK(same(again(one), one));
    const std::vector<LedgerMinute> some{{7, value, 0, 0}, {8, 0, value, 1, true}, {9'000, 0, 0, value, value != 0}};
    CHECK(same(again(some), some));
  }
  std::vector<LedgerMinute> full;
  for (int i = 0; i < 128; ++i) full.push_back({-50 + 3 * i, 90.0 + i, 100.0 + i, i % 3 * 1.0, i % 3 != 0});
  CHECK(same(again(full), full));
  CHECK(MinuteBlock(full).encode().size() == 5 + 128 * 4);
}

TEST_CASE("a minute that is left out is known, with events and without, beside any others") {
  const std::vector<LedgerMinute> some{
      {1, 9, 10, 0, false}, {2, 0, 0, 7, true}, {3, 0, 0, 0, true}, {4, 0, 0, 0.5, true}};
  CHECK(same(again(some), some));
  CHECK(same(again({some[2]}), {some[2]}));
}

TEST_CASE("damage is found before it is used") {
  const MinuteBlock block(std::vector<LedgerMinute>{{7, 1, 2, 0}, {9, 3, 4, 0}});
  const std::string good = block.encode();
  CHECK(MinuteBlock::decode(7, 9, good));
  CHECK_FALSE(MinuteBlock::decode(7, 10, good));
  CHECK_FALSE(MinuteBlock::decode(6, 9, good));
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(MinuteBlock::decode(7, 9, good.substr(0, size)));
  CHECK_FALSE(MinuteBlock::decode(7, 9, good + "x"));
  for (std::size_t i = 0; i < 5; ++i) {
    for (const char byte : {'\0', '\3', '\x10', '\xff'}) {
      std::string bad = good;
      if (bad[i] == byte) continue;
      bad[i] = byte;
      CHECK_MESSAGE(!MinuteBlock::decode(7, 9, bad), "byte ", i);
    }
  }
}
