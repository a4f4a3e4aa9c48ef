#include "storage/ring/internal/scanner.h"

#include <algorithm>

namespace nines::storage::ring {
namespace {
constexpr std::size_t kWindowBytes = 1u << 20;
}

SegmentScanner::SegmentScanner(const File& file, std::uint32_t segment, std::uint64_t generation,
                               std::uint32_t segment_bytes, std::uint32_t seed)
    : file_(file), segment_(segment), generation_(generation), end_(segment_bytes), seed_(seed) {}

Result<std::span<const std::byte>> SegmentScanner::view(std::uint64_t at, std::size_t length) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, end_ - at));
  if (at < window_at_ || at + wanted > window_at_ + window_length_) {
    const auto take = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(kWindowBytes, wanted), end_ - at));
    if (window_.size() < take) window_.resize(take);
    NINES_TRY(window_length_, file_.pread(at, std::span(window_).first(take)));
    window_at_ = at;
  }
  const auto begin = static_cast<std::size_t>(at - window_at_);
  return std::span<const std::byte>(window_).subspan(begin,
                                                     std::min(wanted, window_length_ - begin));
}

bool SegmentScanner::plausible(const FrameHeader& header, std::uint64_t at) const {
  const auto index = static_cast<std::uint32_t>(header.sequence);
  return header.sequence >> 32 == generation_ && index >= next_index_ &&
         index <= at / kFrameHeaderBytes && at + kFrameHeaderBytes + header.length <= end_;
}

Result<std::span<const std::byte>> SegmentScanner::good_frame(std::uint64_t at) {
  const std::span<const std::byte> nothing;
  if (at + kFrameHeaderBytes > end_) return nothing;
  NINES_TRY(const auto head, view(at, kFrameHeaderBytes));
  if (head.size() < kFrameHeaderBytes) return nothing;
  const FrameHeader header = decode_frame_header(head.data());
  if (!plausible(header, at)) return nothing;
  NINES_TRY(const auto whole, view(at, kFrameHeaderBytes + header.length));
  return frame_is_intact(seed_, whole) ? whole : nothing;
}

Result<std::uint64_t> SegmentScanner::find_next(std::uint64_t at) {
  for (std::uint64_t place = at + kFrameAlign; place + kFrameHeaderBytes <= end_;
       place += kFrameAlign) {
    NINES_TRY(const auto frame, good_frame(place));
    if (!frame.empty()) return place;
  }
  return std::uint64_t{0};
}

Result<ScanReport> SegmentScanner::run(const std::function<bool(const Frame&)>& visit) {
  ScanReport report;
  std::uint64_t at = kDataBegin;
  report.data_end = kDataBegin;
  bool wanted = true;
  while (true) {
    NINES_TRY(auto bytes, good_frame(at));
    if (bytes.empty()) {
      NINES_TRY(const std::uint64_t next, find_next(at));
      if (next == 0) break;
      ++report.holes;
      holes_.push_back(static_cast<std::uint32_t>(at));
      at = next;
      continue;
    }
    const FrameHeader header = decode_frame_header(bytes.data());
    next_index_ = static_cast<std::uint32_t>(header.sequence) + 1;
    ++report.frames;
    if (wanted) {
      Frame frame{.head = header.head,
                  .sequence = header.sequence,
                  .location = {.segment = segment_,
                               .offset = static_cast<std::uint32_t>(at),
                               .generation = generation_,
                               .length = header.length},
                  .payload = bytes.subspan(kFrameHeaderBytes)};
      wanted = visit(frame);
    }
    at += frame_extent(header.length);
    report.data_end = static_cast<std::uint32_t>(std::min<std::uint64_t>(at, end_));
  }
  return report;
}

}  // namespace nines::storage::ring
