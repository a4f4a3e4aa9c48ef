#pragma once
// Walks the frames of one life of a segment, over damage where later frames prove there was some.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "storage/ring/internal/layout.h"
#include "storage/ring/ring.h"

namespace nines::storage::ring {

class SegmentScanner {
 public:
  SegmentScanner(const File& file, std::uint32_t segment, std::uint64_t generation,
                 std::uint32_t segment_bytes, std::uint32_t seed);

  // Visits good frames in order until `visit` returns false. `next_index` afterwards: the place in
  // the segment the next frame would have.
  Result<ScanReport> run(const std::function<bool(const Frame&)>& visit);
  std::uint32_t next_index() const { return next_index_; }
  // Where the holes of the report began, ascending.
  const std::vector<std::uint32_t>& holes() const { return holes_; }

 private:
  // The frame at `at`, when there is a good one; empty otherwise.
  Result<std::span<const std::byte>> good_frame(std::uint64_t at);
  // The place of the next good frame after the damage at `at`; 0 when there is none.
  Result<std::uint64_t> find_next(std::uint64_t at);
  // `length` bytes at `at` (fewer at the end of the segment), valid until the next call.
  Result<std::span<const std::byte>> view(std::uint64_t at, std::size_t length);
  bool plausible(const FrameHeader& header, std::uint64_t at) const;

  const File& file_;
  const std::uint32_t segment_;
  const std::uint64_t generation_;
  const std::uint32_t end_;
  const std::uint32_t seed_;
  std::uint32_t next_index_ = 0;
  std::vector<std::uint32_t> holes_;
  std::vector<std::byte> window_;
  std::uint64_t window_at_ = 0;
  std::size_t window_length_ = 0;
};

}  // namespace nines::storage::ring
