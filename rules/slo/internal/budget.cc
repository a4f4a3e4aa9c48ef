#include "rules/slo/internal/budget.h"

#include <algorithm>

#include "rules/slo/internal/figures.h"
#include "rules/slo/internal/minute_counter.h"
#include "rules/slo/internal/window.h"

namespace nines::slo {

Budget::Budget(const ServiceParts& parts, const SloConfig& config)
    : parts_(parts),
      config_(config),
      exporter_(parts.appender, config, parts.version),
      policy_(config, parts) {}

Result<void> Budget::open(std::int64_t to_minute) {
  const MutexLock lock(mutex_);
  if (read_) return {};
  NINES_TRY(const auto rows, parts_.ledger.read_minutes(
                                 config_.name, to_minute - minutes_in(config_.window), INT64_MAX));
  table_.merge(rows);
  slice(INT64_MIN / 2, to_minute);
  read_ = true;
  return {};
}

void Budget::slice(std::int64_t from_minute, std::int64_t to_minute) {
  if (!has_slices() || table_.empty())
    return;  // what has no minutes yet has no slices to be done with
  const std::int64_t from = std::min(from_minute, sliced_to_);
  slices_.merge(slice_rows(config_, table_, from, to_minute));
  sliced_to_ = std::max(sliced_to_, to_minute);
}

std::vector<storage::LedgerMinute> Budget::news(
    const std::vector<storage::LedgerMinute>& rows) const {
  const MutexLock lock(mutex_);
  return table_.news(rows);
}

void Budget::take(const std::vector<storage::LedgerMinute>& rows) {
  if (rows.empty()) return;
  const MutexLock lock(mutex_);
  table_.merge(rows);
  slice(rows.front().minute, rows.back().minute + 1);
}

Result<void> Budget::show(std::int64_t to_minute) {
  std::vector<std::optional<double>> figures;
  SloStatus now;
  {
    const MutexLock lock(mutex_);
    slice(to_minute - 1, to_minute);  // also those in which nothing happened
    figures = exporter_.values(judged(), to_minute);
    if (!config_.policy.empty()) now = make_status(config_, judged(), to_minute);
  }
  policy_.judge(now, from_millis(to_minute * kMinuteMs));
  for (const PolicyState& step : policy_.states()) figures.emplace_back(step.active ? 1 : 0);
  return exporter_.append(to_minute, figures);
}

void Budget::forget_before(std::int64_t minute) {
  const MutexLock lock(mutex_);
  table_.forget_before(minute);
  slices_.forget_before(minute);
}

Result<std::vector<storage::LedgerMinute>> Budget::rebuilt(
    std::int64_t from_minute, std::int64_t to_minute, std::int64_t earliest_ms,
    std::vector<storage::LedgerMinute> counted) const {
  NINES_TRY(const auto known, parts_.ledger.read_minutes(config_.name, from_minute, to_minute));
  // Where the samples begin inside the range, the minute they begin in has lost its own beginning:
  // what the ledger has of it, and of all before, knows more.
  const std::int64_t sure_from =
      minute_of(earliest_ms) < from_minute ? from_minute : minute_of(earliest_ms) + 1;
  MinuteTable rebuilt;
  rebuilt.merge(known);
  std::vector<storage::LedgerMinute> again;
  for (storage::LedgerMinute row : known) {
    if (row.minute < sure_from) continue;
    row.good = row.valid = row.excluded = 0;  // unless counted below
    row.is_excluded = false;
    again.push_back(row);
  }
  rebuilt.merge(again);
  const auto kept = [&](const storage::LedgerMinute& row) {
    return row.minute < sure_from &&
           std::binary_search(known.begin(), known.end(), row,
                              [](const auto& x, const auto& y) { return x.minute < y.minute; });
  };
  std::erase_if(counted, kept);
  rebuilt.merge(counted);
  return rebuilt.rows();
}

void Budget::retire(std::int64_t to_minute) {
  if (auto ended = exporter_.finish(to_minute); !ended) {
    parts_.log.warn("slo", "SLO \"{}\": {}", config_.name, ended.error().what());
  }
}

bool Budget::has_minutes_since(std::int64_t minute) const {
  const MutexLock lock(mutex_);
  return table_.last_minute() >= minute;
}

SloStatus Budget::status(std::int64_t to_minute) const {
  std::vector<PolicyState> policy = policy_.states();
  const MutexLock lock(mutex_);
  SloStatus out = make_status(config_, judged(), to_minute);
  out.policy = std::move(policy);
  out.excluded_minutes = table_.sum(window_at(config_, to_minute).from, to_minute).excluded_minutes;
  return out;
}

WindowSum Budget::sum(std::int64_t from_minute, std::int64_t to_minute) const {
  const MutexLock lock(mutex_);
  return judged().sum(from_minute, to_minute);
}

}  // namespace nines::slo
