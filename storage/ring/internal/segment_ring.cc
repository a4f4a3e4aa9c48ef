#include "storage/ring/internal/segment_ring.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <fmt/format.h>

#include "base/fs/read_soon.h"
#include "storage/ring/internal/quotas.h"
#include "storage/ring/internal/scanner.h"

namespace nines::storage::ring {
namespace {

SegmentClass class_at(std::size_t i) {
  return static_cast<SegmentClass>(i);
}

}  // namespace

SegmentRing::SegmentRing(const RingOptions& options, Log& log, RingParts parts)
    : options_(options),
      log_(log),
      super_file_(std::move(parts.super_file)),
      damage_(std::move(parts.damage)),
      super_(parts.super),
      segments_(std::move(parts.segments)) {
  {
    const MutexLock lock(mutex_);
    const Quotas quotas = share_out(options.parts, super_.segments);
    for (std::size_t i = 0; i < kSegmentClasses; ++i) classes_[i].quota = quotas[i];
  }
  resume_open_segments();
}

SegmentRing::~SegmentRing() {
  try {
    if (auto wrote = write_super(); !wrote) log_.warn("ring", "{}", wrote.error().what());
  } catch (const std::bad_alloc&) {  // as if the process had been killed: a start copes with that
  }
}

// The newest segment of each class goes on where it stopped, unless it was sealed.
void SegmentRing::resume_open_segments() {
  const MutexLock lock(mutex_);
  next_generation_ = super_.generations_given + 1;
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    next_generation_ = std::max(next_generation_, segment.generation + 1);
    if (!segment.live) continue;
    std::uint32_t& open = classes_[index(segment.cls)].open;
    if (open == kNone || segments_[open].generation < segment.generation) open = i;
  }
  for (ClassState& cls : classes_) {
    if (cls.open == kNone) continue;
    // Enough for last_sequence() to be ascending; scan() of the open segment makes it exact.
    cls.last_sequence = (segments_[cls.open].generation << 32) | UINT32_MAX;
    if (segments_[cls.open].sealed) cls.open = kNone;
  }
}

SegmentInfo SegmentRing::info(std::uint32_t i) const {
  const Segment& segment = segments_[i];
  return {.segment = i,
          .generation = segment.generation,
          .cls = segment.cls,
          .sealed = segment.sealed,
          .open = classes_[index(segment.cls)].open == i,
          .times = segment.times,
          .data_end = segment.data_end,
          .footer = {.segment = i,
                     .offset = segment.footer_offset,
                     .generation = segment.generation,
                     .length = segment.footer_length}};
}

std::uint64_t SegmentRing::used(SegmentClass cls) const {
  return static_cast<std::uint64_t>(
      std::count_if(segments_.begin(), segments_.end(),
                    [&](const Segment& s) { return s.live && s.cls == cls; }));
}

std::uint32_t SegmentRing::oldest(SegmentClass cls) const {
  std::uint32_t best = kNone;
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    if (!segments_[i].live || segments_[i].cls != cls || classes_[index(cls)].open == i) continue;
    if (best == kNone || segments_[i].generation < segments_[best].generation) best = i;
  }
  return best;
}

// The free segment whose last life is longest ago, so that wear is even and what has been
// zero-filled first is used first.
std::uint32_t SegmentRing::free_segment() const {
  std::uint32_t best = kNone;
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].live) continue;
    if (best == kNone || segments_[i].generation < segments_[best].generation) best = i;
  }
  return best;
}

std::uint32_t SegmentRing::victim(SegmentClass cls) const {
  if (used(cls) >= classes_[index(cls)].quota) return oldest(cls);
  if (free_segment() != kNone) return kNone;
  // No free one though this class is short: quotas have changed, so another class has too many. A
  // journal above its share is let be: its rows are nowhere else, and it gives segments back.
  std::uint32_t best = kNone;
  std::uint64_t most_over = 0;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    const std::uint64_t has = used(class_at(i));
    if (is_journal(class_at(i)) || has <= classes_[i].quota) continue;
    if (has - classes_[i].quota <= most_over) continue;
    if (const std::uint32_t candidate = oldest(class_at(i)); candidate != kNone) {
      most_over = has - classes_[i].quota;
      best = candidate;
    }
  }
  if (best != kNone) return best;
  if (const std::uint32_t own = oldest(cls); own != kNone) return own;
  // It has none to give: whoever has most, a journal last of all.
  std::uint64_t most = 0;
  for (const bool journals : {false, true}) {
    for (std::size_t i = 0; i < kSegmentClasses; ++i) {
      if (is_journal(class_at(i)) != journals || used(class_at(i)) <= most) continue;
      if (const std::uint32_t candidate = oldest(class_at(i)); candidate != kNone) {
        most = used(class_at(i));
        best = candidate;
      }
    }
    if (best != kNone) return best;
  }
  return kNone;
}

