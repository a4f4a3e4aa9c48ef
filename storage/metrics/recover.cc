// A start, clean or not: indexes of pages first, then what the journal holds beyond them.
#include <algorithm>

#include "base/text/text.h"
#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;
using ring::SegmentClass;

constexpr const char* kMetadataKey = "metrics/metadata";

}  // namespace

StoreImpl::StoreImpl(const MetricStoreOptions& options, const MetricStoreParts& parts)
    : options_(options),
      parts_(parts),
      raw_(parts.ring, ring::SegmentClass::kRaw, parts.log),
      tiers_{PageLog(parts.ring, ring::SegmentClass::kT5m, parts.log),
             PageLog(parts.ring, ring::SegmentClass::kT1h, parts.log)},
      exemplars_(options.exemplars_max),
      exemplar_counters_(parts.telemetry),
      refusals_(parts.telemetry),
      cache_(options.page_cache_bytes),
      piece_reader_(dynamic_cast<const ring::PieceReader*>(&parts.ring)),
      tier_cache_(options.page_cache_bytes),
      selections_(options.selection_cache_bytes) {}

StoreImpl::~StoreImpl() {
  for (const auto cls : {SegmentClass::kRaw, SegmentClass::kT5m, SegmentClass::kT1h})
    parts_.ring.on_evict(cls, nullptr);
}

Result<std::unique_ptr<MetricStore>> MetricStore::open(const MetricStoreOptions& options,
                                                       const MetricStoreParts& parts) {
  auto store = std::make_unique<StoreImpl>(options, parts);
  if (Result<void> recovered = store->recover(); !recovered) return std::move(recovered).error();
  return std::unique_ptr<MetricStore>(std::move(store));
}

void StoreImpl::PagesSeen::add(const Version* version, const IndexedPage& page) {
  if (++parts[{version, page.flushed}] < page.parts) return;
  std::uint64_t& newest = flushed[version];
  newest = std::max(newest, page.flushed);
}

const StoreImpl::SeenLayout* StoreImpl::defined_layout(std::string_view payload,
                                                       Definitions& known) {
  // Segments repeat layouts word for word.
  const std::uint64_t hash = hash64(payload);
  if (const auto seen = layouts_seen_.find(hash); seen != layouts_seen_.end()) {
    known.layouts[seen->second.id] = seen->second.layout;
    return &seen->second;
  }
  const Result<LayoutFrame> frame = decode_layout(payload);
  if (!frame) return nullptr;
  std::shared_ptr<Layout>& layout = known.layouts[frame->id];
  if (frame->first == 0) {
    layout = catalog_.layout_from(*frame);
  } else if (layout && !frame->join(layout->index)) {
    layout = nullptr;
  }
  if (!layout) return nullptr;
  SeenLayout& seen = layouts_seen_[hash];
  seen = {frame->id, layout, frame->first + frame->count()};
  return &seen;
}

std::shared_ptr<Version> StoreImpl::defined_version(std::string_view payload,
                                                    const Definitions& known) {
  const Result<GroupFrame> frame = decode_group(payload);
  if (!frame) return nullptr;
  const auto layout = known.layouts.find(frame->layout);
  if (layout == known.layouts.end() || !layout->second) return nullptr;
  return catalog_.version_from(*frame, layout->second);
}

bool StoreImpl::define_group(const ring::Frame& frame, Definitions& known) {
  std::shared_ptr<Version>& version = known.versions[frame.head.tag];
  version = defined_version(chunk::as_text(frame.payload), known);
  return version != nullptr;
}

void StoreImpl::recover_list(PageLog& log, Version& version, const IndexedPage& page,
                             PagesSeen& seen) {
  version.pages[paged_class(log.segment_class())].add(page.page);
  const SlotRange slots = page.page.slots;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
    if ((page.page.present >> (slot - slots.first) & 1) != 0) catalog_.learn(version, slot);
  }
  if (log.segment_class() == SegmentClass::kRaw)
    seen.add(&version, page);
  else
    seen.add_tier(version, page);
}

// A sealed segment's pages, from its index.
bool StoreImpl::recover_index(PageLog& log, const ring::SegmentInfo& segment, PagesSeen& seen) {
  const Result<ring::OwnedFrame> frame = parts_.ring.read(segment.footer);
  if (!frame) return false;
  const Result<SegmentIndex> index = decode_segment_index(chunk::as_text(frame->payload), segment);
  if (!index) return false;
  Definitions known;
  for (const std::string& layout : index->layouts) defined_layout(layout, known);
  std::vector<std::shared_ptr<Version>> versions;
  versions.reserve(index->groups.size());
  for (const std::string& group : index->groups) versions.push_back(defined_version(group, known));
  for (const IndexedPage& page : index->pages) {
    const std::shared_ptr<Version>& version = versions[page.group];
    if (version && page.page.slots.end <= version->layout->index.size())
      recover_list(log, *version, page, seen);
    else
      ++lost_frames_;
  }
  seen.exemplars.insert(seen.exemplars.end(), index->loose.begin(), index->loose.end());
  return true;
}

