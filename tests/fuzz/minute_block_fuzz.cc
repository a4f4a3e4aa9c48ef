// Packed minutes of the SLO ledger: what decodes has the size it says, and encodes as it came.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/api/minute_block.h"

using namespace nines::storage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::int64_t first = data[0];
  const std::int64_t last = first + data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto block = MinuteBlock::decode(first, last, bytes);
  if (!block) return 0;
  std::vector<LedgerMinute> rows;
  block->unpack(rows);
  if (rows.empty() || rows.size() > MinuteBlock::kRows || rows.back().minute != last)
    __builtin_trap();
  if (block->encode() != bytes) __builtin_trap();
  return 0;
}
