#include "storage/logs/internal/block.h"

#include <utility>

#include <zstd.h>

namespace nines::storage::logs {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kLastOfCut = 1;
constexpr int kZstdLevel = 3;
// No block that nines writes comes near; a damaged size must not ask for more.
constexpr std::uint64_t kColumnsMax = 256u << 20;

Error corrupt(const char* what) {
  return Error(ErrorCode::kCorrupt, std::string("log block: ") + what);
}

// A column: raw size, packed size, packed bytes.
Result<void> pack(ByteWriter& out, std::span<const std::byte> column) {
  std::vector<std::byte> packed(ZSTD_compressBound(column.size()));
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), column.data(), column.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0) {
    return Error(ErrorCode::kIo, std::string("log block: zstd: ") + ZSTD_getErrorName(size));
  }
  out.varint(column.size());
  out.varint(size);
  out.raw(std::span(packed).first(size));
  return {};
}

Result<std::string> unpack(ByteReader& in) {
  const std::uint64_t size = in.varint();
  const auto packed = in.raw(in.count());
  if (!in.ok() || size > kColumnsMax) return corrupt("a column's size is nonsense");
  std::string column(static_cast<std::size_t>(size), '\0');
  const std::size_t got =
      ZSTD_decompress(column.data(), column.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != column.size()) return corrupt("a column does not unpack");
  return column;
}

void write_bounds(ByteWriter& out, const ring::TimeBounds& times) {
  out.zigzag(times.min);
  out.delta(times.min, times.max);
}

ring::TimeBounds read_bounds(ByteReader& in) {
  ring::TimeBounds times;
  times.min = in.zigzag();
  times.max = in.delta(times.min);
  return times;
}

// Reads the version, the header and the streams; leaves `in` at the columns.
BlockHeader read_whole_header(ByteReader& in, StreamTable* streams) {
  if (in.u8() != kVersion) return {};
  BlockHeader header = read_header(in);
  const std::size_t n = in.count();
  std::uint64_t lines = 0;
  for (std::size_t i = 0; i < n && in.ok(); ++i) {
    const LabelSet labels = in.labels();
    BlockStream stream;
    stream.lines = static_cast<std::uint32_t>(in.varint());
    stream.times = read_bounds(in);
    lines += stream.lines;
    if (streams != nullptr && in.ok()) stream.stream = streams->adopt(labels);
    header.streams.push_back(std::move(stream));
  }
  if (lines != header.lines) header.streams.clear();
  return header;
}

}  // namespace

void write_header(ByteWriter& out, const BlockHeader& header) {
  out.u8(header.last_of_cut ? kLastOfCut : 0);
  out.varint(header.cut.number);
  out.varint(header.cut.first_sequence);
  out.varint(header.cut.last_sequence);
  out.varint(header.lines);
  out.varint(header.text_bytes);
  write_bounds(out, header.times);
}

BlockHeader read_header(ByteReader& in) {
  BlockHeader header;
  header.last_of_cut = (in.u8() & kLastOfCut) != 0;
  header.cut.number = in.varint();
  header.cut.first_sequence = in.varint();
  header.cut.last_sequence = in.varint();
  header.lines = static_cast<std::uint32_t>(in.varint());
  header.text_bytes = in.varint();
  header.times = read_bounds(in);
  return header;
}

Result<std::vector<std::byte>> encode_block(BlockHeader& header, std::span<const BlockLine> lines) {
  ByteWriter meta;
  std::string text;
  std::int64_t last_time = 0;
  std::uint64_t last_arrival = 0;
  header.lines = static_cast<std::uint32_t>(lines.size());
  for (const BlockLine& line : lines) {
    if (header.streams.empty() || header.streams.back().stream != *line.stream) {
      header.streams.push_back({*line.stream, 0, {}});
    }
    BlockStream& stream = header.streams.back();
    ++stream.lines;
    stream.times.include(line.at);
    header.times.include(line.at);
    text += line.text;
  }
  header.text_bytes = text.size();
  for (const BlockLine& line : lines) {
    meta.delta(last_time, line.at);
    last_time = line.at;
  }
  for (const BlockLine& line : lines) meta.varint(line.text.size());
  for (const BlockLine& line : lines) {
    meta.zigzag(static_cast<std::int64_t>(line.arrival - last_arrival));
    last_arrival = line.arrival;
  }
  ByteWriter out;
  out.u8(kVersion);
  write_header(out, header);
  out.varint(header.streams.size());
  for (const BlockStream& stream : header.streams) {
    out.labels(stream.stream->labels);
    out.varint(stream.lines);
    write_bounds(out, stream.times);
  }
  if (auto r = pack(out, meta.view()); !r) return std::move(r).error();
  if (auto r = pack(out, as_bytes(text)); !r) return std::move(r).error();
  return out.take();
}

Result<BlockHeader> decode_header(std::span<const std::byte> payload, StreamTable& streams) {
  ByteReader in(payload);
  BlockHeader header = read_whole_header(in, &streams);
  if (!in.ok() || header.streams.empty()) return corrupt("its header does not read");
  return header;
}

Result<BlockColumns> decode_columns(std::span<const std::byte> payload, const BlockHeader& header) {
  ByteReader in(payload);
  const BlockHeader own = read_whole_header(in, nullptr);
  if (!in.ok() || own.lines != header.lines || own.streams.size() != header.streams.size()) {
    return corrupt("its header is not the one of the index");
  }
  NINES_TRY(const std::string meta, unpack(in));
  BlockColumns out;
  NINES_TRY(out.text, unpack(in));
  ByteReader columns(as_bytes(meta));
  if (header.lines > columns.left()) return corrupt("its columns are too short");
  out.times.reserve(header.lines);
  out.ends.reserve(header.lines);
  out.arrivals.reserve(header.lines);
  std::int64_t time = 0;
  for (std::uint32_t i = 0; i < header.lines; ++i) out.times.push_back(time = columns.delta(time));
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < header.lines; ++i) {
    end += columns.varint();
    if (end > out.text.size()) return corrupt("its lengths do not add up");
    out.ends.push_back(static_cast<std::uint32_t>(end));
  }
  std::uint64_t arrival = 0;
  for (std::uint32_t i = 0; i < header.lines; ++i) {
    arrival += static_cast<std::uint64_t>(columns.zigzag());
    out.arrivals.push_back(arrival);
  }
  if (!columns.ok() || end != out.text.size()) return corrupt("its columns do not read");
  return out;
}

}  // namespace nines::storage::logs
