// Samples on their way in: what is accepted, the journal, the open columns.
#include <algorithm>
#include <bit>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

class Writer final : public GroupWriter {
 public:
  Writer(StoreImpl& store, Group& group) : store_(store), group_(group) {}
  ~Writer() override { store_.close(group_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  Result<Slot> slot(const LabelSet& labels) override { return store_.slot(group_, labels); }
  Result<AppendOutcome> append(Timestamp at, std::span<const Row> rows) override {
    return store_.append(group_, at, rows);
  }
  Result<ExemplarOutcome> append_exemplars(std::span<const ExemplarRow> rows) override {
    return store_.append_exemplars(group_, rows);
  }

 private:
  StoreImpl& store_;
  Group& group_;
};

std::uint64_t bits_of(const Entry& entry) {
  return std::bit_cast<std::uint64_t>(entry.value);
}

}  // namespace

Group& StoreImpl::group_named(const std::string& name) {
  auto& group = state_.groups[name];
  if (!group) {
    group = std::make_unique<Group>();
    group->name = name;
    group->tag = ++last_tag_;
    group->layout = state_.add_layout();
    group->layout->owner = group.get();
  }
  return *group;
}

Result<std::unique_ptr<GroupWriter>> StoreImpl::open_group(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Group& group = group_named(name);
  if (group.has_writer)
    return Error(ErrorCode::kInvalid, "group " + name + " has a writer already");
  group.has_writer = true;
  return std::unique_ptr<GroupWriter>(std::make_unique<Writer>(*this, group));
}

void StoreImpl::close(Group& group) {
  const std::lock_guard lock(mutex_);
  group.has_writer = false;
}

Result<Slot> StoreImpl::slot(Group& group, const LabelSet& labels) {
  const std::lock_guard lock(mutex_);
  const auto known = state_.index.find(labels);
  if (known) {
    if (const auto slot = state_.slot_in(*group.layout, *known)) return Slot{*slot};
  }
  const auto refuse = [&](std::string_view limit, std::uint64_t value) {
    ++refused_;
    return Error(ErrorCode::kLimit, "series " + labels.to_string() + " refused: " +
                                        std::string(limit) + " is " + std::to_string(value));
  };
  if (group.layout->ids.size() >= options_.series_per_group_max) {
    return refuse("max_series_per_target", options_.series_per_group_max);
  }
  if (const std::size_t most = parts_.ring.frame_max() / (4 * kLayoutBytesPerSeries);
      group.layout->ids.size() >= most) {
    return refuse(
        "what a target can have with segments of this size (a larger [storage] budget has "
        "larger ones)",
        most);
  }
  if (!known && state_.index.size() >= options_.series_max)
    return refuse("max_series", options_.series_max);
  return Slot{state_.slot_of(group, known ? *known : state_.add_series(labels))};
}

bool StoreImpl::accept(Group& group, const Row& row, std::int64_t at, std::int64_t now,
                       AppendOutcome& outcome, Entry& entry) const {
  const auto slot = static_cast<std::uint32_t>(row.slot);
  if (slot >= group.head.slots()) return false;
  entry.slot = slot;
  entry.time = row.own_time_ms == Row::kBatchTime ? at : row.own_time_ms;
  entry.value = row.histogram ? 0 : row.value;
  entry.histogram = row.histogram ? std::make_shared<const Histogram>(*row.histogram) : nullptr;
  entry.start = row.start_time_ms;
  if (entry.time > now + options_.future_max.count()) {
    ++outcome.too_far_ahead;
    return false;
  }
  if (entry.time > group.newest[slot]) return true;
  if (entry.time < group.newest_any - options_.out_of_order_window.count()) {
    ++outcome.out_of_order;
    return false;
  }
  // At or behind the newest: an open point may have this very time.
  std::uint64_t bits = group.newest_bits[slot];
  bool taken = entry.time == group.newest[slot];
  bool same_histogram = !entry.histogram;
  Point there;
  if (group.head.find(slot, entry.time, there)) {
    taken = true;
    bits = std::bit_cast<std::uint64_t>(there.value);
    same_histogram = (entry.histogram && there.histogram) ? *entry.histogram == *there.histogram
                                                          : !entry.histogram && !there.histogram;
  }
  if (!taken) return true;
  ++(bits == bits_of(entry) && same_histogram ? outcome.duplicates : outcome.conflicts);
  return false;
}

void StoreImpl::keep(Group& group, std::int64_t at, std::span<const Entry> entries) {
  group.head.keep(at, entries);
  for (const Entry& entry : entries) {
    if (entry.time >= group.newest[entry.slot]) {
      group.newest[entry.slot] = entry.time;
      group.newest_bits[entry.slot] = bits_of(entry);
    }
    group.newest_any = std::max(group.newest_any, entry.time);
  }
}

Result<AppendOutcome> StoreImpl::append(Group& group, Timestamp at, std::span<const Row> rows) {
  AppendOutcome outcome;
  Result<void> written;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = to_millis(parts_.clock.now());
    entries_.clear();
    for (const Row& row : rows) {
      Entry entry;
      if (accept(group, row, to_millis(at), now, outcome, entry))
        entries_.push_back(std::move(entry));
    }
    const auto by_slot = [](const Entry& a, const Entry& b) { return a.slot < b.slot; };
    if (!std::is_sorted(entries_.begin(), entries_.end(), by_slot))
      std::stable_sort(entries_.begin(), entries_.end(), by_slot);
    // One frame holds each slot once; what is left goes into further frames.
    std::vector<Entry> rest;
    while (!entries_.empty() && written) {
      const auto same_slot = [](const Entry& a, const Entry& b) { return a.slot == b.slot; };
      rest.clear();
      if (std::adjacent_find(entries_.begin(), entries_.end(), same_slot) != entries_.end()) {
        std::vector<Entry> frame;
        for (Entry& entry : entries_) {
          (frame.empty() || frame.back().slot != entry.slot ? frame : rest)
              .push_back(std::move(entry));
        }
        entries_.swap(frame);
      }
      written = journal(group, to_millis(at), entries_);
      keep(group, to_millis(at), entries_);
      outcome.appended += static_cast<std::uint32_t>(entries_.size());
      entries_.swap(rest);
    }
    appended_ += outcome.appended;
    if (outcome.appended > 0 && group.open_rows++ == 0) group.open_since_ms = now;
    if (group.open_rows >= options_.rows_per_page ||
        group.head.odd_points() > kOddPointsMax + 16 * group.head.slots()) {
      if (Result<void> flushed = flush_group(group); !flushed) {
        parts_.log.error("storage", "cannot write a page of {}, its rows stay in the journal: {}",
                         group.name, flushed.error().what());
      }
    }
  }
  if (!written) return std::move(written).error();
  if (options_.sync_always) {
    if (Result<void> synced = parts_.ring.sync(SegmentClass::kJournal); !synced)
      return std::move(synced).error();
  }
  return outcome;
}

