// A start, clean or not: indexes of pages first, then what the journal holds beyond them.
#include <algorithm>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/compress.h"
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
      exemplars_(options.exemplars_max),
      exemplar_counters_(parts.telemetry),
      cache_(options.page_cache_bytes) {}

Result<std::unique_ptr<MetricStore>> MetricStore::open(const MetricStoreOptions& options,
                                                       const MetricStoreParts& parts) {
  auto store = std::make_unique<StoreImpl>(options, parts);
  if (Result<void> recovered = store->recover(); !recovered) return std::move(recovered).error();
  return std::unique_ptr<MetricStore>(std::move(store));
}

// Layouts with equal content are one, however many segments repeat them.
Layout* StoreImpl::layout_from(std::string_view payload, std::string* group) {
  const Result<std::string> content = unpack(payload);
  if (!content) return nullptr;
  const Result<SeriesFrame> frame = decode_series(*content);
  if (!frame) return nullptr;
  if (group) *group = frame->group;
  Layout*& layout = state_.by_content[*content];
  if (!layout) {
    layout = state_.add_layout();
    for (const LabelSet& labels : frame->labels) state_.extend(*layout, state_.add_series(labels));
  }
  return layout;
}

void StoreImpl::PagesSeen::add(const std::string& group, std::uint64_t sequence, std::uint32_t of) {
  if (++parts[{group, sequence}] < of) return;
  std::uint64_t& newest = flushed[group];
  newest = std::max(newest, sequence);
}

Result<void> StoreImpl::recover_raw(const ring::SegmentInfo& segment, PagesSeen& seen) {
  if (segment.sealed) {
    const Result<ring::OwnedFrame> frame = parts_.ring.read(segment.footer);
    if (frame) {
      const Result<std::string> body = unpack(chunk::as_text(frame->payload));
      if (body) {
        ByteReader in(*body);
        std::vector<std::pair<Layout*, std::string>> layouts(in.count());
        for (auto& [layout, group] : layouts) layout = layout_from(in.text(), &group);
        const std::size_t pages = in.count(8);
        bool whole = true;
        for (std::size_t i = 0; i < pages; ++i) {
          const auto at = static_cast<std::size_t>(in.varint());
          PageRef page;
          page.location.segment = segment.segment;
          page.location.generation = segment.generation;
          page.location.offset = static_cast<std::uint32_t>(in.varint());
          page.location.length = static_cast<std::uint32_t>(in.varint());
          page.times.min = in.signed_varint();
          page.times.max = in.signed_varint();
          page.slots.first = static_cast<std::uint32_t>(in.varint());
          page.slots.end = page.slots.first + static_cast<std::uint32_t>(in.varint());
          const std::uint64_t sequence = in.varint();
          const auto parts = static_cast<std::uint32_t>(in.varint());
          if (in.failed() || at >= layouts.size() || !layouts[at].first ||
              page.slots.end > layouts[at].first->ids.size()) {
            whole = false;
            break;
          }
          layouts[at].first->add_page(page);
          seen.add(layouts[at].second, sequence, parts);
        }
        if (whole) recover_footer_exemplars(in, segment, seen.exemplars);
        return {};
      }
    }
    damage_.push_back(ring::segment_name(segment.segment) +
                      ": its index is damaged, reading its frames instead");
  }
  // The open segment is gone on with: its index, written when it is full, names these pages too.
  if (segment.open) begin_raw_segment(segment.generation);
  struct Known {
    Layout* layout = nullptr;
    std::string group;
    std::uint32_t in_footer = 0;
  };
  std::map<std::uint32_t, Known> by_tag;
  const auto report =
      parts_.ring.scan(segment.segment, segment.generation, [&](const ring::Frame& frame) {
        const std::string_view payload = chunk::as_text(frame.payload);
        if (frame.head.type == kLayoutFrame) {
          Known& known = by_tag[frame.head.tag];
          known.layout = layout_from(payload, &known.group);
          if (segment.open) known.in_footer = add_footer_layout(std::string(payload));
        } else if (frame.head.type == kColsFrame) {
          const auto it = by_tag.find(frame.head.tag);
          const Result<PageHead> page = decode_page_head(payload);
          if (it == by_tag.end() || !it->second.layout || !page ||
              page->slots.end > it->second.layout->ids.size()) {
            ++lost_frames_;
            return true;
          }
          parts_.ring.note_times(segment.segment, segment.generation, page->times);
          const PageRef ref{frame.location, page->times, page->slots};
          it->second.layout->add_page(ref);
          seen.add(it->second.group, page->flushed, page->parts);
          if (segment.open)
            add_footer_page({it->second.in_footer, ref, page->flushed, page->parts});
        } else if (frame.head.type == kExemplarsFrame) {
          const Result<ExemplarFrame> exemplars = decode_exemplars(payload);
          if (!exemplars) {
            ++lost_frames_;
            return true;
          }
          const auto count = static_cast<std::uint32_t>(exemplars->exemplars.size());
          seen.exemplars.push_back({frame.location, count});
          if (segment.open) add_footer_exemplars(seen.exemplars.back());
        }
        return true;
      });
  if (!report) return report.error();
  if (report->holes > 0) {
    damage_.push_back(ring::segment_name(segment.segment) +
                      " (raw): " + std::to_string(report->holes) + " damaged places skipped");
    lost_frames_ += report->holes;
  }
  return {};
}

