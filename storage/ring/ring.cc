#include "storage/ring/ring.h"

#include <fmt/format.h>

#include "storage/ring/internal/segment_ring.h"

namespace nines::storage::ring {

std::string_view to_string(SegmentClass cls) noexcept {
  switch (cls) {
    case SegmentClass::kJournal:
      return "journal";
    case SegmentClass::kRaw:
      return "raw";
    case SegmentClass::kT5m:
      return "t5m";
    case SegmentClass::kT1h:
      return "t1h";
    case SegmentClass::kLogs:
      return "logs";
    case SegmentClass::kLogJournal:
      return "log_journal";
  }
  return "unknown";
}

Result<std::unique_ptr<Ring>> Ring::open(const RingOptions& options, Fs& fs, const Clock& clock,
                                         Log& log) {
  const std::uint64_t least = segments_min(options.parts);
  if (options.segment_bytes % kPage != 0 || options.segment_bytes < (64u << 10)) {
    return Error(
        ErrorCode::kInvalid,
        fmt::format("segments of {} bytes: they must be a multiple of 4096 and at least 64 KiB",
                    options.segment_bytes));
  }
  if (options.bytes < kSuperBytes + least * options.segment_bytes) {
    return Error(
        ErrorCode::kInvalid,
        fmt::format("a ring of {} bytes is too small: it needs at least {} segments of {} bytes",
                    options.bytes, least, options.segment_bytes));
  }
  NINES_TRY(RingParts parts, open_files(options, fs, clock));
  for (const std::string& note : parts.notes) log.info("ring", "{}", note);
  return std::unique_ptr<Ring>(std::make_unique<SegmentRing>(options, log, std::move(parts)));
}

}  // namespace nines::storage::ring
