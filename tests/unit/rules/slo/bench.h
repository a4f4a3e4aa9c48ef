#pragma once
// What the tests of SLOs stand on: a store, a ledger and a clock that outlive the service.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

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

// Log lines in memory, seen in order of time.
class MemoryLogs final : public storage::LogQuerier {
 public:
  void add(const LabelSet& stream, Timestamp at, const std::string& text) {
    const Line line{stream, LogTime(at), text};
    const auto later = [](LogTime t, const Line& one) { return t < one.at; };
    lines_.insert(std::upper_bound(lines_.begin(), lines_.end(), line.at, later), line);
  }
  Result<storage::LogScanStats> scan(
      std::span<const Matcher> matchers, storage::LogRange range, storage::LogOrder /*order*/,
      const std::function<bool(const LabelSet&, const storage::LogLine&)>& visit,
      const storage::StopFlag* /*stop*/) const override {
    storage::LogScanStats stats;
    for (const Line& line : lines_) {
      if (line.at < range.from || line.at >= range.to || !matches_all(matchers, line.stream))
        continue;
      ++stats.lines;
      if (!visit(line.stream, {line.at, line.text})) break;
    }
    return stats;
  }
  std::vector<LabelSet> streams(std::span<const Matcher> /*matchers*/,
                                storage::LogRange /*range*/) const override {
    return {};
  }

 private:
  struct Line {
    LabelSet stream;
    LogTime at{};
    std::string text;
  };
  std::vector<Line> lines_;
};

// A store that says what came late.
class ToldLate final : public storage::LateSamples {
 public:
  void tell(Timestamp at) { late_ = std::min(late_.value_or(at), at); }
  std::optional<Timestamp> take_late() override { return std::exchange(late_, std::nullopt); }

 private:
  std::optional<Timestamp> late_;
};

struct Bench {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryMetrics metrics;
  testing::MemoryState state;
  MemoryLogs logs;
  ToldLate late;
  ToldLate late_lines;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<Service> service;

  // As after a restart: everything else stays.
  void boot(const std::vector<SloConfig>& slos) {
    service = nullptr;
    service = std::make_unique<Service>(
        ServiceParts{metrics, metrics, state, scheduler, executor, *log, *telemetry, &logs, nullptr,
                     {}, &late, Duration(3'600'000), &late_lines});
    service->load(slos);
  }
  void update(std::int64_t seconds) {
    clock.advance(at(seconds) - clock.now());
    const auto done = service->update(at(seconds));
    REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  }
  std::vector<storage::LedgerMinute> minutes(const std::string& slo = "shop-availability") {
    const auto rows =
        service->minutes(slo, kStart - Duration(86'400'000'000), kStart + Duration(86'400'000'000));
    REQUIRE_MESSAGE(rows, slo);
    return *rows;
  }
  // Of the minute `index` after kStart; all zero with valid -1 when there is no row.
  storage::LedgerMinute minute(std::int64_t index, const std::string& slo = "shop-availability") {
    for (const auto& row : minutes(slo)) {
      if (row.minute == kFirstMinute + index) return row;
    }
    return {0, 0, -1, 0};
  }
  SloStatus status(std::int64_t seconds, const std::string& slo = "shop-availability") {
    const auto found = service->status(slo, at(seconds));
    REQUIRE_MESSAGE(found, slo);
    return *found;
  }
};

}  // namespace nines::slo
