#include "rules/slo/internal/slo_entry.h"

#include <algorithm>
#include <utility>

#include "rules/slo/internal/figures.h"
#include "rules/slo/internal/window.h"

namespace nines::slo {
namespace {

constexpr std::int64_t kRecountMinutes = 2;  // late samples
constexpr std::int64_t kChunkMinutes = 60;   // counted at once while catching up
constexpr std::int64_t kDayMinutes = 1'440;
constexpr std::int64_t kLedgerDaysMin = 60;  // kept at least, twice the window if that is longer

}  // namespace

SloEntry::SloEntry(const ServiceParts& parts, const SloConfig& config, Indicator indicator)
    : parts_(parts),
      config_(config),
      indicator_(std::move(indicator)),
      counter_(parts.querier, indicator_),
      exporter_(parts.appender, config) {}

Result<std::shared_ptr<SloEntry>> SloEntry::make(const ServiceParts& parts,
                                                 const SloConfig& config) {
  NINES_TRY(Indicator indicator, Indicator::parse(config.indicator, {}));
  return std::shared_ptr<SloEntry>(new SloEntry(parts, config, std::move(indicator)));
}

bool SloEntry::counts_as(const SloEntry& other) const {
  const SloConfig& a = config_;
  const SloConfig& b = other.config_;
  const auto same_row = [](const BurnWindow& x, const BurnWindow& y) {
    return x.long_window == y.long_window && x.short_window == y.short_window &&
           x.burn_rate == y.burn_rate && x.severity == y.severity;
  };
  const auto same_calendar = [&] {
    if (!a.calendar || !b.calendar) return !a.calendar && !b.calendar;
    return a.calendar->count == b.calendar->count && a.calendar->unit == b.calendar->unit &&
           a.calendar->start == b.calendar->start &&
           a.calendar->zone.name() == b.calendar->zone.name();
  };
  return a.name == b.name && a.service == b.service && a.window == b.window &&
         a.target_percent == b.target_percent && a.indicator == b.indicator &&
         a.description == b.description && a.budgeting == b.budgeting &&
         a.time_slice_target == b.time_slice_target && a.time_slice_window == b.time_slice_window &&
         a.on_no_data == b.on_no_data && a.min_events == b.min_events && same_calendar() &&
         a.line == b.line &&
         std::equal(a.alerting.begin(), a.alerting.end(), b.alerting.begin(), b.alerting.end(),
                    same_row);
}

void SloEntry::warn(const CountedMinutes& counted) const {
  for (const std::string& text : counted.warnings) {
    parts_.log.warn("slo", "SLO \"{}\" counts without damaged samples: {}", config_.name, text);
  }
}

Result<void> SloEntry::read_ledger(std::int64_t to_minute) {
  if (ledger_read_) return {};
  NINES_TRY(const auto rows, parts_.ledger.read_minutes(
                                 config_.name, to_minute - minutes_in(config_.window), INT64_MAX));
  const MutexLock lock(mutex_);
  table_.merge(rows);
  slice(INT64_MIN / 2, to_minute);
  ledger_read_ = true;
  return {};
}

void SloEntry::slice(std::int64_t from_minute, std::int64_t to_minute) {
  if (!has_slices()) return;
  const std::int64_t from = std::min(from_minute, sliced_to_);
  slices_.merge(slice_rows(config_, table_, from, to_minute));
  sliced_to_ = std::max(sliced_to_, to_minute);
}

Result<std::int64_t> SloEntry::first_to_count(std::int64_t to_minute) const {
  const std::int64_t window_start = to_minute - minutes_in(config_.window);
  std::int64_t done_to = window_start;
  if (counted_to_) {
    done_to = *counted_to_;
  } else {
    const Result<std::int64_t> last = parts_.ledger.last_minute(config_.name);
    if (last) {
      done_to = *last + 1;
    } else if (last.error().code() != ErrorCode::kNotFound) {
      return last.error();
    }
  }
  return std::max(window_start, done_to - kRecountMinutes);
}

Result<void> SloEntry::keep(const std::vector<storage::LedgerMinute>& rows) {
  std::vector<storage::LedgerMinute> news;
  {
    const MutexLock lock(mutex_);
    news = table_.news(rows);
  }
  if (news.empty()) return {};
  // The ledger first: what is shown is on disk.
  if (auto written = parts_.ledger.write_minutes(config_.name, news); !written) return written;
  const MutexLock lock(mutex_);
  table_.merge(news);
  slice(news.front().minute, news.back().minute + 1);
  return {};
}

Result<void> SloEntry::prune(std::int64_t to_minute) {
  const std::int64_t window = minutes_in(config_.window);
  if (to_minute - pruned_at_ < kDayMinutes) return {};
  pruned_at_ = to_minute;
  {
    const MutexLock lock(mutex_);
    table_.forget_before(to_minute - window - kDayMinutes);
    slices_.forget_before(to_minute - window - kDayMinutes);
  }
  return parts_.ledger.prune_ledger(config_.name,
                                    to_minute - std::max(2 * window, kLedgerDaysMin * kDayMinutes));
}

Result<void> SloEntry::update(std::int64_t to_minute) {
  if (auto read = read_ledger(to_minute); !read) return read;
  NINES_TRY(std::int64_t from, first_to_count(to_minute));
  for (; from < to_minute; from += kChunkMinutes) {
    const std::int64_t to = std::min(to_minute, from + kChunkMinutes);
    NINES_TRY(const CountedMinutes counted, counter_.count(from, to));
    warn(counted);
    if (auto kept = keep(counted.minutes); !kept) return kept;
    counted_to_ = std::max(counted_to_.value_or(to), to);
  }
  std::vector<std::optional<double>> figures;
  {
    const MutexLock lock(mutex_);
    slice(to_minute - 1, to_minute);  // also those in which nothing happened
    figures = exporter_.values(judged(), to_minute);
  }
  if (auto written = exporter_.append(to_minute, figures); !written) return written;
  return prune(to_minute);
}

Result<void> SloEntry::rebuild(std::int64_t from_minute, std::int64_t to_minute) {
  if (auto read = read_ledger(to_minute); !read) return read;
  NINES_TRY(const auto known, parts_.ledger.read_minutes(config_.name, from_minute, to_minute));
  std::vector<storage::LedgerMinute> rows;
  std::int64_t earliest_ms = INT64_MAX;
  for (std::int64_t from = from_minute; from < to_minute; from += kChunkMinutes) {
    const std::int64_t to = std::min(to_minute, from + kChunkMinutes);
    NINES_TRY(const CountedMinutes counted, counter_.count(from, to));
    warn(counted);
    earliest_ms = std::min(earliest_ms, counted.earliest_ms);
    rows.insert(rows.end(), counted.minutes.begin(), counted.minutes.end());
  }
  if (earliest_ms == INT64_MAX) return {};  // the ring has nothing left: the ledger stands
  // Where the ring's samples begin inside the range, the minute they begin in has lost its own
  // beginning: what the ledger has of it, and of all before, knows more.
  const std::int64_t sure_from =
      minute_of(earliest_ms) < from_minute ? from_minute : minute_of(earliest_ms) + 1;
  MinuteTable rebuilt;
  rebuilt.merge(known);
  std::vector<storage::LedgerMinute> again;
  for (storage::LedgerMinute row : known) {
    if (row.minute < sure_from) continue;
    row.good = row.valid = 0;  // unless counted below
    again.push_back(row);
  }
  rebuilt.merge(again);
  const auto kept = [&](const storage::LedgerMinute& row) {
    return row.minute < sure_from &&
           std::binary_search(known.begin(), known.end(), row,
                              [](const auto& x, const auto& y) { return x.minute < y.minute; });
  };
  std::erase_if(rows, kept);
  rebuilt.merge(rows);
  return keep(rebuilt.rows());
}

void SloEntry::retire(std::int64_t to_minute) {
  if (auto ended = exporter_.finish(to_minute); !ended) {
    parts_.log.warn("slo", "SLO \"{}\": {}", config_.name, ended.error().what());
  }
}

SloStatus SloEntry::status(std::int64_t to_minute) const {
  const MutexLock lock(mutex_);
  return make_status(config_, judged(), to_minute);
}

}  // namespace nines::slo
