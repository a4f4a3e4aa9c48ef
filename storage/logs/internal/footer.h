#pragma once
// The end of a sealed segment of blocks: the headers of all its blocks, so that opening the store
// reads one frame per segment. Byte layout: docs/formats/log-ring.md.

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/core/result.h"
#include "storage/logs/internal/block.h"

namespace nines::storage::logs {

class FooterBuilder {
 public:
  void add(const Block& block);
  // At most this many bytes: finish() now, and finish() after one more block of this header.
  std::size_t size() const;
  std::size_t size_with(const BlockHeader& header) const;
  std::vector<std::byte> finish() const;

 private:
  ByteWriter streams_;  // label sets, each once
  ByteWriter blocks_;
  std::size_t block_count_ = 0;
  std::unordered_map<const Stream*, std::size_t> places_;
  std::vector<StreamPtr> kept_;  // keeps the keys of places_ alive
};

// The blocks of a segment, whose Locations share `where`'s segment and generation. kCorrupt.
Result<std::vector<Block>> decode_footer(std::span<const std::byte> payload,
                                         const ring::Location& where, StreamTable& streams);

}  // namespace nines::storage::logs