std::optional<SegmentInfo> SegmentRing::next_victim(SegmentClass cls) const {
  const MutexLock lock(mutex_);
  const std::uint32_t i = victim(cls);
  if (i == kNone) return std::nullopt;
  return info(i);
}

// The owner of what must go is told first, without a lock. Meanwhile another class that is short
// may have taken it, or what the owner wrote to keep what is leaving: then the next one is asked
// for.
Result<SegmentRing::Taken> SegmentRing::take_next(SegmentClass cls) {
  for (;;) {
    EvictListener listener;
    SegmentInfo evicted;
    std::uint32_t chosen = kNone;
    {
      const MutexLock lock(mutex_);
      chosen = victim(cls);
      if (chosen != kNone) {
        evicted = info(chosen);
        listener = classes_[index(evicted.cls)].listener;
      }
    }
    if (listener) listener(evicted);
    const MutexLock fill(fill_mutex_);  // a step may be writing zeros into the segment chosen below
    const MutexLock lock(mutex_);
    if (chosen == kNone) chosen = free_segment();
    if (chosen == kNone) {
      if (victim(cls) != kNone) continue;
      return Error(ErrorCode::kLimit, fmt::format("no segment left for {}", to_string(cls)));
    }
    Segment& segment = segments_[chosen];
    if (segment.live && segment.generation != evicted.generation) continue;
    segment.live = true;
    segment.sealed = false;
    segment.scanned = true;
    segment.dirty = false;
    segment.cls = cls;
    segment.generation = next_generation_++;
    segment.times = {};
    segment.data_end = kDataBegin;
    segment.next_index = 0;
    segment.footer_offset = segment.footer_length = 0;
    classes_[index(cls)].open = chosen;  // from now on: what is open is not evicted
    return Taken{chosen, segment.file.get(),
                 encode_header({.state = HeaderState::kOpen,
                                .cls = cls,
                                .uuid = super_.uuid,
                                .generation = segment.generation})};
  }
}

Result<std::uint32_t> SegmentRing::open_next(SegmentClass cls) {
  NINES_TRY(const Taken taken, take_next(cls));
  // The new life must be on disk before its first frame: otherwise a power cut could leave the old
  // life's header above the new life's frames.
  auto wrote = taken.file->pwrite(0, taken.header);
  if (wrote) wrote = taken.file->sync();
  if (wrote) return taken.segment;
  const MutexLock lock(mutex_);
  segments_[taken.segment].live = false;
  classes_[index(cls)].open = kNone;
  return std::move(wrote).error().in(segment_name(taken.segment));
}

Result<std::uint32_t> SegmentRing::ensure_open(SegmentClass cls) {
  std::uint32_t open = kNone;
  std::uint64_t generation = 0;
  {
    const MutexLock lock(mutex_);
    open = classes_[index(cls)].open;
    if (open != kNone && segments_[open].scanned) return open;
    if (open != kNone) generation = segments_[open].generation;
  }
  if (open == kNone) return open_next(cls);
  NINES_TRY(const ScanReport report, scan(open, generation, [](const Frame&) { return false; }));
  static_cast<void>(report);
  {
    const MutexLock lock(mutex_);
    if (classes_[index(cls)].open == open) return open;
  }
  return open_next(cls);  // the scan found damage in it
}

void SegmentRing::abandon(SegmentClass cls, std::uint32_t segment, const Error& why) {
  log_.error("ring", "{} is abandoned: {}", segment_name(segment), why.what());
  const MutexLock lock(mutex_);
  if (classes_[index(cls)].open == segment) classes_[index(cls)].open = kNone;
}