// The open segment is gone on with: its index, written when it is full, names these frames too.
bool StoreImpl::recover_page(PageLog& log, const ring::SegmentInfo& segment,
                             const ring::Frame& frame, Definitions& known, PagesSeen& seen) {
  const std::string_view payload = chunk::as_text(frame.payload);
  switch (frame.head.type) {
    case kLayoutFrame: {
      const SeenLayout* seen_layout = defined_layout(payload, known);
      if (seen_layout && segment.open)
        log.continue_layout(seen_layout->layout, seen_layout->end, std::string(payload));
      return seen_layout != nullptr;
    }
    case kGroupFrame: {
      const bool good = define_group(frame, known);
      if (good && segment.open)
        known.places[frame.head.tag] = log.continue_group(std::string(payload));
      return good;
    }
    case kColsFrame:
    case kTierFrame: {
      const auto version = known.versions.find(frame.head.tag);
      ByteReader in(payload);
      if (frame.head.type == kTierFrame) in.byte();
      const Result<PageHead> head = decode_page_head(in);
      if (version == known.versions.end() || !version->second || !head ||
          head->slots.end > version->second->layout->index.size()) {
        return false;
      }
      parts_.ring.note_times(segment.segment, segment.generation, head->times);
      IndexedPage page{
          0, {frame.location, head->times, head->slots, head->present}, head->flushed, head->parts};
      recover_list(log, *version->second, page, seen);
      if (segment.open) {
        page.group = known.places[frame.head.tag];
        log.continue_page(page);
      }
      return true;
    }
    case kExemplarsFrame: {
      const Result<ExemplarFrame> exemplars = decode_exemplars(payload);
      if (!exemplars) return false;
      seen.exemplars.push_back(
          {frame.location, static_cast<std::uint32_t>(exemplars->exemplars.size())});
      if (segment.open) log.continue_loose(seen.exemplars.back());
      return true;
    }
    default:
      return true;
  }
}

Result<void> StoreImpl::recover_pages(PageLog& log, const ring::SegmentInfo& segment,
                                      PagesSeen& seen) {
  if (segment.sealed) {
    if (recover_index(log, segment, seen)) return {};
    damage_.push_back(ring::segment_name(segment.segment) +
                      ": its index is damaged, reading its frames instead");
  }
  if (segment.open) log.continue_segment(segment.generation);
  Definitions known;
  const auto report =
      parts_.ring.scan(segment.segment, segment.generation, [&](const ring::Frame& frame) {
        if (!recover_page(log, segment, frame, known, seen)) ++lost_frames_;
        return true;
      });
  return note_holes(segment, report);
}

Result<void> StoreImpl::note_holes(const ring::SegmentInfo& segment,
                                   const Result<ring::ScanReport>& report) {
  if (!report) return report.error();
  if (report->holes == 0) return {};
  damage_.push_back(ring::segment_name(segment.segment) + " (" +
                    std::string(ring::to_string(segment.cls)) +
                    "): " + std::to_string(report->holes) + " damaged places skipped");
  lost_frames_ += report->holes;
  return {};
}

// False: the frame is damaged, or stands behind damage.
bool StoreImpl::replay_rows(const ring::Frame& frame, Replay& replay, const PagesSeen& seen) {
  const auto known = replay.known.versions.find(frame.head.tag);
  if (known == replay.known.versions.end() || !known->second) return false;
  const std::shared_ptr<Version>& version = known->second;
  const std::string_view payload = chunk::as_text(frame.payload);
  Replay::Rows& before = replay.rows[frame.head.tag];
  if (!version->live) catalog_.begin_live(*version);
  LiveSamples& live = *version->live;
  live.last_sequence = std::max(live.last_sequence, frame.sequence);
  const auto done = seen.flushed.find(version.get());
  if (done != seen.flushed.end() && frame.sequence <= done->second) {
    if (is_key_row(payload)) before.paged.clear();
    before.paged.emplace_back(payload);
    return true;
  }
  const auto follow = [&](std::string_view row) {
    Result<RowsFrame> rows = decode_rows(before.state, row);
    if (!rows) return rows;
    before.state.next_index = rows->index;
    advance(before.state, rows->time, rows->entries);
    return rows;
  };
  if (!is_key_row(payload)) {
    for (const std::string& row : before.paged) (void)follow(row);
  }
  before.paged.clear();
  Result<RowsFrame> rows = follow(payload);
  if (!rows) return false;
  const std::uint32_t slots = version->layout->index.size();
  std::erase_if(rows->entries, [&](const Entry& entry) { return entry.slot >= slots; });
  if (rows->entries.empty()) return true;
  live.grow(rows->entries.back().slot + 1);
  for (const Entry& entry : rows->entries) catalog_.learn(*version, entry.slot);
  const bool joins = live.joins_row(rows->time);
  (void)keep(catalog_.group(version->group), *version, rows->time, rows->entries);
  recovered_ += rows->entries.size();
  live.count_row(joins, to_millis(parts_.clock.now()));
  if (live.oldest_generation == 0) live.oldest_generation = frame.location.generation;
  return true;
}

