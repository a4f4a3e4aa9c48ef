#include "storage/logs/internal/footer.h"

#include <string>
#include <utility>

namespace nines::storage::logs {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kVarintMax = 10;
constexpr std::size_t kFixedMax = 1 + 2 * kVarintMax;    // version and two counts
constexpr std::size_t kBlockMax = 1 + 10 * kVarintMax;   // header, location, count of streams
constexpr std::size_t kBlockStreamMax = 4 * kVarintMax;  // place, lines, two times

std::size_t encoded_size(const LabelSet& labels) {
  std::size_t size = kVarintMax;
  for (const Label& l : labels) size += l.name.size() + l.value.size() + 2 * kVarintMax;
  return size;
}

Error corrupt() {
  return Error(ErrorCode::kCorrupt, "log segment: its footer does not read");
}

}  // namespace

void FooterBuilder::add(const Block& block) {
  write_header(blocks_, block.header);
  blocks_.varint(block.location.offset);
  blocks_.varint(block.location.length);
  blocks_.varint(block.header.streams.size());
  for (const BlockStream& s : block.header.streams) {
    const auto [it, is_new] = places_.try_emplace(s.stream.get(), places_.size());
    if (is_new) {
      kept_.push_back(s.stream);
      streams_.labels(s.stream->labels);
    }
    blocks_.varint(it->second);
    blocks_.varint(s.lines);
    blocks_.zigzag(s.times.min);
    blocks_.delta(s.times.min, s.times.max);
  }
  ++block_count_;
}

std::size_t FooterBuilder::size() const {
  return kFixedMax + streams_.size() + blocks_.size();
}

std::size_t FooterBuilder::size_with(const BlockHeader& header) const {
  std::size_t size = this->size() + kBlockMax + header.streams.size() * kBlockStreamMax;
  for (const BlockStream& s : header.streams) {
    if (!places_.contains(s.stream.get())) size += encoded_size(s.stream->labels);
  }
  return size;
}

std::vector<std::byte> FooterBuilder::finish() const {
  ByteWriter out;
  out.u8(kVersion);
  out.varint(places_.size());
  out.raw(streams_.view());
  out.varint(block_count_);
  out.raw(blocks_.view());
  return out.take();
}

Result<std::vector<Block>> decode_footer(std::span<const std::byte> payload,
                                         const ring::Location& where, StreamTable& streams) {
  ByteReader in(payload);
  if (in.u8() != kVersion) return corrupt();
  std::vector<StreamPtr> table;
  const std::size_t stream_count = in.count();
  for (std::size_t i = 0; i < stream_count; ++i) {
    const LabelSet labels = in.labels();
    if (!in.ok()) return corrupt();
    table.push_back(streams.adopt(labels));
  }
  std::vector<Block> blocks;
  const std::size_t block_count = in.count();
  for (std::size_t b = 0; b < block_count; ++b) {
    Block block;
    block.header = read_header(in);
    block.location = where;
    block.location.offset = static_cast<std::uint32_t>(in.varint());
    block.location.length = static_cast<std::uint32_t>(in.varint());
    const std::size_t n = in.count();
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t place = in.varint();
      BlockStream s;
      s.lines = static_cast<std::uint32_t>(in.varint());
      s.times.min = in.zigzag();
      s.times.max = in.delta(s.times.min);
      if (!in.ok() || place >= table.size()) return corrupt();
      s.stream = table[static_cast<std::size_t>(place)];
      block.header.streams.push_back(std::move(s));
    }
    if (!in.ok()) return corrupt();
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace nines::storage::logs