Result<Location> SegmentRing::append(SegmentClass cls, FrameHead head,
                                     std::span<const std::byte> payload, TimeBounds times) {
  if (payload.size() > frame_max()) {
    return Error(ErrorCode::kLimit,
                 fmt::format("a frame of {} bytes is larger than a segment takes ({})",
                             payload.size(), frame_max()));
  }
  NINES_TRY(const std::uint32_t open, ensure_open(cls));
  File* file = nullptr;
  std::vector<std::byte>* scratch = nullptr;
  Location location;
  std::uint64_t sequence = 0;
  {
    const MutexLock lock(mutex_);
    Segment& segment = segments_[open];
    if (segment.data_end + frame_extent(payload.size()) > super_.segment_bytes) {
      return Error(ErrorCode::kLimit, fmt::format("{} is full", segment_name(open)));
    }
    file = segment.file.get();
    scratch = &classes_[index(cls)].scratch;
    location = {.segment = open,
                .offset = segment.data_end,
                .generation = segment.generation,
                .length = static_cast<std::uint32_t>(payload.size())};
    sequence = segment.generation << 32 | segment.next_index;
    segment.dirty = true;  // before the write: a sync that starts now must not miss it
  }
  scratch->resize(frame_extent(payload.size()));
  encode_frame_header(frame_seed(super_.uuid, location.generation), head, sequence, payload,
                      scratch->data());
  if (!payload.empty()) {
    std::memcpy(scratch->data() + kFrameHeaderBytes, payload.data(), payload.size());
  }
  std::fill(scratch->begin() + static_cast<std::ptrdiff_t>(kFrameHeaderBytes + payload.size()),
            scratch->end(), std::byte{0});
  if (auto wrote = file->pwrite(location.offset, *scratch); !wrote) {
    abandon(cls, open, wrote.error());
    return std::move(wrote).error();
  }
  const MutexLock lock(mutex_);
  Segment& segment = segments_[open];
  segment.data_end += static_cast<std::uint32_t>(scratch->size());
  ++segment.next_index;
  segment.times.include(times);
  ClassState& state = classes_[index(cls)];
  state.last_sequence = sequence;
  state.bytes_appended += scratch->size();
  return location;
}

std::uint64_t SegmentRing::last_sequence(SegmentClass cls) const {
  const MutexLock lock(mutex_);
  return classes_[index(cls)].last_sequence;
}

std::size_t SegmentRing::frame_max() const {
  return super_.segment_bytes - kDataBegin - kFrameHeaderBytes;
}

std::size_t SegmentRing::room(SegmentClass cls) const {
  const MutexLock lock(mutex_);
  const std::uint32_t open = classes_[index(cls)].open;
  if (open == kNone) return frame_max();
  // Not scanned yet: nobody knows how much is left.
  const std::uint32_t end =
      segments_[open].scanned ? segments_[open].data_end : super_.segment_bytes;
  const std::uint32_t left = super_.segment_bytes - end;
  return left < kFrameHeaderBytes ? 0 : left - kFrameHeaderBytes;
}

Result<void> SegmentRing::sync(SegmentClass cls) {
  std::uint32_t open = kNone;
  File* file = nullptr;
  {
    const MutexLock lock(mutex_);
    open = classes_[index(cls)].open;
    if (open == kNone || !segments_[open].dirty) return {};
    segments_[open].dirty = false;
    file = segments_[open].file.get();
  }
  auto synced = file->sync();
  // After a failure the kernel may have dropped the pages and forgotten: never ask this file again.
  if (!synced) abandon(cls, open, synced.error());
  return synced;
}

Result<void> SegmentRing::seal(SegmentClass cls, std::span<const std::byte> footer) {
  {
    const MutexLock lock(mutex_);
    if (classes_[index(cls)].open == kNone) return {};
  }
  auto appended = append(cls, {.type = kFooterFrame}, footer, {});
  if (!appended && appended.error().code() == ErrorCode::kLimit) {
    // No room for it: the segment ends without one, as after a crash, and is scanned at a start.
    if (auto synced = sync(cls); !synced) return synced;
    const MutexLock lock(mutex_);
    classes_[index(cls)].open = kNone;
    return {};
  }
  if (!appended) return std::move(appended).error();
  const Location at = *appended;
  if (auto synced = sync(cls); !synced) return synced;
  HeaderBytes header{};
  File* file = nullptr;
  {
    const MutexLock lock(mutex_);
    Segment& segment = segments_[at.segment];
    segment.footer_offset = at.offset;
    segment.footer_length = at.length;
    file = segment.file.get();
    header = encode_header({.state = HeaderState::kSealed,
                            .cls = cls,
                            .uuid = super_.uuid,
                            .generation = segment.generation,
                            .times = segment.times,
                            .data_end = segment.data_end,
                            .footer_offset = at.offset,
                            .footer_length = at.length});
  }
  auto wrote = file->pwrite(kPage, header);
  if (wrote) wrote = file->sync();
  if (!wrote) {
    abandon(cls, at.segment, wrote.error());
    return wrote;
  }
  const MutexLock lock(mutex_);
  segments_[at.segment].sealed = true;
  classes_[index(cls)].open = kNone;
  return {};
}

