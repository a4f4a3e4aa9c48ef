#include "rules/slo/internal/slo_entry.h"

#include <algorithm>
#include <utility>

#include "base/text/text.h"
#include "rules/slo/internal/figures.h"

namespace nines::slo {
namespace {

constexpr std::int64_t kRecountMinutes = 2;  // late samples
constexpr std::int64_t kChunkMinutes = 60;   // counted at once while catching up
constexpr std::int64_t kDayMinutes = 1'440;
constexpr std::int64_t kLedgerDaysMin = 60;  // kept at least, twice the window if that is longer
constexpr std::size_t kRefusedMax = 10'000;  // groups whose refusal is remembered
constexpr std::size_t kRefusedShown = 10;

Grouping grouping_of(const SloConfig& config) {
  if (config.group_by.empty()) return {};
  return {Grouping::Kind::kBy, config.group_by};
}

bool same_rows(const std::vector<BurnWindow>& a, const std::vector<BurnWindow>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const BurnWindow& x, const BurnWindow& y) {
                      return x.long_window == y.long_window && x.short_window == y.short_window &&
                             x.burn_rate == y.burn_rate && x.severity == y.severity;
                    });
}

bool same_calendar(const SloConfig& a, const SloConfig& b) {
  if (!a.calendar || !b.calendar) return !a.calendar && !b.calendar;
  return a.calendar->count == b.calendar->count && a.calendar->unit == b.calendar->unit &&
         a.calendar->start == b.calendar->start &&
         a.calendar->zone.name() == b.calendar->zone.name();
}

}  // namespace

SloEntry::SloEntry(const ServiceParts& parts, const SloConfig& config, std::size_t depth,
                   Indicator indicator, MembersOf members_of)
    : parts_(parts),
      config_(config),
      indicator_(std::move(indicator)),
      counter_(parts.querier, parts.logs, indicator_, grouping_of(config)),
      exclusions_(config, parts.querier),
      depth_(depth),
      members_of_(std::move(members_of)),
      refusals_(parts.telemetry.counter(
          "nines_slo_groups_refused_total",
          "Groups of grouped SLOs that were not taken in because of max_groups.")) {
  if (!is_grouped()) budgets_.emplace(LabelSet(), std::make_shared<Budget>(parts, config));
}

Result<std::shared_ptr<SloEntry>> SloEntry::make(const ServiceParts& parts, const SloConfig& config,
                                                 std::size_t depth, MembersOf members_of) {
  NINES_TRY(Indicator indicator, Indicator::parse(config.indicator, {}));
  return std::shared_ptr<SloEntry>(
      new SloEntry(parts, config, depth, std::move(indicator), std::move(members_of)));
}

bool SloEntry::counts_as(const SloEntry& other) const {
  const SloConfig& a = config_;
  const SloConfig& b = other.config_;
  return depth_ == other.depth_ && a.name == b.name && a.definition == b.definition &&
         a.objective == b.objective && a.service == b.service && a.window == b.window &&
         a.target_percent == b.target_percent && a.indicator == b.indicator &&
         a.description == b.description && a.budgeting == b.budgeting &&
         a.time_slice_target == b.time_slice_target && a.time_slice_window == b.time_slice_window &&
         a.on_no_data == b.on_no_data && a.min_events == b.min_events && a.group_by == b.group_by &&
         a.max_groups == b.max_groups && same_calendar(a, b) && a.file == b.file &&
         a.line == b.line && same_rows(a.alerting, b.alerting) && a.alerts == b.alerts &&
         a.labels == b.labels && a.exclude == b.exclude && a.exclude_alerts == b.exclude_alerts &&
         a.policy == b.policy;
}

SloEntry::Budgets SloEntry::budgets() const {
  const MutexLock lock(mutex_);
  return budgets_;
}

void SloEntry::note(const CountedMinutes& counted) {
  for (const std::string& text : counted.warnings) {
    parts_.log.warn("slo", "SLO \"{}\" counts without damaged samples: {}", config_.name, text);
  }
  const MutexLock lock(mutex_);
  interpolated_ = interpolated_ || counted.interpolated;
}

// The groups of which the ledger has minutes in the window.
Result<void> SloEntry::open_groups(std::int64_t to_minute) {
  NINES_TRY(const auto names, parts_.ledger.ledger_names());
  for (const std::string& name : names) {
    const std::optional<LabelSet> group = group_of(config_, name);
    if (!group) continue;
    const auto last = parts_.ledger.last_minute(name);
    if (!last && last.error().code() != ErrorCode::kNotFound) return last.error();
    if (!last || *last < to_minute - minutes_in(config_.window)) continue;
    const MutexLock lock(mutex_);
    budgets_.try_emplace(*group, std::make_shared<Budget>(parts_, as_group(config_, *group)));
  }
  return {};
}