Result<void> StoreImpl::recover_journal(const ring::SegmentInfo& segment, const PagesSeen& seen) {
  Replay replay;
  const auto report =
      parts_.ring.scan(segment.segment, segment.generation, [&](const ring::Frame& frame) {
        bool good = true;
        if (frame.head.type == kGroupFrame) {
          replay.rows[frame.head.tag] = {};
          good = define_group(frame, replay.known);
        } else if (frame.head.type == kLayoutFrame) {
          good = defined_layout(chunk::as_text(frame.payload), replay.known) != nullptr;
        } else if (frame.head.type == kRowsFrame) {
          good = replay_rows(frame, replay, seen);
        } else if (frame.head.type == kExemplarsFrame) {
          good = recover_exemplar_frame(frame);
        }
        if (!good) ++lost_frames_;
        return true;
      });
  return note_holes(segment, report);
}

Result<void> StoreImpl::recover() {
  const std::lock_guard lock(mutex_);
  for (const auto cls : {SegmentClass::kRaw, SegmentClass::kT5m, SegmentClass::kT1h})
    parts_.ring.on_evict(cls, [this](const ring::SegmentInfo& segment) { leave(segment); });
  load_metadata();
  load_deletions();
  const std::vector<ring::SegmentInfo> raw = parts_.ring.segments(SegmentClass::kRaw);
  const std::vector<ring::SegmentInfo> journal = parts_.ring.segments(SegmentClass::kJournal);
  std::uint64_t generation = 0;
  for (const auto* segments : {&raw, &journal}) {
    for (const ring::SegmentInfo& segment : *segments)
      generation = std::max(generation, segment.generation);
  }
  catalog_.seed(static_cast<std::uint64_t>(to_millis(parts_.clock.now())) ^ generation << 44);
  PagesSeen seen;
  for (const ring::SegmentInfo& segment : raw) {
    if (Result<void> read = recover_pages(raw_, segment, seen); !read) return read;
  }
  for (const Tier tier : {Tier::k5m, Tier::k1h}) {
    PageLog& log = tiers_[static_cast<std::size_t>(tier)];
    PagesSeen of_tier;
    for (const ring::SegmentInfo& segment : parts_.ring.segments(log.segment_class())) {
      if (Result<void> read = recover_pages(log, segment, of_tier); !read) return read;
    }
    recover_tier_marks(tier, of_tier);
  }
  load_dropped();
  recover_exemplar_pages(seen.exemplars);
  for (const ring::SegmentInfo& segment : journal) {
    if (Result<void> read = recover_journal(segment, seen); !read) return read;
  }
  layouts_seen_.clear();
  catalog_.resume();
  report_exemplars();
  if (journal.empty()) return {};
  // The rows stay where they are, in memory and in the journal, until their pages are due. This
  // life begins a segment of its own, in which every group is defined anew.
  make_journal_room();
  if (Result<void> sealed = parts_.ring.seal(SegmentClass::kJournal, {}); !sealed) {
    parts_.log.warn("storage", "journal segment abandoned: {}", sealed.error().what());
  }
  release_journal();
  return {};
}

void StoreImpl::load_metadata() {
  const auto saved = parts_.key_values.get_value(kMetadataKey);
  if (!saved || !*saved) return;
  const std::string text = **saved;
  ByteReader in(text);
  const std::size_t n = in.count(4);
  for (std::size_t i = 0; i < n; ++i) {
    std::string family(in.text());
    Metadata data;
    data.type = static_cast<MetricType>(in.byte());
    data.help = std::string(in.text());
    data.unit = std::string(in.text());
    if (in.failed()) return;
    metadata_[std::move(family)] = std::move(data);
  }
}

void StoreImpl::save_metadata() {
  std::string text;
  chunk::put_varint(text, metadata_.size());
  for (const auto& [family, data] : metadata_) {
    chunk::put_text(text, family);
    chunk::put_byte(text, static_cast<std::uint8_t>(data.type));
    chunk::put_text(text, data.help);
    chunk::put_text(text, data.unit);
  }
  if (Result<void> kept = parts_.key_values.set_value(kMetadataKey, text); !kept) {
    parts_.log.warn("storage", "metadata not kept: {}", kept.error().what());
    return;
  }
  metadata_changed_ = false;
}

}  // namespace nines::storage
