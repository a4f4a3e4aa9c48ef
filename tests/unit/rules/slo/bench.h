#pragma once
// What the tests of SLOs stand on: a store, a ledger and a clock that outlive the service.

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "rules/slo/service.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::slo {

// A whole minute.
inline constexpr std::int64_t kFirstMinute = 28'333'334;
inline constexpr Timestamp kStart = from_millis(kFirstMinute * 60'000);
inline Timestamp at(std::int64_t seconds) {
  return kStart + Duration(seconds * 1'000);
}

inline SloConfig make_slo(std::vector<BurnWindow> alerting = {}) {
  SloConfig slo;
  slo.name = "shop-availability";
  slo.service = "shop";
  slo.indicator.good = "requests_total{code!=\"500\"}";
  slo.indicator.total = "requests_total";
  slo.alerting = std::move(alerting);
  return slo;
}

inline LabelSet series(const std::string& code, const std::string& instance = "a") {
  return {{"__name__", "requests_total"}, {"code", code}, {"instance", instance}, {"job", "shop"}};
}
inline LabelSet up(const std::string& instance = "a") {
  return {{"__name__", "up"}, {"instance", instance}, {"job", "shop"}};
}

struct Bench {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryMetrics metrics;
  testing::MemoryState state;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<Service> service;

  // As after a restart: everything else stays.
  void boot(const std::vector<SloConfig>& slos) {
    service = nullptr;
    service = std::make_unique<Service>(
        ServiceParts{metrics, metrics, state, scheduler, executor, *log, *telemetry});
    service->load(slos);
  }
  void update(std::int64_t seconds) {
    clock.advance(at(seconds) - clock.now());
    const auto done = service->update(at(seconds));
    REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  }
  std::vector<storage::LedgerMinute> minutes() {
    return *service->minutes("shop-availability", kStart - Duration(86'400'000'000),
                             kStart + Duration(86'400'000'000));
  }
  // Of the minute `index` after kStart; all zero with valid -1 when there is no row.
  storage::LedgerMinute minute(std::int64_t index) {
    for (const auto& row : minutes()) {
      if (row.minute == kFirstMinute + index) return row;
    }
    return {0, 0, -1, 0};
  }
  SloStatus status(std::int64_t seconds) {
    return *service->status("shop-availability", at(seconds));
  }
};

}  // namespace nines::slo
