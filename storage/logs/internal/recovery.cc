// Opening the store: the index of blocks from footers and scans, then the journal.

#include <algorithm>
#include <optional>
#include <utility>

#include "storage/logs/internal/store_impl.h"

namespace nines::storage::logs {

using ring::SegmentClass;
using ring::SegmentInfo;

Result<void> StoreImpl::recover() {
  NINES_TRY(std::vector<Block> found, find_blocks());
  NINES_TRY(const std::uint64_t first, journal_first());
  ValidBlocks valid = choose_blocks(std::move(found), first);
  std::vector<BlockPtr> in_open;
  {
    std::optional<std::uint64_t> open;
    for (const SegmentInfo& info : ring_.segments(SegmentClass::kLogs)) {
      if (info.open) open = info.generation;
    }
    const MutexLock lock(mutex_);
    for (Block& block : valid.blocks) {
      auto kept = std::make_shared<const Block>(std::move(block));
      if (open == kept->location.generation) in_open.push_back(kept);
      index_.add(std::move(kept));
    }
  }
  if (auto r = replay_journal(valid.covered); !r) return r;
  const MutexLock appending(append_mutex_);
  next_cut_ = valid.next_cut;
  writer_.resume(in_open);
  // A power cut may have taken journal frames that blocks already cover. Their numbers must not be
  // given to new lines: go on in a new segment, whose numbers are all greater.
  if (ring_.last_sequence(SegmentClass::kLogJournal) < valid.covered) {
    if (auto r = ring_.seal(SegmentClass::kLogJournal, {}); !r) return r;
  }
  bool full = false;
  {
    const MutexLock lock(mutex_);
    streams_.sweep();
    metrics_.streams.set(static_cast<double>(streams_.size()));
    full = head_.text_bytes >= options_.head_bytes;
    log_.info("logs", "{} blocks, {} streams, {} lines from the journal", index_.size(),
              streams_.size(), lines_recovered_);
  }
  // Over its quota (it was made smaller), a class loses segments to others without being asked.
  const auto use = ring_.use(SegmentClass::kLogJournal);
  if (full || use.used > use.quota) return cut_locked();
  return {};
}

Result<std::vector<Block>> StoreImpl::find_blocks() {
  std::vector<Block> found;
  for (const SegmentInfo& info : ring_.segments(SegmentClass::kLogs)) {
    if (auto r = read_segment(info, found); !r) return std::move(r).error();
  }
  return found;
}

Result<void> StoreImpl::read_segment(const SegmentInfo& info, std::vector<Block>& found) {
  if (info.sealed) {
    auto frame = ring_.read(info.footer);
    if (frame) {
      const MutexLock lock(mutex_);
      auto blocks = decode_footer(frame->payload, info.footer, streams_);
      if (blocks) {
        found.insert(found.end(), std::make_move_iterator(blocks->begin()),
                     std::make_move_iterator(blocks->end()));
        return {};
      }
    } else if (frame.error().code() == ErrorCode::kIo) {
      return std::move(frame).error();
    }
    note_damage("footer of " + ring::segment_name(info.segment));
  }
  ring::TimeBounds times;
  auto report = ring_.scan(info.segment, info.generation, [&](const ring::Frame& frame) {
    if (frame.head.type != kBlockFrame) return true;
    bool good = false;
    {
      const MutexLock lock(mutex_);
      if (auto header = decode_header(frame.payload, streams_)) {
        times.include(header->times);
        found.push_back({*std::move(header), frame.location});
        good = true;
      }
    }
    if (!good) note_damage("block of " + ring::segment_name(info.segment));
    return true;
  });
  if (!report) return std::move(report).error();
  for (std::uint64_t i = 0; i < report->holes; ++i) {
    note_damage("hole in " + ring::segment_name(info.segment));
  }
  ring_.note_times(info.segment, info.generation, times);
  return {};
}

// The sequence number of the oldest frame the journal still has; UINT64_MAX when it is empty.
Result<std::uint64_t> StoreImpl::journal_first() {
  std::uint64_t first = UINT64_MAX;
  for (const SegmentInfo& info : ring_.segments(SegmentClass::kLogJournal)) {
    auto report = ring_.scan(info.segment, info.generation, [&first](const ring::Frame& frame) {
      if (frame.head.type == kBatchFrame) first = std::min(first, frame.sequence);
      return first == UINT64_MAX;
    });
    if (!report && report.error().code() == ErrorCode::kIo) return std::move(report).error();
    if (first != UINT64_MAX) break;
  }
  return first;
}

Result<void> StoreImpl::replay_journal(std::uint64_t covered) {
  for (const SegmentInfo& info : ring_.segments(SegmentClass::kLogJournal)) {
    std::uint64_t fresh = 0;
    auto report = ring_.scan(info.segment, info.generation, [&](const ring::Frame& frame) {
      if (frame.head.type != kBatchFrame || frame.sequence <= covered) return true;
      adopt_batch(frame);
      ++fresh;
      return true;
    });
    if (!report) return std::move(report).error();
    for (std::uint64_t i = 0; i < report->holes; ++i) {
      note_damage("hole in " + ring::segment_name(info.segment) + " (log journal)");
    }
    if (fresh > 0 || info.open) continue;
    if (auto r = ring_.release(info.segment, info.generation); !r) return r;
  }
  return {};
}

void StoreImpl::adopt_batch(const ring::Frame& frame) {
  auto decoded = decode_batch(frame.payload);
  if (!decoded || decoded->batch.size() == 0) {
    note_damage("journal frame of " + ring::segment_name(frame.location.segment));
    return;
  }
  auto batch = std::make_shared<Batch>(std::move(decoded->batch));
  batch->sequence = frame.sequence;
  const MutexLock lock(mutex_);
  batch->stream = streams_.adopt(decoded->labels);
  lines_recovered_ += batch->size();
  head_.add(std::move(batch));
}

}  // namespace nines::storage::logs
