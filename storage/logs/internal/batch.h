#pragma once
// A batch: lines of one stream that came in together. One frame of the journal, one entry of the
// head.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "storage/api/logs.h"
#include "storage/logs/internal/stream_table.h"
#include "storage/ring/ring.h"

namespace nines::storage::logs {

// Immutable once it is in the head, so that readers share it.
struct Batch {
  StreamPtr stream;
  std::uint64_t sequence = 0;       // of its journal frame
  std::vector<std::int64_t> times;  // nanoseconds, in the order of arrival
  std::vector<std::uint32_t> ends;  // of each line in `text`
  std::string text;
  ring::TimeBounds bounds;

  std::size_t size() const { return times.size(); }
  std::string_view line(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
  void add(std::int64_t at, std::string_view line_text);
};
using BatchPtr = std::shared_ptr<const Batch>;

// Payload of a journal frame: labels, number of lines, (time delta, length) of each, their bytes.
std::vector<std::byte> encode_batch(const LabelSet& labels, const Batch& batch);
// Fills everything but the stream and the sequence. kCorrupt.
struct DecodedBatch {
  LabelSet labels;
  Batch batch;
};
Result<DecodedBatch> decode_batch(std::span<const std::byte> payload);

}  // namespace nines::storage::logs
