#include "collector/send/internal/pieces.h"

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

// `per` items of `units` units at each of `instants` times.
SendItems make(std::size_t instants, std::size_t units, std::size_t per) {
  SendItems items;
  for (std::size_t t = 0; t < instants; ++t) {
    for (std::size_t u = 0; u < units; ++u) {
      for (std::size_t i = 0; i < per; ++i) {
        SendItem& item = items.emplace_back();
        item.unit = u;
        item.time_ms = static_cast<std::int64_t>(t);
      }
    }
  }
  return items;
}

TEST_CASE("an instant stays whole when it fits, and is cut when it is larger than a request") {
  const auto fits = cut_into_lanes(make(3, 1, 5), 1, 9, false);
  REQUIRE(fits.size() == 1);
  REQUIRE(fits[0].size() == 3);
  for (const SendPiece& piece : fits[0]) {
    CHECK(piece.items.size() == 5);
    CHECK_FALSE(piece.cut);
  }
  CHECK(cut_into_lanes(make(3, 1, 5), 1, 10, false)[0].size() == 2);
  const auto cut = cut_into_lanes(make(1, 1, 11), 1, 5, true);
  REQUIRE(cut[0].size() == 3);
  CHECK(cut[0][0].items.size() == 5);
  CHECK(cut[0][2].items.size() == 1);
  CHECK(cut[0][0].cut);
  CHECK(cut[0][0].may_repeat);
}

TEST_CASE("as many lanes as there are requests to fill, each unit in one") {
  CHECK(cut_into_lanes(make(1, 4, 5), 8, 20, false).size() == 1);
  CHECK(cut_into_lanes(make(1, 4, 5), 8, 10, false).size() == 2);
  const auto lanes = cut_into_lanes(make(1, 4, 5), 3, 2, false);
  CHECK(lanes.size() == 3);
  std::size_t items = 0;
  for (const auto& lane : lanes) {
    for (const SendPiece& piece : lane) items += piece.items.size();
  }
  CHECK(items == 20);
}

TEST_CASE("what was refused is tried by instants, then by halves where parts may have arrived") {
  const auto parts_of = [](SendItems items, bool cut) {
    return split_refused({std::move(items), true, cut});
  };
  CHECK(parts_of(make(3, 2, 5), false).size() == 6);
  CHECK(parts_of(make(1, 1, 16), false).size() == 2);
  CHECK(parts_of(make(1, 1, 17), false).empty());
  CHECK(parts_of(make(1, 1, 17), true).size() == 2);
  CHECK(parts_of(make(1, 1, 1), true).empty());
}

}  // namespace
}  // namespace nines::collector
