#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "storage/ring/internal/layout.h"
#include "storage/ring/internal/segment_headers.h"
#include "storage/ring/internal/segment_ring.h"
#include "storage/ring/internal/shrink.h"

namespace nines::storage::ring {
namespace {

constexpr std::uint32_t kSegmentsMax = 16'384;  // each is an open file

std::string gib(std::uint64_t bytes) {
  if (bytes >= (1ULL << 30))
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1ULL << 30));
  return fmt::format("{} MiB", bytes >> 20);
}

// Unique enough to tell one ring's bytes from another's on recycled disk blocks: that is all it is
// for, so it needs no kernel randomness.
Uuid make_uuid(const RingOptions& options, const Clock& clock) {
  std::uint64_t state = static_cast<std::uint64_t>(clock.now_nanos().time_since_epoch().count());
  state ^= static_cast<std::uint64_t>(clock.elapsed().time_since_epoch().count()) << 20;
  for (const char c : options.path)
    state = state * 1'099'511'628'211ULL + static_cast<unsigned char>(c);
  Uuid uuid;
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    std::memcpy(uuid.data() + 8 * half, &z, 8);
  }
  return uuid;
}

class Opener {
 public:
  Opener(const RingOptions& options, Fs& fs, const Clock& clock)
      : options_(options), fs_(fs), clock_(clock) {}

  Result<RingParts> run() {
    RingParts parts;
    const std::string super_path = options_.path + "/super";
    auto existing = fs_.open(super_path, OpenMode::kReadWrite);
    if (!existing && existing.error().code() != ErrorCode::kNotFound) {
      return std::move(existing).error();
    }
    std::optional<Super> super;
    if (existing) {
      parts.super_file = *std::move(existing);
      NINES_TRY(super, read_super(*parts.super_file));
    }
    if (super) {
      parts.super = *super;
      NINES_TRY(parts.super.segments, wanted_segments(*super));
    } else {
      if (holds_segments()) {
        return Error(
            ErrorCode::kCorrupt,
            fmt::format("both superblocks in {} are damaged or gone, while segments hold data; "
                        "move the folder away to start anew",
                        super_path));
      }
      parts.super = Super{.uuid = make_uuid(options_, clock_),
                          .sequence = 0,
                          .segment_bytes = options_.segment_bytes,
                          .segments = static_cast<std::uint32_t>((options_.bytes - kSuperBytes) /
                                                                 options_.segment_bytes),
                          .segments_filled = 0};
    }
    // Before any file is looked at: a budget may be written with far too many zeros.
    NINES_TRY(const DiskSpace space, fs_.space(options_.path));
    if (const std::uint64_t needed =
            std::uint64_t{parts.super.segments} * parts.super.segment_bytes;
        needed > space.total)
      return too_small(needed, space.free);
    if (parts.super.segments > kSegmentsMax) {
      return Error(ErrorCode::kInvalid,
                   fmt::format("{} in segments of {} KiB are {} files, more than {}; {}",
                               gib(options_.bytes), parts.super.segment_bytes >> 10,
                               parts.super.segments, kSegmentsMax,
                               super ? "set a smaller budget, or start with another folder, which "
                                       "gets larger segments"
                                     : "set larger segments"));
    }
    if (super) {
      if (auto resized = resize(*super, parts); !resized) return std::move(resized).error();
    }
    if (auto made = open_segments(parts); !made) return std::move(made).error();
    if (!super || super->segments != parts.super.segments) {
      if (auto wrote = write_first_super(parts, super_path); !wrote)
        return std::move(wrote).error();
    }
    for (std::uint32_t i = 0; i < parts.super.segments; ++i) {
      if (auto read = read_segment_headers(parts.super.uuid, segment_name(i), parts.segments[i],
                                           parts.damage);
          !read)
        return std::move(read).error();
    }
    return parts;
  }

 private:
  Result<std::optional<Super>> read_super(const File& file) {
    std::optional<Super> best;
    for (std::uint64_t slot = 0; slot < 2; ++slot) {
      HeaderBytes bytes{};
      NINES_TRY(const std::size_t got, file.pread(slot * kPage, bytes));
      const auto version = version_of_super(std::span(bytes).first(got));
      if (version && *version != kRingVersion) {
        return Error(ErrorCode::kInvalid,
                     fmt::format("{} holds a ring of format {}, and this nines reads and writes "
                                 "format {}: start it with another folder, or move this one away",
                                 options_.path, *version, kRingVersion));
      }
      const auto super = decode_super(std::span(bytes).first(got));
      if (super && (!best || super->sequence > best->sequence)) best = super;
    }
    return best;
  }

