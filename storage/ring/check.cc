#include "storage/ring/check.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "storage/ring/internal/layout.h"
#include "storage/ring/internal/read_super.h"
#include "storage/ring/internal/scanner.h"
#include "storage/ring/internal/segment_headers.h"

namespace nines::storage::ring {
namespace {

bool blank(const HeaderBytes& bytes) {
  return bytes == HeaderBytes{};
}

// One segment's headers and frames.
class SegmentCheck {
 public:
  SegmentCheck(Fs& fs, std::string path, const Super& super, const CheckOptions& options)
      : fs_(fs), path_(std::move(path)), super_(super), options_(options) {}

  Result<CheckedSegment> run(std::uint32_t i, const MakeFrameCheck& make_check, RingCheck& out) {
    CheckedSegment segment;
    segment.segment = i;
    found_.clear();
    auto file = fs_.open(path_ + "/" + segment_name(i), OpenMode::kRead);
    if (!file) {
      if (file.error().code() != ErrorCode::kNotFound) return std::move(file).error();
      add(i, 0, std::nullopt, "the file is missing");
      return finish(segment, out);
    }
    NINES_TRY(const Headers headers, read_headers(**file, i));
    if (headers.live) {
      if (auto read = read_frames(**file, *headers.live, headers.sealed, make_check, segment);
          !read) {
        return std::move(read).error();
      }
      if (options_.live && !found_.empty()) {
        // What was reused meanwhile is no damage, and no longer what was asked about.
        NINES_TRY(const Headers now, read_headers(**file, i));
        if (!now.live || now.live->generation != headers.live->generation) {
          found_.clear();
          segment = CheckedSegment{};
          segment.segment = i;
        }
      }
    }
    return finish(segment, out);
  }

 private:
  struct Headers {
    std::optional<SegmentHeader> live;  // none: the segment holds nothing
    std::optional<SegmentHeader> sealed;
  };

  void add(std::uint32_t i, std::uint64_t offset, std::optional<SegmentClass> cls,
           std::string what) {
    found_.push_back({segment_name(i), offset, cls, std::move(what)});
  }

  CheckedSegment finish(CheckedSegment segment, RingCheck& out) {
    segment.damaged = found_.size();
    out.frames += segment.frames;
    for (Damage& damage : found_) {
      if (damage.offset >= kDataBegin) ++out.frames;
      out.damage.push_back(std::move(damage));
    }
    return segment;
  }

  Result<Headers> read_headers(const File& file, std::uint32_t i) {
    std::array<HeaderBytes, 2> pages{};
    std::array<std::optional<SegmentHeader>, 2> found;
    for (std::size_t page = 0; page < 2; ++page) {
      NINES_TRY(const std::size_t got, file.pread(page * kPage, pages[page]));
      found[page] = decode_header(std::span(pages[page]).first(got));
      // Of another ring: bytes of an earlier use of the disk.
      if (found[page] && found[page]->uuid != super_.uuid) {
        found[page].reset();
        pages[page] = {};
      }
    }
    Headers out;
    const std::optional<SegmentHeader>& first = found[0] ? found[0] : found[1];
    if (first && first->state != HeaderState::kReleased) out.live = first;
    if (found[1] && first && found[1]->generation == first->generation) out.sealed = found[1];
    const auto cls = first ? std::optional<SegmentClass>(first->cls) : std::nullopt;
    if (!found[0] && !blank(pages[0])) add(i, 0, cls, "the segment's header is damaged");
    if (!found[1] && !blank(pages[1])) add(i, kPage, cls, "the header of its index is damaged");
    return out;
  }

  Result<void> read_frames(const File& file, const SegmentHeader& header,
                           const std::optional<SegmentHeader>& sealed,
                           const MakeFrameCheck& make_check, CheckedSegment& segment) {
    segment.state = sealed ? SegmentState::kSealed : SegmentState::kUnsealed;
    segment.cls = header.cls;
    segment.generation = header.generation;
    if (sealed) segment.times = sealed->times;
    NINES_TRY(const FileInfo info, file.info());
    const auto end =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(info.size, super_.segment_bytes));
    const std::uint32_t seed = frame_seed(super_.uuid, header.generation);
    SegmentScanner scanner(file, segment.segment, header.generation, end, seed);
    const FrameCheck check = make_check ? make_check(header.cls) : FrameCheck();
    NINES_TRY(const ScanReport report, scanner.run([&](const Frame& frame) {
      if (segment.frames++ == 0) segment.first_sequence = frame.sequence;
      segment.last_sequence = frame.sequence;
      if (!check || frame.head.type == kFooterFrame) return true;
      if (const Result<TimeBounds> times = check(frame)) {
        segment.times.include(*times);
      } else {
        --segment.frames;
        add(segment.segment, frame.location.offset, header.cls, times.error().what());
      }
      return true;
    }));
    segment.bytes_used = report.data_end;
    for (const std::uint32_t hole : scanner.holes())
      add(segment.segment, hole, header.cls, "a frame is damaged");
    return look_behind(file, header, sealed, report, scanner.next_index(), segment);
  }

