#pragma once
// The Ring over segment files.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/mutex.h"
#include "storage/ring/internal/layout.h"
#include "storage/ring/pieces.h"
#include "storage/ring/ring.h"

namespace nines::storage::ring {

struct Segment {
  std::unique_ptr<File> file;
  bool live = false;  // holds data of its class
  bool sealed = false;
  bool scanned = false;  // data_end and next_index are known
  bool dirty = false;    // appended to since the last sync
  SegmentClass cls = SegmentClass::kRaw;
  std::uint64_t generation = 0;  // of this life; 0: never used
  TimeBounds times{};
  std::uint32_t data_end = 0;
  std::uint32_t next_index = 0;
  std::uint32_t footer_offset = 0;
  std::uint32_t footer_length = 0;
};

struct RingParts {
  Super super;
  std::unique_ptr<File> super_file;
  std::vector<Segment> segments;
  std::vector<std::string> damage;
  std::vector<std::string> notes;  // for the log: what opening changed
};

class SegmentRing final : public Ring, public PieceReader {
 public:
  SegmentRing(const RingOptions& options, Log& log, RingParts parts);
  ~SegmentRing() override;

  Result<Location> append(SegmentClass cls, FrameHead head, std::span<const std::byte> payload,
                          TimeBounds times) override;
  std::uint64_t last_sequence(SegmentClass cls) const override;
  std::size_t room(SegmentClass cls) const override;
  std::size_t frame_max() const override;
  Result<void> sync(SegmentClass cls) override;
  Result<void> seal(SegmentClass cls, std::span<const std::byte> footer) override;
  std::optional<SegmentInfo> next_victim(SegmentClass cls) const override;
  Result<void> release(std::uint32_t segment, std::uint64_t generation) override;
  void note_times(std::uint32_t segment, std::uint64_t generation, TimeBounds times) override;
  void on_evict(SegmentClass cls, EvictListener listener) override;

  Result<OwnedFrame> read(const Location& location) const override;
  void will_read(std::span<const Location> piece) const override;
  void read_piece(std::span<const Location> piece, std::vector<std::byte>& room,
                  const std::function<void(const Frame&)>& visit) const override;
  std::vector<SegmentInfo> segments(SegmentClass cls) const override;
  Result<ScanReport> scan(std::uint32_t segment, std::uint64_t generation,
                          const std::function<bool(const Frame&)>& visit) override;

  bool fill_step() override;
  ClassUse use(SegmentClass cls) const override;
  std::uint64_t bytes() const override;
  std::uint64_t bytes_filled() const override;
  std::uint32_t segment_bytes() const override { return super_.segment_bytes; }
  std::vector<std::string> damage() const override { return damage_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct ClassState {
    std::uint32_t open = kNone;
    std::uint32_t quota = 0;
    std::uint64_t last_sequence = 0;
    std::uint64_t bytes_appended = 0;
    EvictListener listener;
    std::vector<std::byte> scratch;  // of the class's one appending thread
  };
  static std::size_t index(SegmentClass cls) { return static_cast<std::size_t>(cls); }

  void resume_open_segments();
  // Null: the segment lives another life now.
  const File* file_of(const Location& location) const;
  SegmentInfo info(std::uint32_t segment) const NINES_REQUIRES(mutex_);
  std::uint64_t used(SegmentClass cls) const NINES_REQUIRES(mutex_);
  std::uint32_t oldest(SegmentClass cls) const NINES_REQUIRES(mutex_);
  std::uint32_t free_segment() const NINES_REQUIRES(mutex_);
  // The segment to evict for `cls`, kNone when a free one may be taken.
  std::uint32_t victim(SegmentClass cls) const NINES_REQUIRES(mutex_);
  struct Taken {
    std::uint32_t segment = kNone;
    File* file = nullptr;
    HeaderBytes header{};  // to be written before anything else
  };
  Result<Taken> take_next(SegmentClass cls);
  Result<std::uint32_t> open_next(SegmentClass cls);
  Result<std::uint32_t> ensure_open(SegmentClass cls);
  void abandon(SegmentClass cls, std::uint32_t segment, const Error& why);
  Result<void> write_super();

  const RingOptions options_;
  Log& log_;
  std::unique_ptr<File> super_file_;
  const std::vector<std::string> damage_;

  mutable Mutex mutex_;
  Super super_;  // only segments_filled and sequence change, under mutex_
  std::vector<Segment> segments_ NINES_GUARDED_BY(mutex_);  // File objects live as long as the ring
  std::array<ClassState, kSegmentClasses> classes_ NINES_GUARDED_BY(mutex_);
  std::uint64_t next_generation_ NINES_GUARDED_BY(mutex_) = 1;

  Mutex fill_mutex_;  // held while a fill step writes; taken before mutex_
  std::uint32_t fill_offset_ NINES_GUARDED_BY(fill_mutex_) = 0;
};

// Reads or makes the files of a ring (ring.h: Ring::open).
Result<RingParts> open_files(const RingOptions& options, Fs& fs, const Clock& clock);

}  // namespace nines::storage::ring