  bool holds_segments() {
    for (std::uint32_t i = 0;; ++i) {
      auto file = fs_.open(segment_path(i), OpenMode::kRead);
      if (!file) return false;
      for (std::uint64_t page = 0; page < 2; ++page) {
        HeaderBytes bytes{};
        const auto got = (*file)->pread(page * kPage, bytes);
        if (got && decode_header(std::span(bytes).first(*got))) return true;
      }
    }
  }

  Result<std::uint32_t> wanted_segments(const Super& super) {
    const auto wanted =
        static_cast<std::uint32_t>((options_.bytes - kSuperBytes) / super.segment_bytes);
    const std::uint32_t least = segments_min(options_.parts);
    if (wanted >= least) return wanted;
    return Error(
        ErrorCode::kInvalid,
        fmt::format("{} holds a ring of {} in segments of {} KiB and cannot become smaller "
                    "than {} segments, {}; set a larger budget, or start with another "
                    "folder",
                    options_.path, gib(std::uint64_t{super.segments} * super.segment_bytes),
                    super.segment_bytes >> 10, least,
                    gib(std::uint64_t{least} * super.segment_bytes)));
  }

  // A smaller ring loses its files before the superblock says so, a larger one has them before.
  Result<void> resize(const Super& super, RingParts& parts) {
    const std::uint32_t wanted = parts.super.segments;
    if (wanted < super.segments) {
      NINES_TRY(std::string note, shrink_files(fs_, options_.path, super, options_.parts, wanted));
      parts.notes.push_back(std::move(note));
    } else if (wanted > super.segments) {
      parts.notes.push_back(
          fmt::format("the budget is larger: from {} to {} segments of {} KiB, as they are in {}",
                      super.segments, wanted, super.segment_bytes >> 10, options_.path));
    }
    parts.super.segments_filled = std::min(super.segments_filled, wanted);
    return {};
  }

  std::string segment_path(std::uint32_t i) const { return options_.path + "/" + segment_name(i); }

  // Opens every segment file at its full size. When the disk is too small, what this call made is
  // removed again.
  Result<void> open_segments(RingParts& parts) {
    const std::uint32_t size = parts.super.segment_bytes;
    std::vector<std::uint32_t> missing;
    for (std::uint32_t i = 0; i < parts.super.segments; ++i) {
      const auto info = fs_.info(segment_path(i));
      if (!info || info->size != size) missing.push_back(i);
    }
    NINES_TRY(const DiskSpace space, fs_.space(options_.path));
    const std::uint64_t beside = parts.super.sequence == 0 ? options_.bytes_beside : 0;
    const std::uint64_t needed = std::uint64_t{size} * missing.size() + beside;
    if (space.free < needed) return too_small(needed, space.free);
    std::vector<std::string> made;
    for (const std::uint32_t i : missing) {
      if (!fs_.info(segment_path(i))) made.push_back(segment_path(i));
      NINES_TRY(const auto file, fs_.open(segment_path(i), OpenMode::kCreate));
      auto allocated = file->allocate(size);
      if (allocated) continue;
      for (const std::string& path : made) {
        if (auto removed = fs_.remove(path); !removed) break;  // the refusal below says enough
      }
      if (allocated.error().code() != ErrorCode::kLimit) return std::move(allocated).error();
      return too_small(needed, space.free);
    }
    for (std::uint32_t i = 0; i < parts.super.segments; ++i) {
      NINES_TRY(auto file, fs_.open(segment_path(i), OpenMode::kReadWrite));
      parts.segments.emplace_back().file = std::move(file);
    }
    return {};
  }

  Error too_small(std::uint64_t needed, std::uint64_t free) const {
    return Error(
        ErrorCode::kLimit,
        fmt::format("the budget does not fit on the disk: {} needs {} more and {} are free; "
                    "set a budget of at most {} MiB, or free space",
                    options_.path, gib(needed), gib(free), (free - free / 10) >> 20));
  }

  // The files' own metadata reach the disk with these two syncs; a crash before leaves no valid
  // superblock, and the next start begins again.
  Result<void> write_first_super(RingParts& parts, const std::string& super_path) {
    if (!parts.super_file) {
      NINES_TRY(parts.super_file, fs_.open(super_path, OpenMode::kCreate));
      if (auto sized = parts.super_file->allocate(kSuperBytes); !sized) return sized;
    }
    ++parts.super.sequence;
    const HeaderBytes bytes = encode_super(parts.super);
    if (auto wrote = parts.super_file->pwrite(parts.super.sequence % 2 * kPage, bytes); !wrote) {
      return wrote;
    }
    if (auto synced = parts.super_file->sync(); !synced) return synced;
    return fs_.sync_dir(options_.path);
  }

  const RingOptions& options_;
  Fs& fs_;
  const Clock& clock_;
};

}  // namespace

Result<RingParts> open_files(const RingOptions& options, Fs& fs, const Clock& clock) {
  return Opener(options, fs, clock).run();
}

}  // namespace nines::storage::ring