  // A damaged last frame has no good one behind it to prove it.
  Result<void> look_behind(const File& file, const SegmentHeader& header,
                           const std::optional<SegmentHeader>& sealed, const ScanReport& report,
                           std::uint32_t next_index, CheckedSegment& segment) {
    if (sealed) {
      if (report.data_end < sealed->data_end)
        add(segment.segment, report.data_end, header.cls,
            "the index or a frame before it is damaged");
      segment.bytes_used = sealed->data_end;
      return {};
    }
    if (options_.live) return {};
    std::array<std::byte, kFrameHeaderBytes> bytes{};
    NINES_TRY(const std::size_t got, file.pread(report.data_end, bytes));
    if (got < bytes.size()) return {};
    const FrameHeader next = decode_frame_header(bytes.data());
    if (next.sequence == (header.generation << 32 | next_index)) {
      add(segment.segment, report.data_end, header.cls,
          "the last frame is damaged, or was cut off by a power failure");
    }
    return {};
  }

  Fs& fs_;
  const std::string path_;
  const Super& super_;
  const CheckOptions& options_;
  std::vector<Damage> found_;
};

// The newest segment of each class is the one a start goes on with, unless it is sealed.
void mark_open(std::vector<CheckedSegment>& segments) {
  std::array<CheckedSegment*, kSegmentClasses> newest{};
  for (CheckedSegment& segment : segments) {
    if (segment.state == SegmentState::kFree) continue;
    CheckedSegment*& best = newest[static_cast<std::size_t>(segment.cls)];
    if (!best || best->generation < segment.generation) best = &segment;
  }
  for (CheckedSegment* segment : newest) {
    if (segment && segment->state == SegmentState::kUnsealed) segment->state = SegmentState::kOpen;
  }
}

}  // namespace

std::string_view to_string(SegmentState state) noexcept {
  switch (state) {
    case SegmentState::kFree:
      return "free";
    case SegmentState::kOpen:
      return "open";
    case SegmentState::kSealed:
      return "sealed";
    case SegmentState::kUnsealed:
      return "unsealed";
  }
  return "unknown";
}

Result<RingCheck> check_ring(Fs& fs, const std::string& path, const CheckOptions& options,
                             const MakeFrameCheck& make_check) {
  RingCheck out;
  NINES_TRY(const Super super, read_super(fs, path, &out.damage));
  for (const std::uint8_t byte : super.uuid) out.uuid += fmt::format("{:02x}", byte);
  out.segment_bytes = super.segment_bytes;
  SegmentCheck check(fs, path, super, options);
  for (std::uint32_t i = 0; i < super.segments; ++i) {
    NINES_TRY(CheckedSegment segment, check.run(i, make_check, out));
    out.segments.push_back(segment);
  }
  mark_open(out.segments);
  return out;
}

Result<std::vector<SegmentLife>> segment_lives(Fs& fs, const std::string& path) {
  NINES_TRY(const Super super, read_super(fs, path, nullptr));
  std::vector<SegmentLife> out;
  for (std::uint32_t i = 0; i < super.segments; ++i) {
    auto file = fs.open(path + "/" + segment_name(i), OpenMode::kRead);
    if (!file && file.error().code() == ErrorCode::kNotFound) continue;
    if (!file) return std::move(file).error();
    Segment segment;
    segment.file = *std::move(file);
    std::vector<std::string> ignored;
    if (auto read = read_segment_headers(super.uuid, segment_name(i), segment, ignored); !read)
      return std::move(read).error();
    if (segment.live) out.push_back({i, segment.generation, segment.cls});
  }
  return out;
}

Result<RingSize> stored_ring_size(Fs& fs, const std::string& path) {
  NINES_TRY(const Super super, read_super(fs, path, nullptr));
  return RingSize{kSuperBytes + std::uint64_t{super.segments} * super.segment_bytes,
                  super.segment_bytes};
}

}  // namespace nines::storage::ring
