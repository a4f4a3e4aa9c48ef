// Samples on their way in: what is accepted, the journal, the open columns.
#include <algorithm>
#include <bit>
#include <tuple>

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

Result<std::unique_ptr<GroupWriter>> StoreImpl::open_group(const GroupSpec& spec) {
  const std::lock_guard lock(mutex_);
  Group& group = catalog_.group(spec.name);
  if (group.has_writer)
    return Error(ErrorCode::kInvalid, "group " + spec.name + " has a writer already");
  const std::string& family = spec.family.empty() ? spec.name : spec.family;
  const bool anew = spec.anew && group.current;
  Version& version = anew ? catalog_.open_anew(group, spec.labels, family)
                          : catalog_.open(group, spec.labels, family);
  if (anew) version.live->paged_until = group.newest;
  const ring::TimeBounds paged = version.pages[paged_class(SegmentClass::kRaw)].times();
  if (!paged.empty()) {
    version.live->paged_until = std::max(version.live->paged_until, paged.max);
    group.newest = std::max(group.newest, paged.max);
  }
  group.has_writer = true;
  return std::unique_ptr<GroupWriter>(std::make_unique<Writer>(*this, group));
}

void StoreImpl::close(Group& group) {
  const std::lock_guard lock(mutex_);
  group.has_writer = false;
}

Result<Slot> StoreImpl::slot(Group& group, const LabelSet& labels) {
  const std::lock_guard lock(mutex_);
  const Version& version = *group.current;
  const std::vector<series::LabelView> own = series::own_labels(labels, version.labels);
  if (const auto known = Catalog::find(group, own)) return Slot{*known};
  const auto refuse = [&](SeriesLimit limit, std::uint64_t value) {
    return refusals_.refuse(limit, value, labels);
  };
  if (const auto broken = broken_label_limit(options_, labels))
    return refuse(broken->limit, broken->value);
  if (version.series >= options_.series_per_group_max)
    return refuse(SeriesLimit::kPerTarget, options_.series_per_group_max);
  if (const std::size_t most = parts_.ring.frame_max() / (4 * kLayoutBytesPerSeries);
      version.layout->index.size() >= most) {
    return refuse(SeriesLimit::kSegment, most);
  }
  if (catalog_.series() >= options_.series_max)
    return refuse(SeriesLimit::kSeries, options_.series_max);
  const std::string_view metric = labels.get(kMetricName);
  if (series_of_metric(metric) >= options_.series_per_metric_max)
    return refuse(SeriesLimit::kPerMetric, options_.series_per_metric_max);
  const std::uint64_t before = catalog_.series();
  const std::uint32_t slot = catalog_.join(group, own);
  if (catalog_.series() > before) {
    metric_counts_.add(metric);
    counted_ += catalog_.series() - before;
  }
  return Slot{slot};
}

void StoreImpl::count_series(const Version& version) {
  const series::SeriesIndex& index = version.layout->index;
  const std::optional<std::uint32_t> name = index.symbols().find(kMetricName);
  std::unordered_map<std::uint32_t, std::uint64_t> by_symbol;
  std::uint64_t common = 0;  // of the group's own name
  for (std::uint32_t slot = 0; slot < version.known.size(); ++slot) {
    if (!version.known[slot]) continue;
    const auto refs = index.refs(slot);
    const auto own = std::find_if(refs.begin(), refs.end(),
                                  [&](const auto& ref) { return name && ref.name == *name; });
    ++(own == refs.end() ? common : by_symbol[own->value]);
  }
  if (common > 0) metric_counts_.add(version.labels.get(kMetricName), common);
  for (const auto& [symbol, series] : by_symbol)
    metric_counts_.add(index.symbols().text(symbol), series);
}

// Joining keeps the counts true. Groups that begin again, or go, do not: then all is counted anew,
// once a second at most.
std::uint64_t StoreImpl::series_of_metric(std::string_view metric) {
  constexpr std::int64_t kCountEveryMs = 1'000;
  const std::int64_t now = to_millis(parts_.clock.now());
  if (counted_ != catalog_.series() && now >= counted_at_ms_ + kCountEveryMs) {
    metric_counts_.clear();
    counted_ = catalog_.series();
    counted_at_ms_ = now;
    for (const auto& [name, group] : catalog_.groups()) {
      if (group->current) count_series(*group->current);
    }
  }
  return metric_counts_.of(metric);
}

