#include "storage/metrics/internal/rows_codec.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace nines::storage {
namespace {

// What slots of many kinds hold at a turn.
double value_of(std::uint32_t slot, int turn) {
  switch (slot % 9) {
    case 0:
      return turn / 3;  // NOLINT: whole numbers that change now and then
    case 1:
      return turn * 0.01;
    case 2:
      return turn * 1e9 + 0.123;
    case 3:
      return turn % 4 == 0 ? std::numeric_limits<double>::quiet_NaN() : turn;
    case 4:
      return turn % 2 == 0 ? -0.0 : 0.0;
    case 5:
      return 1.0 / (turn + 1);
    case 6:
      return 9007199254740992.0 + 2 * turn;
    case 7:
      return turn % 5 == 0 ? 0.5 : turn;
    default:
      return -turn * 1.048576e6;
  }
}

std::vector<Entry> row_at(std::int64_t at, int turn) {
  std::vector<Entry> entries;
  const auto slots = static_cast<std::uint32_t>(20 + turn);  // some are new each time
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    if ((slot + static_cast<std::uint32_t>(turn)) % 7 == 0) continue;  // and some are missing
    Entry& entry = entries.emplace_back();
    entry.slot = slot;
    entry.time = slot % 11 == 5 ? at - 17 : at;
    entry.value = value_of(slot, turn);
    entry.start = slot % 13 == 3 ? at - 60'000 : 0;
  }
  return entries;
}

bool same(const RowsState& a, const RowsState& b) {
  return a.next_index == b.next_index && a.time == b.time && a.last_bits == b.last_bits &&
         a.scales == b.scales;
}

TEST_CASE("rows are read back to the bit, and writer and reader stand alike behind each") {
  RowsState writer, reader;
  for (int turn = 0; turn < 60; ++turn) {
    CAPTURE(turn);
    const std::int64_t at = 1'700'000'000'000 + turn * 15'000;
    const std::vector<Entry> entries = row_at(at, turn);
    if (writer.next_index == kRowsPerKey) writer.next_index = 0;
    if (turn == 37) {  // a frame that is not written: a key frame follows
      std::string lost;
      encode_rows(writer, at, row_at(at, 100), lost);
      writer.next_index = 0;
    }
    std::string payload;
    encode_rows(writer, at, entries, payload);
    const Result<RowsFrame> frame = decode_rows(reader, payload);
    REQUIRE(frame);
    CHECK((frame->index == 0) == is_key_row(payload));
    REQUIRE(frame->time == at);
    REQUIRE(frame->entries.size() == entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      CHECK(frame->entries[i].slot == entries[i].slot);
      CHECK(frame->entries[i].time == entries[i].time);
      CHECK(frame->entries[i].start == entries[i].start);
      CHECK(std::bit_cast<std::uint64_t>(frame->entries[i].value) ==
            std::bit_cast<std::uint64_t>(entries[i].value));
    }
    reader.next_index = frame->index;
    advance(reader, frame->time, frame->entries);
    if (turn < 37) CHECK(same(writer, reader));
    CHECK(writer.next_index == reader.next_index);
  }
}

}  // namespace
}  // namespace nines::storage