// Appends the slots that a SERIES frame names to `slots`, or begins them anew. Null: it is damaged.
Group* StoreImpl::replay_definition(std::string_view payload, std::vector<std::uint32_t>& slots) {
  const Result<std::string> content = unpack(payload);
  if (!content) return nullptr;
  ByteReader head(*content);
  const std::string_view name = head.text();
  if (const auto known = defined_.find(name);
      known != defined_.end() && known->second.payload == payload) {
    slots = known->second.slots;
    return &group_named(known->first);
  }
  const Result<SeriesFrame> series = decode_series(payload);
  if (!series) return nullptr;
  if (series->first_slot == 0) slots.clear();
  Group& group = group_named(series->group);
  for (const LabelSet& labels : series->labels)
    slots.push_back(state_.slot_of(group, state_.add_series(labels)));
  if (series->first_slot == 0) defined_[series->group] = {std::string(payload), slots};
  return &group;
}

Result<void> StoreImpl::recover_journal(const ring::SegmentInfo& segment,
                                        const std::map<std::string, std::uint64_t>& flushed) {
  struct Replay {
    Group* group = nullptr;
    std::vector<std::uint32_t> slots;  // of the frame -> of the group
    RowsState rows;
    std::uint64_t flushed = 0;
  };
  std::map<std::uint32_t, Replay> by_tag;
  const auto report =
      parts_.ring.scan(segment.segment, segment.generation, [&](const ring::Frame& frame) {
        const std::string_view payload = chunk::as_text(frame.payload);
        if (frame.head.type == kSeriesFrame) {
          Replay& replay = by_tag[frame.head.tag];
          Group* group = replay_definition(payload, replay.slots);
          if (!group) {
            ++lost_frames_;
            return true;
          }
          replay.rows = RowsState();
          replay.group = group;
          const auto done = flushed.find(group->name);
          replay.flushed = done == flushed.end() ? 0 : done->second;
        } else if (frame.head.type == kRowsFrame) {
          const auto it = by_tag.find(frame.head.tag);
          if (it == by_tag.end()) {
            ++lost_frames_;
            return true;
          }
          Replay& replay = it->second;
          Result<RowsFrame> rows = decode_rows(replay.rows, payload);
          if (!rows) {
            ++lost_frames_;
            return true;
          }
          replay.rows.next_index = rows->index;
          advance(replay.rows, rows->time, rows->entries);
          Group& group = *replay.group;
          group.last_sequence = std::max(group.last_sequence, frame.sequence);
          if (frame.sequence <= replay.flushed) return true;
          std::erase_if(rows->entries,
                        [&](const Entry& entry) { return entry.slot >= replay.slots.size(); });
          for (Entry& entry : rows->entries) entry.slot = replay.slots[entry.slot];
          const auto by_slot = [](const Entry& a, const Entry& b) { return a.slot < b.slot; };
          if (!std::is_sorted(rows->entries.begin(), rows->entries.end(), by_slot))
            std::sort(rows->entries.begin(), rows->entries.end(), by_slot);
          keep(group, rows->time, rows->entries);
          recovered_ += rows->entries.size();
          if (group.open_rows++ == 0) group.open_since_ms = to_millis(parts_.clock.now());
          if (group.oldest_generation == 0) group.oldest_generation = segment.generation;
        } else if (frame.head.type == kExemplarsFrame && !recover_exemplar_frame(frame)) {
          ++lost_frames_;
        }
        return true;
      });
  if (!report) return report.error();
  if (report->holes > 0) {
    damage_.push_back(ring::segment_name(segment.segment) +
                      " (journal): " + std::to_string(report->holes) + " damaged places skipped");
    lost_frames_ += report->holes;
  }
  return {};
}

Result<void> StoreImpl::recover() {
  const std::lock_guard lock(mutex_);
  parts_.ring.on_evict(SegmentClass::kRaw,
                       [this](const ring::SegmentInfo& segment) { forget_segment(segment); });
  load_metadata();
  PagesSeen seen;
  for (const ring::SegmentInfo& segment : parts_.ring.segments(SegmentClass::kRaw)) {
    if (Result<void> read = recover_raw(segment, seen); !read) return read;
  }
  state_.by_content.clear();
  recover_exemplar_pages(seen.exemplars);
  const std::vector<ring::SegmentInfo> journal = parts_.ring.segments(SegmentClass::kJournal);
  for (const ring::SegmentInfo& segment : journal) {
    if (Result<void> read = recover_journal(segment, seen.flushed); !read) return read;
  }
  report_exemplars();
  defined_.clear();
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