bool StoreImpl::accept(Group& group, const Row& row, std::int64_t at, std::int64_t now,
                       AppendOutcome& outcome, Entry& entry) const {
  const LiveSamples& live = *group.current->live;
  const auto slot = static_cast<std::uint32_t>(row.slot);
  if (slot >= live.newest.size()) return false;
  entry.slot = slot;
  entry.time = row.own_time_ms == Row::kBatchTime ? at : row.own_time_ms;
  entry.value = row.histogram ? 0 : row.value;
  entry.histogram = row.histogram ? std::make_shared<const Histogram>(*row.histogram) : nullptr;
  entry.start = row.start_time_ms;
  if (entry.time > now + options_.future_max.count()) {
    ++outcome.too_far_ahead;
    return false;
  }
  // Of a series that only pages know, nobody remembers the newest.
  const bool forgotten = live.newest[slot] == INT64_MIN;
  if (entry.time > (forgotten ? live.paged_until : live.newest[slot])) return true;
  if (group.newest != INT64_MIN &&
      entry.time < group.newest - options_.out_of_order_window.count()) {
    ++outcome.out_of_order;
    return false;
  }
  // At or behind the newest: there may be a sample of this very time.
  Point there;
  bool taken =
      live.find(slot, entry.time, there) ||
      (entry.time <= live.paged_until && find_paged(*group.current, slot, entry.time, there));
  if (!taken && entry.time == live.newest[slot]) {
    there = {entry.time, std::bit_cast<double>(live.newest_bits[slot]), nullptr, 0};
    taken = true;
  }
  if (!taken) return true;
  const bool same_histogram = (entry.histogram && there.histogram)
                                  ? *entry.histogram == *there.histogram
                                  : !entry.histogram && !there.histogram;
  const bool same_value = std::bit_cast<std::uint64_t>(there.value) == bits_of(entry);
  ++(same_value && same_histogram ? outcome.duplicates : outcome.conflicts);
  return false;
}

// The sample of `slot` at exactly `time`, if a page has it.
bool StoreImpl::find_paged(const Version& version, std::uint32_t slot, std::int64_t time,
                           Point& out) const {
  std::size_t damaged = 0;
  bool found = false;
  SampleColumns columns;
  version.pages[paged_class(SegmentClass::kRaw)].each_page(
      slot, time, time, [&](const ring::Location& at) {
        if (found) return;
        const std::shared_ptr<const Page> page = load(at, damaged);
        columns.clear();
        if (!page || !page->read(slot, columns)) return;
        const auto it = std::lower_bound(columns.times.begin(), columns.times.end(), time);
        if (it == columns.times.end() || *it != time) return;
        const auto place = static_cast<std::size_t>(it - columns.times.begin());
        out = {time, columns.values[place],
               columns.histograms.empty() ? nullptr : columns.histograms[place], 0};
        found = true;
      });
  return found;
}

std::int64_t StoreImpl::keep(Group& group, Version& version, std::int64_t at,
                             std::span<const Entry> entries) {
  LiveSamples& live = *version.live;
  live.head.keep(at, entries);
  std::int64_t newest = INT64_MIN;
  std::int64_t oldest = INT64_MAX;
  for (const Entry& entry : entries) {
    if (entry.time >= live.newest[entry.slot])
      live.see_newest(entry.slot, entry.time, bits_of(entry), entry.histogram != nullptr);
    newest = std::max(newest, entry.time);
    oldest = std::min(oldest, entry.time);
  }
  group.newest = std::max(group.newest, newest);
  return oldest;
}

std::optional<Timestamp> StoreImpl::take_late() {
  const std::lock_guard lock(mutex_);
  if (late_ms_ == INT64_MAX) return std::nullopt;
  return from_millis(std::exchange(late_ms_, INT64_MAX));
}

bool StoreImpl::worn(Version& version, std::int64_t now) const {
  constexpr std::size_t kIdleMin = 1024;  // fewer are not worth new slots
  LiveSamples& live = *version.live;
  constexpr std::int64_t kLookEveryMs = 600'000;
  const std::int64_t window =
      std::max<std::int64_t>(kLookEveryMs, options_.out_of_order_window.count());
  if (live.wear_looked_ms == 0) live.wear_looked_ms = now;
  if (now - live.wear_looked_ms <= window || live.newest.size() < kIdleMin) return false;
  live.wear_looked_ms = now;
  const auto active = static_cast<std::size_t>(
      std::count_if(live.newest.begin(), live.newest.end(),
                    [&](std::int64_t newest) { return newest >= now - window; }));
  const std::size_t idle = live.newest.size() - active;
  return idle >= kIdleMin && idle > active;
}

void StoreImpl::page_rows(Group& group) {
  LiveSamples& live = *group.current->live;
  if (!live.closing && live.open_samples() > options_.flush_at_once_samples) {
    live.close();
  } else if (Result<void> flushed = flush_version(group.current); !flushed) {
    parts_.log.error("storage", "cannot write a page of {}, its rows stay in the journal: {}",
                     group.name, flushed.error().what());
  }
}

