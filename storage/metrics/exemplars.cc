// Exemplars: the newest in memory, all in the journal until they are on the raw ring.
#include <algorithm>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

// Label bytes after which a frame is closed; it stays far below a segment.
constexpr std::size_t kFrameBytes = 48u << 10;
// So many that are in the journal alone are written to the raw ring.
constexpr std::size_t kWaitingMax = 4096;

std::size_t bytes_of(const LabelSet& labels) {
  std::size_t bytes = 16;
  for (const Label& label : labels) bytes += label.name.size() + label.value.size() + 4;
  return bytes;
}

// How many of them one frame takes.
std::size_t frame_length(std::span<const StoredExemplar> exemplars) {
  std::size_t bytes = 0;
  std::size_t n = 0;
  while (n < exemplars.size() && bytes < kFrameBytes) {
    bytes += bytes_of(exemplars[n].series) + bytes_of(exemplars[n].exemplar.labels);
    ++n;
  }
  return n;
}

}  // namespace

ExemplarCounters::ExemplarCounters(Telemetry& t)
    : appended(t.counter("nines_storage_exemplars_appended_total", "Exemplars kept.")),
      out_of_order(t.counter("nines_storage_exemplars_out_of_order_total",
                             "Exemplars refused because they were older than their series' "
                             "newest.")),
      too_long(t.counter("nines_storage_exemplars_too_long_total",
                         "Exemplars refused because their labels had more than 128 characters.")),
      held(t.gauge("nines_storage_exemplars", "Exemplars in the store.")),
      series(t.gauge("nines_storage_exemplar_series", "Series with exemplars in the store.")),
      oldest(t.gauge("nines_storage_exemplars_oldest_timestamp_seconds",
                     "Time of the oldest exemplar in the store, the next to go; 0: none.")),
      most(t.gauge("nines_storage_exemplars_max", "How many exemplars the store keeps.")) {}

Result<ExemplarOutcome> StoreImpl::append_exemplars(Group& group,
                                                    std::span<const ExemplarRow> rows) {
  ExemplarOutcome outcome;
  if (exemplars_.most() == 0) return outcome;
  const std::lock_guard lock(mutex_);
  std::vector<StoredExemplar> fresh;
  for (const ExemplarRow& row : rows) {
    const auto slot = static_cast<std::uint32_t>(row.slot);
    if (slot >= group.current->live->newest.size()) continue;
    StoredExemplar stored{group.current->labels_of(slot), row.exemplar};
    switch (exemplars_.add(stored.series, stored.exemplar)) {
      case ExemplarFate::kKept:
        ++outcome.appended;
        fresh.push_back(std::move(stored));
        break;
      case ExemplarFate::kDuplicate:
        ++outcome.duplicates;
        break;
      case ExemplarFate::kOutOfOrder:
        ++outcome.out_of_order;
        break;
      case ExemplarFate::kTooLong:
        ++outcome.too_long;
        break;
    }
  }
  exemplar_counters_.appended.add(outcome.appended);
  exemplar_counters_.out_of_order.add(outcome.out_of_order);
  exemplar_counters_.too_long.add(outcome.too_long);
  Result<void> written;
  for (std::size_t done = 0; done < fresh.size() && written;) {
    const std::span<const StoredExemplar> rest = std::span(fresh).subspan(done);
    const std::size_t n = frame_length(rest);
    written = journal_exemplars(rest.first(n));
    done += n;
  }
  if (waiting_.exemplars.size() > kWaitingMax) page_exemplars_or_log();
  if (!written) return std::move(written).error();
  return outcome;
}

void StoreImpl::wait_for_page(std::span<const StoredExemplar> exemplars, std::uint64_t generation,
                              std::uint64_t sequence) {
  if (waiting_.exemplars.empty()) {
    waiting_.since_ms = to_millis(parts_.clock.now());
    waiting_.oldest_generation = generation;
  }
  waiting_.exemplars.insert(waiting_.exemplars.end(), exemplars.begin(), exemplars.end());
  waiting_.last_sequence = sequence;
}