Result<void> SloEntry::open(std::int64_t to_minute) {
  if (opened_) return {};
  if (is_grouped()) {
    if (auto found = open_groups(to_minute); !found) return found;
  }
  opened_ = true;
  return {};
}

// A group that is full says so once for each that it keeps out.
bool SloEntry::admits(const LabelSet& group) {
  if (!is_grouped()) return true;
  {
    const MutexLock lock(mutex_);
    if (budgets_.contains(group)) return true;
    if (budgets_.size() < config_.max_groups) {
      budgets_.emplace(group, std::make_shared<Budget>(parts_, as_group(config_, group)));
      return true;
    }
    if (refused_.contains(group)) return false;
    if (refused_.size() < kRefusedMax) refused_.insert(group);
    ++refused_count_;
  }
  refusals_.add();
  parts_.log.warn("slo", "SLO {} is not kept: \"{}\" has {} groups already, its max_groups",
                  group_name(config_, group), config_.name, config_.max_groups);
  return false;
}

Result<std::int64_t> SloEntry::first_to_count(std::int64_t to_minute) const {
  const std::int64_t window_start = to_minute - minutes_in(config_.window);
  std::int64_t done_to = window_start;
  if (counted_to_) {
    done_to = *counted_to_;
  } else {
    // The groups' minutes are written together: what one has, all have.
    for (const auto& [group, budget] : budgets()) {
      const Result<std::int64_t> last = budget->last_minute();
      if (last) {
        done_to = std::max(done_to, *last + 1);
      } else if (last.error().code() != ErrorCode::kNotFound) {
        return last.error();
      }
    }
  }
  return std::max(window_start, done_to - kRecountMinutes);
}

Result<CountedMinutes> SloEntry::counted(std::int64_t from, std::int64_t to) {
  Result<CountedMinutes> out =
      indicator_.kind == IndicatorKind::kComposite
          ? composite_minutes(parts_.ledger, config_.indicator, members_of_, {from, to})
          : counter_.count(from, to, [this](const LabelSet& group) { return admits(group); });
  if (!out) return out;
  note(*out);
  if (auto excluded = exclude(from, to, *out); !excluded) return excluded.error();
  return out;
}

// Every budget knows the minutes that are left out, also those in which nothing happened.
Result<void> SloEntry::exclude(std::int64_t from, std::int64_t to, CountedMinutes& counted) const {
  if (exclusions_.none()) return {};
  NINES_TRY(const std::vector<MinuteSpan> spans, exclusions_.between(from, to));
  if (spans.empty()) return {};
  for (const auto& [group, budget] : budgets()) leave_out(spans, counted.groups[group]);
  return {};
}

Result<std::vector<storage::LedgerRows>> SloEntry::news(const CountedMinutes& counted,
                                                        std::int64_t to_minute) {
  std::vector<storage::LedgerRows> out;
  const Budgets all = budgets();
  for (const auto& [group, minutes] : counted.groups) {
    const auto budget = all.find(group);
    if (budget == all.end()) continue;
    if (auto read = budget->second->open(to_minute); !read) return read.error();
    std::vector<storage::LedgerMinute> rows = budget->second->news(minutes);
    if (!rows.empty()) out.push_back({budget->second->config().name, std::move(rows)});
  }
  return out;
}

void SloEntry::take(const std::vector<storage::LedgerRows>& rows) {
  for (const storage::LedgerRows& one : rows) {
    if (const auto budget = this->budget(one.slo)) budget->take(one.minutes);
  }
}

// The ledger first: what is shown is on disk.
Result<void> SloEntry::write(const std::vector<storage::LedgerRows>& rows) {
  if (rows.empty()) return {};
  if (auto written = parts_.ledger.write_ledger(rows); !written) return written;
  take(rows);
  return {};
}

Result<void> SloEntry::count(std::int64_t to_minute) {
  pending_.clear();
  if (auto read = open(to_minute); !read) return read;
  NINES_TRY(std::int64_t from, first_to_count(to_minute));
  counted_from_ = from;
  for (; from < to_minute; from += kChunkMinutes) {
    const std::int64_t to = std::min(to_minute, from + kChunkMinutes);
    NINES_TRY(const CountedMinutes minutes, counted(from, to));
    NINES_TRY(auto rows, news(minutes, to_minute));
    if (to == to_minute) {
      pending_ = std::move(rows);
      return {};
    }
    if (auto written = write(rows); !written) return written;
    counted_to_ = std::max(counted_to_.value_or(to), to);
  }
  return {};
}

Result<void> SloEntry::commit(std::int64_t to_minute) {
  take(std::exchange(pending_, {}));
  counted_to_ = std::max(counted_to_.value_or(to_minute), to_minute);
  for (const auto& [group, budget] : budgets()) {
    if (auto read = budget->open(to_minute); !read) return read;
    if (auto shown = budget->show(to_minute); !shown) return shown;
  }
  return prune(to_minute);
}

