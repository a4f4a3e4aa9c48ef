#pragma once
// The ring: a fixed set of preallocated segment files in which everything big is kept. It never
// grows: room for the new is made by dropping the oldest segment of the same class, whole.
//
// A class has at most one open segment, to which frames are appended; the others are sealed (they
// end with a footer the store wrote) or were left without one by a crash or a failed sync.
// A frame never spans segments. Byte layout: docs/formats/metrics-ring.md.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"

namespace nines::storage::ring {

enum class SegmentClass : std::uint8_t {
  kJournal,     // metric rows not yet in pages; segments are given back by release()
  kRaw,         // pages of metric samples
  kT5m,         // windows of 5 minutes, made of samples before these go
  kT1h,         // windows of an hour, made of those of 5 minutes
  kLogs,        // blocks of log lines
  kLogJournal,  // log lines not yet in blocks; segments are given back by release()
};
inline constexpr std::size_t kSegmentClasses = 6;
std::string segment_name(std::uint32_t segment);  // of its file: "seg-00042"
std::string_view to_string(
    SegmentClass cls) noexcept;  // "journal", "raw", "t5m", "t1h", "logs", "log_journal"

// Chosen by the store that writes the frame. The ring keeps kFooterFrame for itself.
struct FrameHead {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t tag = 0;
};
inline constexpr std::uint8_t kFooterFrame = 255;

// Where a frame is. It stays valid until the segment is evicted; then reading gives kNotFound.
struct Location {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;      // of the frame's header in the file
  std::uint64_t generation = 0;  // of the segment's life
  std::uint32_t length = 0;      // of the payload
  bool operator==(const Location&) const = default;
};

struct Frame {
  FrameHead head{};
  // Ascending over all appends to one class, over restarts too: the segment's generation in the
  // upper half, the frame's place in the segment (from 0) in the lower.
  std::uint64_t sequence = 0;
  Location location{};
  std::span<const std::byte> payload;  // lives during the call that gave it
};

struct OwnedFrame {
  FrameHead head{};
  std::uint64_t sequence = 0;
  std::vector<std::byte> payload;
};

// Times of what a segment holds, in a unit of the store's choice (metrics milliseconds, logs
// nanoseconds). min > max: nothing yet.
struct TimeBounds {
  std::int64_t min = INT64_MAX;
  std::int64_t max = INT64_MIN;
  bool empty() const { return min > max; }
  void include(std::int64_t t) {
    if (t < min) min = t;
    if (t > max) max = t;
  }
  void include(const TimeBounds& other) {
    if (other.min < min) min = other.min;
    if (other.max > max) max = other.max;
  }
};

struct SegmentInfo {
  std::uint32_t segment = 0;
  std::uint64_t generation = 0;
  SegmentClass cls = SegmentClass::kRaw;
  bool sealed = false;         // has a footer
  bool open = false;           // takes frames now
  TimeBounds times{};          // unsealed after a restart: empty until note_times() or append()
  std::uint32_t data_end = 0;  // bytes in use; unsealed after a restart: 0 until scan()
  Location footer{};           // of a sealed segment
};

// What scan() saw.
struct ScanReport {
  std::uint64_t frames = 0;
  std::uint64_t holes = 0;     // damaged places with good frames after them: counted and skipped
  std::uint32_t data_end = 0;  // where the next frame would go
};

// What a class gets of the ring, in parts of their sum; 0: no segment.
using Parts = std::array<std::uint16_t, kSegmentClasses>;
std::uint32_t least_segments(SegmentClass cls) noexcept;  // of a class with a part
std::uint32_t segments_min(const Parts& parts) noexcept;  // of a ring shared out so

struct RingOptions {
  std::string path;                 // the data folder; must exist
  std::uint64_t bytes = 0;          // of all files of the ring together: super + segments <= bytes
  std::uint32_t segment_bytes = 0;  // a multiple of 4096, at least 64 KiB
  // By class. Each class with a part gets at least least_segments().
  Parts parts = {120, 410, 100, 60, 230, 80};
  // A first start wants so much free beside the ring's files.
  std::uint64_t bytes_beside = 0;
  std::uint32_t fill_step_bytes = 1u << 20;  // zero-filling, by step()
};

// Thread-safe, but one thread at a time appends to, seals or releases segments of one class; sync()
// may run beside an append().
// read() and scan() from any thread at any time.
class Ring {
 public:
  // Opens the ring in `path`, or makes it: all files at their full size. One of another size
  // becomes this size and keeps its segments' size: a larger one has more of them, a smaller one
  // gives up the oldest of the classes above their new share (the log says how many). A start that
  // is cut short leaves a ring that opens with either size. kLimit when the disk cannot hold it
  // (the text says what is free; nothing is left behind), kInvalid when the folder's segments are
  // too large for `bytes` (the text says what they need), kCorrupt when both superblocks are
  // damaged.
  static Result<std::unique_ptr<Ring>> open(const RingOptions& options, Fs& fs, const Clock& clock,
                                            Log& log);
  virtual ~Ring() = default;