Result<void> SegmentRing::release(std::uint32_t i, std::uint64_t generation) {
  HeaderBytes header{};
  File* file = nullptr;
  {
    const MutexLock lock(mutex_);
    if (i >= segments_.size() || segments_[i].generation != generation || !segments_[i].live)
      return {};
    if (classes_[index(segments_[i].cls)].open == i) {
      return Error(ErrorCode::kInvalid, segment_name(i) + " is open and cannot be released");
    }
    segments_[i].live = false;
    file = segments_[i].file.get();
    header = encode_header({.state = HeaderState::kReleased,
                            .cls = segments_[i].cls,
                            .uuid = super_.uuid,
                            .generation = generation});
  }
  // Not synced: if a power cut forgets it, its rows are read again and found to be in pages
  // already.
  return file->pwrite(0, header);
}

void SegmentRing::note_times(std::uint32_t i, std::uint64_t generation, TimeBounds times) {
  const MutexLock lock(mutex_);
  if (i < segments_.size() && segments_[i].generation == generation)
    segments_[i].times.include(times);
}

void SegmentRing::on_evict(SegmentClass cls, EvictListener listener) {
  const MutexLock lock(mutex_);
  classes_[index(cls)].listener = std::move(listener);
}

Result<OwnedFrame> SegmentRing::read(const Location& location) const {
  const auto evicted = [&] {
    return Error(ErrorCode::kNotFound, segment_name(location.segment) + " was evicted");
  };
  const File* const file = file_of(location);
  if (file == nullptr) return evicted();
  std::vector<std::byte> bytes(kFrameHeaderBytes + location.length);
  NINES_TRY(const std::size_t got, file->pread(location.offset, bytes));
  if (got != bytes.size() ||
      !frame_is_intact(frame_seed(super_.uuid, location.generation), bytes)) {
    const MutexLock lock(mutex_);
    if (segments_[location.segment].generation != location.generation) return evicted();
    return Error(ErrorCode::kCorrupt, fmt::format("{} at {}: the checksum does not fit",
                                                  segment_name(location.segment), location.offset));
  }
  const FrameHeader header = decode_frame_header(bytes.data());
  OwnedFrame frame{.head = header.head, .sequence = header.sequence, .payload = {}};
  bytes.erase(bytes.begin(), bytes.begin() + kFrameHeaderBytes);
  frame.payload = std::move(bytes);
  return frame;
}

const File* SegmentRing::file_of(const Location& location) const {
  const MutexLock lock(mutex_);
  if (location.segment >= segments_.size() ||
      segments_[location.segment].generation != location.generation) {
    return nullptr;
  }
  return segments_[location.segment].file.get();
}

void SegmentRing::will_read(std::span<const Location> piece) const {
  const std::uint32_t begin = piece.front().offset;
  const std::size_t end = piece.back().offset + kFrameHeaderBytes + piece.back().length;
  if (const auto* soon = dynamic_cast<const ReadingSoon*>(file_of(piece.front())))
    soon->will_read(begin, end - begin);
}

void SegmentRing::read_piece(std::span<const Location> piece, std::vector<std::byte>& room,
                             const std::function<void(const Frame&)>& visit) const {
  const File* const file = file_of(piece.front());
  if (file == nullptr) return;
  const std::uint32_t begin = piece.front().offset;
  const std::size_t length = piece.back().offset + kFrameHeaderBytes + piece.back().length - begin;
  if (room.size() < length) room.resize(length);
  const Result<std::size_t> got = file->pread(begin, std::span(room).first(length));
  if (!got) return;
  const std::uint32_t seed = frame_seed(super_.uuid, piece.front().generation);
  for (const Location& at : piece) {
    const std::size_t whole = kFrameHeaderBytes + at.length;
    if (at.offset - begin + whole > *got) return;
    const auto bytes = std::span<const std::byte>(room).subspan(at.offset - begin, whole);
    if (!frame_is_intact(seed, bytes)) continue;
    const FrameHeader header = decode_frame_header(bytes.data());
    visit({.head = header.head,
           .sequence = header.sequence,
           .location = at,
           .payload = bytes.subspan(kFrameHeaderBytes)});
  }
}