// Once a day, each SLO at another minute of it.
bool SloEntry::is_tidying_due(std::int64_t to_minute) {
  const std::int64_t turn =
      static_cast<std::int64_t>(std::hash<std::string>()(config_.name) % kDayMinutes);
  const std::int64_t day = (to_minute + turn) / kDayMinutes;
  if (!tidied_day_) tidied_day_ = (counted_from_ + turn) / kDayMinutes;
  if (day == *tidied_day_) return false;
  tidied_day_ = day;
  return true;
}

Result<void> SloEntry::prune(std::int64_t to_minute) {
  if (!is_tidying_due(to_minute)) return {};
  const std::int64_t window = minutes_in(config_.window);
  const std::int64_t kept_from = to_minute - std::max(2 * window, kLedgerDaysMin * kDayMinutes);
  for (const auto& [group, budget] : budgets()) {
    budget->forget_before(to_minute - window - kDayMinutes);
    if (!is_grouped() || budget->has_minutes_since(to_minute - window)) continue;
    budget->retire(to_minute);  // its value has vanished; the ledger has its minutes
    const MutexLock lock(mutex_);
    budgets_.erase(group);
  }
  if (!is_grouped()) return parts_.ledger.prune_ledger(config_.name, kept_from);
  NINES_TRY(const auto names, parts_.ledger.ledger_names());
  for (const std::string& name : names) {
    if (!group_of(config_, name)) continue;
    if (auto pruned = parts_.ledger.prune_ledger(name, kept_from); !pruned) return pruned;
  }
  return {};
}

Result<void> SloEntry::rebuild(std::int64_t from_minute, std::int64_t to_minute) {
  if (auto read = open(to_minute); !read) return read;
  GroupMinutes rows;
  std::int64_t earliest_ms = INT64_MAX;
  for (std::int64_t from = from_minute; from < to_minute; from += kChunkMinutes) {
    const std::int64_t to = std::min(to_minute, from + kChunkMinutes);
    NINES_TRY(const CountedMinutes minutes, counted(from, to));
    earliest_ms = std::min(earliest_ms, minutes.earliest_ms);
    for (const auto& [group, counted_rows] : minutes.groups)
      rows[group].insert(rows[group].end(), counted_rows.begin(), counted_rows.end());
  }
  if (earliest_ms == INT64_MAX && rows.empty()) return {};  // nothing is left: the ledger stands
  std::vector<storage::LedgerRows> all;
  for (const auto& [group, budget] : budgets()) {
    if (auto read = budget->open(to_minute); !read) return read;
    NINES_TRY(const auto rebuilt,
              budget->rebuilt(from_minute, to_minute, earliest_ms, rows[group]));
    std::vector<storage::LedgerMinute> changed = budget->news(rebuilt);
    if (!changed.empty()) all.push_back({budget->config().name, std::move(changed)});
  }
  return write(all);
}

void SloEntry::adopt(SloEntry& old) {
  for (const auto& [group, budget] : budgets()) {
    if (const auto before = old.budget(budget->config().name)) budget->adopt(*before);
  }
}

void SloEntry::retire(std::int64_t to_minute) {
  for (const auto& [group, budget] : budgets()) budget->retire(to_minute);
}

std::vector<SloStatus> SloEntry::status(std::int64_t to_minute) const {
  std::vector<SloStatus> out;
  for (const auto& [group, budget] : budgets()) {
    (void)budget->open(to_minute);  // what cannot be read, the next update reports
    out.push_back(budget->status(to_minute));
    out.back().interpolation = interpolation();
  }
  return out;
}

std::shared_ptr<Budget> SloEntry::budget(const std::string& name) const {
  const std::optional<LabelSet> group =
      is_grouped() ? group_of(config_, name)
                   : (name == config_.name ? std::optional(LabelSet()) : std::nullopt);
  if (!group) return nullptr;
  const MutexLock lock(mutex_);
  const auto found = budgets_.find(*group);
  return found == budgets_.end() ? nullptr : found->second;
}

std::vector<std::string> SloEntry::ledgers() const {
  std::vector<std::string> out;
  for (const auto& [group, budget] : budgets()) out.push_back(budget->config().name);
  return out;
}

GroupedStatus SloEntry::grouped() const {
  const MutexLock lock(mutex_);
  GroupedStatus out;
  out.config = config_;
  out.groups = budgets_.size();
  out.refused = refused_count_;
  for (const LabelSet& group : refused_) {
    if (out.refused_examples.size() == kRefusedShown) break;
    out.refused_examples.push_back(group_name(config_, group));
  }
  return out;
}

std::string SloEntry::interpolation() const {
  const MutexLock lock(mutex_);
  if (!interpolated_) return "";
  return "the threshold is no bucket bound: of the bucket that it cuts, events are taken to lie "
         "evenly on the scale of its buckets (histogram_fraction's rule)";
}

}  // namespace nines::slo
