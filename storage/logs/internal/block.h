#pragma once
// A block: about 256 KiB of lines sorted by (stream, time), compressed, with a header that says
// which streams and times it holds. Byte layout: docs/formats/log-ring.md.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "storage/logs/internal/bytes.h"
#include "storage/logs/internal/stream_table.h"
#include "storage/ring/ring.h"

namespace nines::storage::logs {

// A cut turns the head into blocks. It covers the journal frames of one range of sequence numbers;
// of two cuts that cover the same frame, the one with the greater number holds.
struct CutId {
  std::uint64_t number = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
};

struct BlockStream {
  StreamPtr stream;
  std::uint32_t lines = 0;
  ring::TimeBounds times;
};

struct BlockHeader {
  CutId cut;
  bool last_of_cut = false;
  std::uint32_t lines = 0;
  std::uint64_t text_bytes = 0;
  ring::TimeBounds times;
  std::vector<BlockStream> streams;  // in the order of the lines
};

// What the index keeps of a block.
struct Block {
  BlockHeader header;
  ring::Location location;
};
using BlockPtr = std::shared_ptr<const Block>;

struct BlockLine {
  const StreamPtr* stream = nullptr;
  std::int64_t at = 0;
  std::uint64_t arrival = 0;  // place among the lines of its cut
  std::string_view text;
};

// `lines` sorted by (stream, time, arrival), those of one stream together. Fills the header's
// counts, times and streams; the caller sets the rest before.
Result<std::vector<std::byte>> encode_block(BlockHeader& header, std::span<const BlockLine> lines);

// Header with streams from `streams`, which learns new ones. kCorrupt.
Result<BlockHeader> decode_header(std::span<const std::byte> payload, StreamTable& streams);

// The columns of a block, unpacked.
struct BlockColumns {
  std::vector<std::int64_t> times;
  std::vector<std::uint64_t> arrivals;
  std::vector<std::uint32_t> ends;
  std::string text;
};
// `lines` and so on must agree with `header`. kCorrupt.
Result<BlockColumns> decode_columns(std::span<const std::byte> payload, const BlockHeader& header);

// The header's fields but its streams, as in blocks and in footers.
void write_header(ByteWriter& out, const BlockHeader& header);
BlockHeader read_header(ByteReader& in);

}  // namespace nines::storage::logs