std::vector<SegmentInfo> SegmentRing::segments(SegmentClass cls) const {
  std::vector<SegmentInfo> all;
  const MutexLock lock(mutex_);
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].live && segments_[i].cls == cls) all.push_back(info(i));
  }
  std::sort(all.begin(), all.end(),
            [](const SegmentInfo& a, const SegmentInfo& b) { return a.generation < b.generation; });
  return all;
}

Result<ScanReport> SegmentRing::scan(std::uint32_t i, std::uint64_t generation,
                                     const std::function<bool(const Frame&)>& visit) {
  const File* file = nullptr;
  std::uint32_t expected_end = 0;
  {
    const MutexLock lock(mutex_);
    if (i >= segments_.size() || segments_[i].generation != generation || !segments_[i].live) {
      return Error(ErrorCode::kNotFound, segment_name(i) + " was evicted");
    }
    file = segments_[i].file.get();
    if (segments_[i].scanned) expected_end = segments_[i].data_end;
  }
  SegmentScanner scanner(*file, i, generation, super_.segment_bytes,
                         frame_seed(super_.uuid, generation));
  NINES_TRY(ScanReport report, scanner.run(visit));
  if (report.data_end < expected_end) ++report.holes;  // damage right at the end
  bool leave = false;
  {
    const MutexLock lock(mutex_);
    Segment& segment = segments_[i];
    if (segment.generation != generation) {
      return Error(ErrorCode::kNotFound, segment_name(i) + " was evicted");
    }
    ClassState& cls = classes_[index(segment.cls)];
    if (!segment.scanned) {
      segment.scanned = true;
      segment.data_end = report.data_end;
      segment.next_index = scanner.next_index();
      if (cls.open == i) {
        cls.last_sequence =
            generation << 32 | (segment.next_index == 0 ? 0 : segment.next_index - 1);
        // Writing on behind damage would make it look older than it is: begin a fresh segment.
        leave = report.holes > 0;
        if (leave) cls.open = kNone;
      }
    }
  }
  if (report.holes > 0) {
    log_.warn("ring", "{}: {} damaged places skipped", segment_name(i), report.holes);
  }
  return report;
}

bool SegmentRing::fill_step() {
  const MutexLock fill(fill_mutex_);
  File* file = nullptr;
  std::uint32_t length = 0;
  {
    const MutexLock lock(mutex_);
    if (super_.segments_filled >= segments_.size()) return false;
    const Segment& segment = segments_[super_.segments_filled];
    if (segment.generation != 0 || fill_offset_ >= super_.segment_bytes) {  // in use, or done
      ++super_.segments_filled;
      fill_offset_ = 0;
      return super_.segments_filled < segments_.size();
    }
    file = segment.file.get();
    length = std::min(options_.fill_step_bytes, super_.segment_bytes - fill_offset_);
  }
  const std::vector<std::byte> zeros(length);
  if (auto wrote = file->pwrite(fill_offset_, zeros); !wrote) {
    log_.warn("ring", "zero-filling stops: {}", wrote.error().what());
    const MutexLock lock(mutex_);
    super_.segments_filled = static_cast<std::uint32_t>(segments_.size());
    return false;
  }
  fill_offset_ += length;
  return true;
}

Ring::ClassUse SegmentRing::use(SegmentClass cls) const {
  const MutexLock lock(mutex_);
  const ClassState& state = classes_[index(cls)];
  ClassUse use{.quota = state.quota,
               .used = used(cls),
               .bytes = std::uint64_t{state.quota} * super_.segment_bytes,
               .bytes_used = 0,
               .bytes_appended = state.bytes_appended};
  for (const Segment& segment : segments_) {
    if (segment.live && segment.cls == cls) use.bytes_used += segment.data_end;
  }
  return use;
}

std::uint64_t SegmentRing::bytes() const {
  return kSuperBytes + std::uint64_t{super_.segments} * super_.segment_bytes;
}

std::uint64_t SegmentRing::bytes_filled() const {
  const MutexLock lock(mutex_);
  return std::uint64_t{super_.segments_filled} * super_.segment_bytes;
}

Result<void> SegmentRing::write_super() {
  const MutexLock lock(mutex_);
  ++super_.sequence;
  if (auto wrote = super_file_->pwrite(super_.sequence % 2 * kPage, encode_super(super_)); !wrote) {
    return wrote;
  }
  return super_file_->sync();
}

}  // namespace nines::storage::ring
