#pragma once
// Reads every byte of a ring's files and says what is damaged, without writing anything and without
// opening the ring: for `nines verify` and `nines storage list`.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "storage/ring/ring.h"

namespace nines::storage::ring {

// Looks into a frame whose checksum holds: the times of what it has, or why its content cannot be
// read. One is made per segment and sees the segment's good frames in order.
using FrameCheck = std::function<Result<TimeBounds>(const Frame&)>;
using MakeFrameCheck = std::function<FrameCheck(SegmentClass)>;

struct Damage {
  std::string file;          // "seg-00042", "super"
  std::uint64_t offset = 0;  // in the file, bytes
  std::optional<SegmentClass> cls;
  std::string what;
};

enum class SegmentState : std::uint8_t {
  kFree,      // holds nothing (never used, or given back)
  kOpen,      // the newest of its class: a start goes on with it
  kSealed,    // ends with an index
  kUnsealed,  // left without one, by a crash or a failed sync
};
std::string_view to_string(SegmentState state) noexcept;  // "free", "open", ...

struct CheckedSegment {
  std::uint32_t segment = 0;
  SegmentState state = SegmentState::kFree;
  SegmentClass cls = SegmentClass::kRaw;  // this and all below: not of free ones
  std::uint64_t generation = 0;
  std::uint64_t first_sequence = 0, last_sequence = 0;  // of good frames; 0: it has none
  std::uint64_t frames = 0;                             // good ones
  TimeBounds times{};
  std::uint64_t bytes_used = 0;  // headers included
  std::uint64_t damaged = 0;     // entries of RingCheck::damage that are its own
};

struct RingCheck {
  std::string uuid;  // hexadecimal
  std::uint32_t segment_bytes = 0;
  std::vector<CheckedSegment> segments;  // by number
  std::vector<Damage> damage;            // by place
  std::uint64_t frames = 0;              // looked at, damaged ones included
};

struct CheckOptions {
  // A process writes to the ring meanwhile: what it has not finished, or reuses, is no damage.
  bool live = false;
};

// kNotFound: there is no ring in `path`. kCorrupt: no superblock can be read. kInvalid: the ring is of
// another format. kIo.
Result<RingCheck> check_ring(Fs& fs, const std::string& path, const CheckOptions& options,
                             const MakeFrameCheck& make_check);

// One life of a segment that holds data.
struct SegmentLife {
  std::uint32_t segment = 0;
  std::uint64_t generation = 0;
  SegmentClass cls = SegmentClass::kRaw;
  bool operator==(const SegmentLife&) const = default;
};
// Which there are, by number: reads the headers alone. Errors as check_ring().
Result<std::vector<SegmentLife>> segment_lives(Fs& fs, const std::string& path);

// The size of the ring in `path`, as RingOptions would have to say it. Errors as check_ring().
struct RingSize {
  std::uint64_t bytes = 0;
  std::uint32_t segment_bytes = 0;
};
Result<RingSize> stored_ring_size(Fs& fs, const std::string& path);

}  // namespace nines::storage::ring