// The open segment failed and is no longer written to. Rows in it that were not synced are in
// memory alone now: tend() makes pages of them.
void StoreImpl::journal_broke() {
  ++journal_epoch_;
  rows_at_risk_ = true;
  make_journal_room();
}

// Pages are written for every group whose rows stand in the journal segment that would go next.
void StoreImpl::make_journal_room() {
  const auto victim = parts_.ring.next_victim(SegmentClass::kJournal);
  if (!victim) return;
  for (auto& [name, group] : state_.groups) {
    if (group->oldest_generation == 0 || group->oldest_generation > victim->generation) continue;
    if (Result<void> flushed = flush_group(*group); !flushed) {
      parts_.log.error("storage", "rows of {} are lost from the journal: {}", name,
                       flushed.error().what());
    }
  }
  if (!waiting_.exemplars.empty() && waiting_.oldest_generation <= victim->generation)
    page_exemplars_or_log();
  release_journal();
}

// The open segment is full: the next one begins.
void StoreImpl::next_journal_segment() {
  make_journal_room();
  if (Result<void> sealed = parts_.ring.seal(SegmentClass::kJournal, {}); !sealed) {
    parts_.log.error("storage", "journal segment abandoned: {}", sealed.error().what());
    rows_at_risk_ = true;
  }
  ++journal_epoch_;
}

Result<ring::Location> StoreImpl::journal_frame(std::uint8_t type, Group& group,
                                                std::string_view payload) {
  const ring::FrameHead head{type, 0, group.tag};
  return parts_.ring.append(SegmentClass::kJournal, head, chunk::as_bytes(payload));
}

Result<void> StoreImpl::journal(Group& group, std::int64_t at, std::span<const Entry> entries) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    // Each segment stands on its own: the first frame of a group in it defines the group.
    if (group.journal_epoch != journal_epoch_ || group.defined_slots < group.layout->ids.size()) {
      SeriesFrame frame;
      frame.group = group.name;
      frame.first_slot = group.journal_epoch == journal_epoch_ ? group.defined_slots : 0;
      for (std::size_t i = frame.first_slot; i < group.layout->ids.size(); ++i) {
        frame.labels.push_back(state_.index.labels(group.layout->ids[i]));
      }
      Result<ring::Location> written = journal_frame(kSeriesFrame, group, encode_series(frame));
      if (written) {
        group.rows = RowsState();
        group.journal_epoch = journal_epoch_;
        group.defined_slots = static_cast<std::uint32_t>(group.layout->ids.size());
      } else if (written.error().code() != ErrorCode::kLimit) {
        journal_broke();
        if (attempt == 2) return std::move(written).error();
        continue;
      }
    }
    if (group.journal_epoch == journal_epoch_) {
      if (group.rows.next_index == kRowsPerKey) group.rows.next_index = 0;
      std::string payload;
      encode_rows(group.rows, at, entries, payload);
      Result<ring::Location> written = journal_frame(kRowsFrame, group, payload);
      if (written) {
        advance(group.rows, at, entries);
        if (group.oldest_generation == 0) group.oldest_generation = written->generation;
        group.last_sequence = parts_.ring.last_sequence(SegmentClass::kJournal);
        return {};
      }
      if (written.error().code() != ErrorCode::kLimit) {
        journal_broke();
        if (attempt == 2) return std::move(written).error();
        continue;
      }
    }
    next_journal_segment();
  }
  return Error(ErrorCode::kLimit, "a scrape of group " + group.name +
                                      " is larger than a segment: raise [storage] segment_size");
}

}  // namespace nines::storage