Result<void> StoreImpl::journal_exemplars(std::span<const StoredExemplar> exemplars) {
  const std::string payload = encode_exemplars(0, exemplars);
  constexpr int kTries = 3;  // a full segment, then a failing one
  for (int attempt = 1;; ++attempt) {
    Result<ring::Location> written = parts_.ring.append(
        SegmentClass::kJournal, {kExemplarsFrame, 0, 0}, chunk::as_bytes(payload));
    if (written) {
      wait_for_page(exemplars, written->generation,
                    parts_.ring.last_sequence(SegmentClass::kJournal));
      return {};
    }
    if (attempt == kTries) return std::move(written).error();
    if (written.error().code() == ErrorCode::kLimit) {
      next_journal_segment();
    } else {
      journal_broke();
    }
  }
}

// Written to the raw ring, the exemplars live as long as the samples around them.
Result<void> StoreImpl::page_exemplars() {
  std::span<const StoredExemplar> rest(waiting_.exemplars);
  if (rest.empty()) return {};
  while (!rest.empty()) {
    const std::size_t n = frame_length(rest);
    // Only the last frame says that the journal is covered: a crash in between repeats some.
    const std::uint64_t covered = n == rest.size() ? waiting_.last_sequence : 0;
    if (Result<void> written =
            raw_.write_loose(kExemplarsFrame, encode_exemplars(covered, rest.first(n)),
                             static_cast<std::uint32_t>(n));
        !written) {
      return written;
    }
    rest = rest.subspan(n);
  }
  waiting_ = {};
  return raw_.sync_if_due();
}

bool StoreImpl::page_exemplars_or_log() {
  const Result<void> paged = page_exemplars();
  if (!paged) {
    parts_.log.error("storage", "exemplars stay in the journal, no page could be written: {}",
                     paged.error().what());
  }
  return paged.has_value();
}

// The newest that fit, then what the journal holds beyond them; both in the order they came.
void StoreImpl::recover_exemplar_pages(const std::vector<LooseFrame>& pages) {
  std::size_t wanted = 0;
  auto first = pages.size();
  while (first > 0 && wanted < exemplars_.most()) wanted += pages[--first].count;
  for (std::size_t i = first; i < pages.size(); ++i) {
    const Result<ring::OwnedFrame> frame = parts_.ring.read(pages[i].location);
    const Result<ExemplarFrame> exemplars =
        frame ? decode_exemplars(chunk::as_text(frame->payload)) : frame.error();
    if (!exemplars) {
      ++lost_frames_;
      continue;
    }
    exemplars_covered_ = std::max(exemplars_covered_, exemplars->covered);
    for (const StoredExemplar& stored : exemplars->exemplars)
      exemplars_.add(stored.series, stored.exemplar);
  }
}

bool StoreImpl::recover_exemplar_frame(const ring::Frame& frame) {
  if (exemplars_.most() == 0 || frame.sequence <= exemplars_covered_) return true;
  const Result<ExemplarFrame> exemplars = decode_exemplars(chunk::as_text(frame.payload));
  if (!exemplars) return false;
  std::vector<StoredExemplar> fresh;
  for (const StoredExemplar& stored : exemplars->exemplars) {
    if (exemplars_.add(stored.series, stored.exemplar) == ExemplarFate::kKept)
      fresh.push_back(stored);
  }
  wait_for_page(fresh, frame.location.generation, frame.sequence);
  return true;
}

void StoreImpl::report_exemplars() {
  const ExemplarStore::Use use = exemplars_.use();
  exemplar_counters_.held.set(static_cast<double>(use.exemplars));
  exemplar_counters_.series.set(static_cast<double>(use.series));
  exemplar_counters_.oldest.set(static_cast<double>(use.oldest_ms) / 1000);
  exemplar_counters_.most.set(static_cast<double>(exemplars_.most()));
}

std::vector<SeriesExemplars> StoreImpl::exemplars(std::span<const std::vector<Matcher>> sets,
                                                  TimeRange range) const {
  std::vector<SeriesExemplars> all = exemplars_.select(sets, range);
  const std::shared_ptr<const Tombstones> deleted = deletions();
  if (deleted->empty()) return all;
  for (SeriesExemplars& one : all) {
    std::erase_if(one.exemplars, [&](const Exemplar& exemplar) {
      return deleted->hides_exemplar(one.series, exemplar.time_ms);
    });
  }
  std::erase_if(all, [](const SeriesExemplars& one) { return one.exemplars.empty(); });
  return all;
}

}  // namespace nines::storage
