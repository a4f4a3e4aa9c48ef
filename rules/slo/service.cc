#include "rules/slo/service.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/core/mutex.h"
#include "rules/alerts/ticker.h"
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
        late(parts.telemetry.counter("nines_slo_updates_missed_total",
                                     "Updates of the SLO ledgers that were skipped.")) {
    alerts::Ticker::Settings settings;
    settings.interval = kMinute;
    settings.phase = kSettle;
    settings.at_once = true;
    settings.run = [this](Timestamp at) { (void)update(at); };
    settings.missed = [this](std::uint64_t minutes) { late.add(static_cast<double>(minutes)); };
    ticker = alerts::Ticker::make(parts.scheduler, parts.executor, std::move(settings));
  }

  Result<void> update(Timestamp now);
  Entries snapshot() const {
    const MutexLock lock(mutex);
    return entries;
  }
  std::shared_ptr<SloEntry> find(const std::string& slo) const {
    const Entries all = snapshot();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& entry) { return entry->config().name == slo; });
    return found == all.end() ? nullptr : *found;
  }
  static Error unknown(const std::string& slo) {
    return {ErrorCode::kNotFound, "there is no SLO \"" + slo + "\""};
  }

  const ServiceParts parts;
  Counter& failures;
  Counter& late;
  std::shared_ptr<alerts::Ticker> ticker;
  std::mutex work;  // one load(), update() or rebuild() at a time

  mutable Mutex mutex;
  Entries entries NINES_GUARDED_BY(mutex);
};

Result<void> Service::Impl::update(Timestamp now) {
  const std::lock_guard working(work);
  Result<void> first;
  for (const auto& entry : snapshot()) {
    auto done = entry->update(open_minute(now));
    if (done) continue;
    failures.add();
    parts.log.error("slo", "SLO \"{}\" not updated: {}", entry->config().name, done.error().what());
    if (first) first = std::move(done);
  }
  return first;
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
    auto made = SloEntry::make(impl_->parts, config);
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
  const std::int64_t minute = open_minute(impl_->parts.scheduler.clock().now());
  for (const auto& entry : old) {
    if (entry) entry->retire(minute);
  }
  for (const auto& entry : next) {
    if (auto read = entry->open_ledger(minute); !read) {  // update() tries again
      impl_->parts.log.error("slo", "SLO \"{}\": ledger not read: {}", entry->config().name,
                             read.error().what());
    }
  }
  const MutexLock lock(impl_->mutex);
  impl_->entries = std::move(next);
}

void Service::start() {
  impl_->ticker->start();
}
void Service::stop() {
  impl_->ticker->stop();
}

Result<void> Service::update(Timestamp now) {
  return impl_->update(now);
}

Result<void> Service::rebuild(const std::string& slo, Timestamp from) {
  const std::lock_guard working(impl_->work);
  const auto entry = impl_->find(slo);
  if (!entry) return Impl::unknown(slo);
  return entry->rebuild(open_minute(from), open_minute(impl_->parts.scheduler.clock().now()));
}

std::vector<SloStatus> Service::status(Timestamp now) const {
  std::vector<SloStatus> out;
  for (const auto& entry : impl_->snapshot()) out.push_back(entry->status(open_minute(now)));
  return out;
}

Result<SloStatus> Service::status(const std::string& slo, Timestamp now) const {
  const auto entry = impl_->find(slo);
  if (!entry) return Impl::unknown(slo);
  return entry->status(open_minute(now));
}

Result<std::vector<BudgetPoint>> Service::budget(const std::string& slo, Timestamp from,
                                                 Timestamp to, std::size_t points) const {
  const auto entry = impl_->find(slo);
  if (!entry) return Impl::unknown(slo);
  const std::int64_t first = open_minute(from);
  const std::int64_t end = open_minute(to);
  if (points == 0 || end <= first) {
    return Error(ErrorCode::kInvalid, "budget: needs at least one point and one whole minute");
  }
  const std::int64_t window = minutes_in(entry->config().window);
  NINES_TRY(auto rows, impl_->parts.ledger.read_minutes(slo, first - window, end));
  if (entry->config().budgeting != Budgeting::kOccurrences) {
    MinuteTable minutes;
    minutes.merge(rows);
    rows = slice_rows(entry->config(), minutes, first - window, end);
  }
  return budget_points(entry->config(), rows, first, end, static_cast<std::int64_t>(points));
}

Result<std::vector<storage::LedgerMinute>> Service::minutes(const std::string& slo, Timestamp from,
                                                            Timestamp to) const {
  if (!impl_->find(slo)) return Impl::unknown(slo);
  return impl_->parts.ledger.read_minutes(slo, open_minute(from), open_minute(to));
}

}  // namespace nines::slo