  // --- writing ---

  // Appends a frame to the open segment of `cls`; opens the next segment when none is open, which
  // may evict the class's oldest (the listener is called first). Visible to read() on return,
  // durable after sync(). kLimit when the open segment has no room for it (seal(), then call again)
  // or the frame is larger than any segment; kIo: the segment was abandoned, the next append opens
  // another: whatever was not synced must be written again.
  virtual Result<Location> append(SegmentClass cls, FrameHead head,
                                  std::span<const std::byte> payload, TimeBounds times = {}) = 0;
  // The sequence number the last append() to `cls` used; 0 before the first.
  virtual std::uint64_t last_sequence(SegmentClass cls) const = 0;
  // The largest payload append() would take now without a seal(); of a new segment when none is
  // open.
  virtual std::size_t room(SegmentClass cls) const = 0;
  // The largest payload a fresh segment takes.
  virtual std::size_t frame_max() const = 0;
  // Everything appended to `cls` before the call is on disk when it returns. Does nothing when
  // nothing is new. kIo: as append().
  virtual Result<void> sync(SegmentClass cls) = 0;
  // Ends the open segment with `footer` and syncs it; a footer for which there is no room is left
  // out (keep room() for one that matters). Without an open segment it does nothing. kIo: as
  // append().
  virtual Result<void> seal(SegmentClass cls, std::span<const std::byte> footer) = 0;
  // The segment the next opening of a segment of `cls` would evict; none when a free one is left.
  virtual std::optional<SegmentInfo> next_victim(SegmentClass cls) const = 0;
  // Gives a segment back before its turn (a journal's, once its rows are elsewhere). Not the open
  // one (kInvalid). The listener is not called.
  virtual Result<void> release(std::uint32_t segment, std::uint64_t generation) = 0;
  // Widens the times of a segment found without a footer at start.
  virtual void note_times(std::uint32_t segment, std::uint64_t generation, TimeBounds times) = 0;

  // Called before a segment of `cls` is evicted, in the appending thread, without any lock of the
  // ring held: forget its index entries. At most one per class; set it before the first append.
  using EvictListener = std::function<void(const SegmentInfo&)>;
  virtual void on_evict(SegmentClass cls, EvictListener listener) = 0;

  // --- reading ---

  // The frame, its checksum verified. kNotFound when the segment was evicted meanwhile (an ordinary
  // answer: the data is gone), kCorrupt when the bytes are damaged, kIo.
  virtual Result<OwnedFrame> read(const Location& location) const = 0;
  // The segments of a class that hold data, oldest first.
  virtual std::vector<SegmentInfo> segments(SegmentClass cls) const = 0;
  // Visits every good frame of a segment in order (footers too), until `visit` returns false. After
  // a restart, call it for every segment that is not sealed: the open one learns from it where to
  // go on (append() does it by itself otherwise). A bad frame followed by a good later one is a
  // hole; a bad tail is where writing stopped. kNotFound when evicted, kIo.
  virtual Result<ScanReport> scan(std::uint32_t segment, std::uint64_t generation,
                                  const std::function<bool(const Frame&)>& visit) = 0;

  // --- looking after it ---

  // Zero-fills a bit of what has never been written, ahead of the writers. True while there is more
  // to do. Errors are logged, and end the filling.
  virtual bool fill_step() = 0;

  struct ClassUse {
    std::uint64_t quota = 0;  // segments
    std::uint64_t used = 0;   // segments that hold data
    std::uint64_t bytes = 0;  // of the quota
    std::uint64_t bytes_used = 0;
    std::uint64_t bytes_appended = 0;  // since open()
  };
  virtual ClassUse use(SegmentClass cls) const = 0;
  virtual std::uint64_t bytes() const = 0;         // of all files
  virtual std::uint64_t bytes_filled() const = 0;  // written at least once
  virtual std::uint32_t segment_bytes() const = 0;
  // One line per header or segment that could not be used when the ring was opened.
  virtual std::vector<std::string> damage() const = 0;
};

}  // namespace nines::storage::ring
