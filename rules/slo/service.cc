#include "rules/slo/service.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/core/mutex.h"
#include "rules/alerts/ticker.h"
#include "rules/slo/internal/contributors.h"
#include "rules/slo/internal/figures.h"
#include "rules/slo/internal/minute_counter.h"
#include "rules/slo/internal/slo_entry.h"
#include "rules/slo/internal/window.h"

namespace nines::slo {
namespace {

using Entries = std::vector<std::shared_ptr<SloEntry>>;

constexpr Duration kMinute{kMinuteMs};
// After the minute's end, for the scrapes that are under way. What comes later is counted with the
// next update.
constexpr Duration kSettle{2'000};
constexpr Duration kNearLate{600'000};      // so little is counted again with every update
constexpr Duration kFarLateEvery{300'000};  // more than that, so often

// The first minute that has not ended at `now`.
std::int64_t open_minute(Timestamp now) {
  return minute_of(to_millis(now) + 1);
}

}  // namespace

struct Service::Impl {
  explicit Impl(ServiceParts p)
      : parts(std::move(p)),
        failures(parts.telemetry.counter("nines_slo_update_failures_total",
                                         "Updates of an SLO's ledger that failed.")),
        missed(parts.telemetry.counter("nines_slo_updates_missed_total",
                                     "Updates of the SLO ledgers that were skipped.")) {
    alerts::Ticker::Settings settings;
    settings.interval = kMinute;
    settings.phase = kSettle;
    settings.at_once = true;
    settings.run = [this](Timestamp at) { (void)update(at); };
    settings.missed = [this](std::uint64_t minutes) { missed.add(static_cast<double>(minutes)); };
    ticker = alerts::Ticker::make(parts.scheduler, parts.executor, std::move(settings));
  }

  Result<void> update(Timestamp now);
  void written() { written_at_ms.store(to_millis(parts.scheduler.clock().now())); }
  // What came late of samples or of log lines.
  struct Late {
    storage::LateSamples* source = nullptr;
    bool of_lines = false;
    // With `work`: from where on minutes are to be counted again, and when that was last done.
    std::optional<Timestamp> from = std::nullopt;
    std::optional<Timestamp> recounted_at = std::nullopt;
  };
  void recount_late(Late& late, Timestamp now);
  bool counts_lines(const SloEntry& entry) const;
  void recount_excluded(const SloConfig& before, const SloConfig& after, Timestamp now);
  Entries snapshot() const {
    const MutexLock lock(mutex);
    return entries;
  }
  struct Found {
    std::shared_ptr<SloEntry> entry;
    std::shared_ptr<Budget> budget;  // null: the name is that of a grouped SLO
    explicit operator bool() const { return entry != nullptr; }
  };
  Found find(const std::string& slo) const {
    for (const auto& entry : snapshot()) {
      if (auto budget = entry->budget(slo)) return {entry, std::move(budget)};
      if (entry->config().name == slo) return {entry, nullptr};
    }
    return {};
  }
  std::vector<std::string> members_of(const std::string& member) const {
    const Found found = find(member);
    if (!found) return {};
    return found.budget ? std::vector{member} : found.entry->ledgers();
  }
  Result<void> update_some(const Entries& some, std::int64_t minute);
  Result<void> rebuild(const Found& found, std::int64_t from, std::int64_t to);
  static Error unknown(const std::string& slo) {
    return {ErrorCode::kNotFound, "there is no SLO \"" + slo + "\""};
  }
  // The SLO with the budget that is asked for, or why there is none.
  Result<Found> wanted(const std::string& slo) const {
    Found found = find(slo);
    if (!found) return unknown(slo);
    if (!found.budget) {
      return Error(ErrorCode::kNotFound,
                   "SLO \"" + slo + "\" is one for each group: ask for one of them");
    }
    return found;
  }
  void failed(const SloEntry& entry, const Error& error) const {
    failures.add();
    parts.log.error("slo", "SLO \"{}\" not updated: {}", entry.config().name, error.what());
  }

  const ServiceParts parts;
  Counter& failures;
  Counter& missed;
  std::atomic<std::int64_t> written_at_ms = 0;
  std::shared_ptr<alerts::Ticker> ticker;
  std::mutex work;  // one load(), update() or rebuild() at a time
  Late late_samples{parts.late};
  Late late_lines{parts.late_lines, true};

  mutable Mutex mutex;
  Entries entries NINES_GUARDED_BY(mutex);
};

// All are counted before one transaction takes what is new, and before anything is shown.
Result<void> Service::Impl::update_some(const Entries& some, std::int64_t minute) {
  Result<void> first;
  const auto note = [&](const SloEntry& entry, const Error& error) {
    failed(entry, error);
    if (first) first = error;
  };
  Entries counted;
  std::vector<storage::LedgerRows> rows;
  for (const auto& entry : some) {
    if (auto done = entry->count(minute); !done) {
      note(*entry, done.error());
      continue;
    }
    rows.insert(rows.end(), entry->pending().begin(), entry->pending().end());
    counted.push_back(entry);
  }
  if (!rows.empty()) {
    if (auto written = parts.ledger.write_ledger(rows); !written) {
      for (const auto& entry : counted) note(*entry, written.error());
      return written;
    }
  }
  for (const auto& entry : counted) {
    if (auto done = entry->commit(minute); !done) note(*entry, done.error());
  }
  return first;
}

Result<void> Service::Impl::update(Timestamp now) {
  const std::lock_guard working(work);
  const Entries all = snapshot();
  Result<void> first;
  std::size_t left = all.size();
  // Composites after what they are made of.
  for (std::size_t depth = 0; left > 0; ++depth) {
    Entries some;
    for (const auto& entry : all) {
      if (entry->depth() == depth) some.push_back(entry);
    }
    left -= some.size();
    auto done = update_some(some, open_minute(now));
    if (first && !done) first = std::move(done);
  }
  recount_late(late_samples, now);
  recount_late(late_lines, now);
  written();
  return first;
}

bool Service::Impl::counts_lines(const SloEntry& entry) const {
  const IndicatorConfig& indicator = entry.config().indicator;
  if (indicator.kind == IndicatorKind::kLogs) return true;
  return std::any_of(indicator.members.begin(), indicator.members.end(), [this](const auto& member) {
    const Found found = find(member.slo);
    return found && counts_lines(*found.entry);
  });
}

// What came late is counted again from its minute on; the last two minutes are anyway. What the
// process did not live to count is, too: after a start the whole window.
void Service::Impl::recount_late(Late& late, Timestamp now) {
  if (late.source != nullptr) {
    if (!late.recounted_at) {
      late.from = now - parts.late_window;
      late.recounted_at = now;
    }
    if (const std::optional<Timestamp> told = late.source->take_late())
      late.from = std::min(late.from.value_or(*told), *told);
  }
  if (!late.from) return;
  const bool is_near = now - *late.from <= kNearLate;
  if (!is_near && now - *late.recounted_at < kFarLateEvery) return;
  const std::int64_t from =
      std::max(minute_of(to_millis(*late.from)), open_minute(now - parts.late_window));
  bool all_done = true;
  const Entries all = snapshot();
  std::size_t left = all.size();
  for (std::size_t depth = 0; left > 0; ++depth) {
    for (const auto& entry : all) {
      if (entry->depth() != depth) continue;
      --left;
      // A composite may be made of both.
      const bool composite = entry->config().indicator.kind == IndicatorKind::kComposite;
      if (late.of_lines ? !counts_lines(*entry) : counts_lines(*entry) && !composite) continue;
      if (auto done = entry->rebuild(from, open_minute(now)); !done) {
        failed(*entry, done.error());
        all_done = false;
      }
    }
  }
  late.recounted_at = now;
  if (all_done) late.from.reset();
}

// Maintenance that began before it was told: its minutes are counted again, as those of late samples
// are.
void Service::Impl::recount_excluded(const SloConfig& before, const SloConfig& after,
                                     Timestamp now) {
  if (before.exclude == after.exclude) return;
  const Timestamp begin = now - parts.late_window;
  std::optional<Timestamp> first;
  for (const auto* all : {&before.exclude, &after.exclude}) {
    for (const maintenance::Maintenance& one : *all) {
      for (const maintenance::Span& span : maintenance::windows(one, begin, now))
        first = std::min(first.value_or(now), std::max(begin, span.from));
    }
  }
  if (!first) return;
  for (Late* late : {&late_samples, &late_lines}) {
    late->from = std::min(late->from.value_or(*first), *first);
    if (!late->recounted_at) late->recounted_at = now - kFarLateEvery;
  }
}

// What is made of a rebuilt SLO is made anew.
Result<void> Service::Impl::rebuild(const Found& found, std::int64_t from, std::int64_t to) {
  if (auto done = found.entry->rebuild(from, to); !done) return done;
  for (const auto& entry : snapshot()) {
    for (const CompositeMember& member : entry->config().indicator.members) {
      if (find(member.slo).entry != found.entry) continue;
      if (auto done = rebuild({entry, nullptr}, from, to); !done) return done;
      break;
    }
  }
  return {};
}

Service::Service(ServiceParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}

Service::~Service() {
  stop();
}

void Service::load(std::vector<SloConfig> slos) {
  const std::lock_guard working(impl_->work);
  Entries old = impl_->snapshot();
  Entries next;
  for (const SloConfig& config : slos) {
    auto made =
        SloEntry::make(impl_->parts, config, depth_of(slos, config),
                       [this](const std::string& member) { return impl_->members_of(member); });
    if (!made) {  // check_slo() would have said so
      impl_->parts.log.error("slo", "SLO \"{}\" is not loaded: {}", config.name,
                             made.error().what());
      continue;
    }
    const auto same = std::find_if(old.begin(), old.end(), [&](const auto& entry) {
      return entry && entry->counts_as(**made);
    });
    next.push_back(same == old.end() ? *std::move(made) : std::exchange(*same, nullptr));
  }
  const Timestamp now = impl_->parts.scheduler.clock().now();
  const std::int64_t minute = open_minute(now);
  for (const auto& entry : next) {
    if (auto read = entry->open(minute); !read) {  // update() tries again
      impl_->parts.log.error("slo", "SLO \"{}\": ledger not read: {}", entry->config().name,
                             read.error().what());
    }
  }
  for (const auto& entry : old) {
    if (!entry) continue;
    const auto after = std::find_if(next.begin(), next.end(), [&](const auto& one) {
      return one->config().name == entry->config().name;
    });
    if (after != next.end()) {
      impl_->recount_excluded(entry->config(), (*after)->config(), now);
      (*after)->adopt(*entry);
    }
    entry->retire(minute);
  }
  impl_->written();
  const MutexLock lock(impl_->mutex);
  impl_->entries = std::move(next);
}

void Service::start() {
  impl_->ticker->start();
}
void Service::stop() {
  impl_->ticker->stop();
}

const std::atomic<std::int64_t>& Service::written_at_ms() const {
  return impl_->written_at_ms;
}

Result<void> Service::update(Timestamp now) {
  return impl_->update(now);
}

Result<void> Service::rebuild(const std::string& slo, Timestamp from) {
  const std::lock_guard working(impl_->work);
  const auto found = impl_->find(slo);
  if (!found) return Impl::unknown(slo);
  return impl_->rebuild(found, open_minute(from),
                        open_minute(impl_->parts.scheduler.clock().now()));
}

std::vector<SloStatus> Service::status(Timestamp now) const {
  std::vector<SloStatus> out;
  for (const auto& entry : impl_->snapshot()) {
    for (SloStatus& one : entry->status(open_minute(now))) out.push_back(std::move(one));
  }
  return out;
}

Result<SloStatus> Service::status(const std::string& slo, Timestamp now) const {
  NINES_TRY(const auto found, impl_->wanted(slo));
  if (auto read = found.budget->open(open_minute(now)); !read) return read.error();
  SloStatus status = found.budget->status(open_minute(now));
  status.interpolation = found.entry->interpolation();
  return status;
}

std::vector<GroupedStatus> Service::grouped() const {
  std::vector<GroupedStatus> out;
  for (const auto& entry : impl_->snapshot()) {
    if (!entry->config().group_by.empty()) out.push_back(entry->grouped());
  }
  return out;
}

Result<Spent> Service::spent(const std::string& slo, Timestamp from, Timestamp to,
                             Timestamp now) const {
  NINES_TRY(const auto found, impl_->wanted(slo));
  if (auto read = found.budget->open(open_minute(now)); !read) return read.error();
  const WindowSum sum = found.budget->sum(open_minute(from), open_minute(to));
  Spent out{sum.good, sum.valid, sum.bad(), 0};
  const double whole = found.budget->status(open_minute(now)).budget_total;
  if (whole > 0) out.share = out.bad / whole;
  return out;
}

Result<Contributors> Service::contributors(const std::string& slo,
                                           const ContributorsQuery& query) const {
  NINES_TRY(const auto found, impl_->wanted(slo));
  return find_contributors(impl_->parts, found.budget->config(), query);
}

Result<std::vector<BudgetPoint>> Service::budget(const std::string& slo, Timestamp from,
                                                 Timestamp to, std::size_t points) const {
  NINES_TRY(const auto found, impl_->wanted(slo));
  const SloConfig& config = found.budget->config();
  const std::int64_t first = open_minute(from);
  const std::int64_t end = open_minute(to);
  if (points == 0 || end <= first) {
    return Error(ErrorCode::kInvalid, "budget: needs at least one point and one whole minute");
  }
  const std::int64_t window = minutes_in(config.window);
  NINES_TRY(auto rows, impl_->parts.ledger.read_minutes(slo, first - window, end));
  if (config.budgeting != Budgeting::kOccurrences) {
    MinuteTable minutes;
    minutes.merge(rows);
    rows = slice_rows(config, minutes, first - window, end);
  }
  return budget_points(config, rows, first, end, static_cast<std::int64_t>(points));
}

Result<std::vector<storage::LedgerMinute>> Service::minutes(const std::string& slo, Timestamp from,
                                                            Timestamp to) const {
  NINES_TRY([[maybe_unused]] const auto found, impl_->wanted(slo));
  return impl_->parts.ledger.read_minutes(slo, open_minute(from), open_minute(to));
}

}  // namespace nines::slo