Result<AppendOutcome> StoreImpl::append(Group& group, Timestamp at, std::span<const Row> rows) {
  AppendOutcome outcome;
  Result<void> written;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = to_millis(parts_.clock.now());
    Version& version = *group.current;
    LiveSamples& live = *version.live;
    const bool joins = live.joins_row(to_millis(at));
    if (!joins && live.open_rows >= options_.rows_per_page) page_rows(group);
    entries_.clear();
    entries_.reserve(rows.size());
    const bool at_hand = to_millis(at) <= now + options_.future_max.count();
    for (const Row& row : rows) {
      const auto slot = static_cast<std::uint32_t>(row.slot);
      // Nearly all: newer than the series' last one, at the time of the batch, nothing beside it.
      const bool simple = row.own_time_ms == Row::kBatchTime && row.histogram == nullptr &&
                          at_hand && slot < live.newest.size() && live.newest[slot] != INT64_MIN &&
                          to_millis(at) > live.newest[slot];
      Entry& entry = entries_.emplace_back();
      if (simple) {
        entry.slot = slot;
        entry.time = to_millis(at);
        entry.value = row.value;
        entry.start = row.start_time_ms;
      } else if (!accept(group, row, to_millis(at), now, outcome, entry)) {
        entries_.pop_back();
      }
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
      written = journal(version, to_millis(at), entries_);
      const std::int64_t oldest = keep(group, version, to_millis(at), entries_);
      if (oldest < now - kLateAfter.count()) late_ms_ = std::min(late_ms_, oldest);
      outcome.appended += static_cast<std::uint32_t>(entries_.size());
      if (rest.empty()) break;  // and entries_ keeps its room for the next scrape
      entries_.swap(rest);
    }
    appended_ += outcome.appended;
    outcome.worn = worn(version, now);
    if (outcome.appended > 0) live.count_row(joins, now);
    if ((live.open_rows >= options_.rows_per_page && live.row_is_whole()) ||
        live.head.odd_points() > kOddPointsMax + 16 * live.head.slots()) {
      page_rows(group);
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
  begin_journal_epoch();
  rows_at_risk_ = true;
  make_journal_room();
}

// Pages are written for every group whose rows stand in the journal segment that would go next.
void StoreImpl::make_journal_room() {
  const auto victim = parts_.ring.next_victim(SegmentClass::kJournal);
  if (!victim) return;
  each_live([&](const std::shared_ptr<Version>& version) {
    const std::uint64_t oldest = version->live->needed_generation();
    if (oldest == 0 || oldest > victim->generation) return;
    if (Result<void> flushed = flush_version(version); !flushed) {
      parts_.log.error("storage", "rows of {} are lost from the journal: {}", version->group,
                       flushed.error().what());
    }
  });
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
  begin_journal_epoch();
}

void StoreImpl::begin_journal_epoch() {
  ++journal_epoch_;
  journal_layouts_.clear();
}

Result<ring::Location> StoreImpl::journal_frame(std::uint8_t type, std::uint32_t tag,
                                                std::string_view payload) {
  return parts_.ring.append(SegmentClass::kJournal, {type, 0, tag}, chunk::as_bytes(payload));
}

// Each segment stands on its own: what a version's slots mean is said before its first row in it.
Result<void> StoreImpl::define_in_journal(Version& version) {
  const Layout& layout = *version.layout;
  const auto slots = static_cast<std::uint32_t>(version.live->newest.size());
  std::uint32_t& defined = journal_layouts_[layout.id];
  if (defined < slots) {
    const std::uint32_t end = layout.index.size();
    NINES_TRY(std::ignore,
              journal_frame(kLayoutFrame, 0,
                            encode_layout(layout.id, layout.family, layout.index, defined, end)));
    defined = end;
  }
  if (version.journal_epoch == journal_epoch_) return {};
  NINES_TRY(std::ignore, journal_frame(kGroupFrame, version.tag,
                                       encode_group({version.group, version.labels, layout.id})));
  version.live->rows = RowsState();
  version.journal_epoch = journal_epoch_;
  return {};
}

Result<void> StoreImpl::journal(Version& version, std::int64_t at, std::span<const Entry> entries) {
  LiveSamples& live = *version.live;
  constexpr int kTries = 3;
  for (int attempt = 1;; ++attempt) {
    Result<void> written = define_in_journal(version);
    if (written) {
      if (live.rows.next_index == kRowsPerKey) live.rows.next_index = 0;
      std::string payload;
      payload.reserve(64 + 2 * entries.size());
      encode_rows(live.rows, at, entries, payload);
      const Result<ring::Location> row = journal_frame(kRowsFrame, version.tag, payload);
      if (row) {
        if (live.oldest_generation == 0) live.oldest_generation = row->generation;
        live.last_sequence = parts_.ring.last_sequence(SegmentClass::kJournal);
        return {};
      }
      live.rows.next_index = 0;
      written = row.error();
    }
    const bool full = written.error().code() == ErrorCode::kLimit;
    if (attempt == kTries) {
      if (!full) {
        journal_broke();
        return written;
      }
      next_journal_segment();
      return Error(ErrorCode::kLimit, "a scrape of group " + version.group +
                                          " is larger than a segment: raise [storage] "
                                          "segment_size");
    }
    if (full) {
      next_journal_segment();
    } else {
      journal_broke();
    }
  }
}

}  // namespace nines::storage
