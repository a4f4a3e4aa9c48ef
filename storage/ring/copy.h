#pragma once
// Copies what a ring holds, file by file, while a process may be writing to it: for `nines backup`.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "storage/ring/check.h"
#include "storage/ring/ring.h"

namespace nines::storage::ring {

struct CopiedFile {
  std::string name;  // "super", "seg-00042"
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;            // CRC32C of the whole file
  std::optional<SegmentClass> cls;  // this and the next: of segments
  std::uint64_t generation = 0;
};

struct RingCopy {
  std::string uuid;  // hexadecimal
  std::uint32_t segment_bytes = 0;
  std::uint32_t segments = 0;       // of the ring; those that hold nothing have no file
  std::uint64_t generation = 0;     // the highest one given so far
  std::vector<CopiedFile> files;    // in the order they were copied; the last is super
  std::vector<Damage> damage;       // found on the way, and copied as it is
};

// Called between the steps of a copy; may report, or end it with an error.
using CopyStep = std::function<Result<void>(const std::string& file)>;

// Called after so many bytes were copied; whoever wants a slow copy waits in it.
using CopyPace = std::function<void(std::uint64_t bytes)>;

// Copies the ring in `from` into the folder `to`, which must exist. Of each segment only what is in
// use is copied, so that the files are short; Ring::open() takes a folder of such files and gives
// them their size again. Nothing is written to `from` and no lock is taken: a running nines never
// waits for this.
//
// What it holds: everything that was appended and visible when the call began, and perhaps what
// came later. Journals go first, so that rows and lines that leave them meanwhile are found in
// pages and blocks, which follow, the oldest of each class first. A journal segment that is given
// back before it was copied is left out for the same reason. The copy remembers the highest
// generation given, because pages may name journal frames that are not in it.
//
// kUnavailable: the writer used a segment again before it was copied. kNotFound, kCorrupt: as
// check_ring(). kIo. What was written so far stays; the caller removes it.
Result<RingCopy> copy_ring(Fs& fs, const std::string& from, const std::string& to,
                           const CopyStep& step, const CopyPace& pace = {});

// The most a copy can take, bytes. Errors as check_ring().
Result<std::uint64_t> copy_bytes_max(Fs& fs, const std::string& from);

}  // namespace nines::storage::ring
