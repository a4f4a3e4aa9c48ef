#pragma once
// One group of rules: evaluates them in order, on its interval.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/alerts/internal/rule_unit.h"
#include "rules/alerts/manager.h"
#include "rules/alerts/ticker.h"

namespace nines::alerts {

// Thread-safe, but for units().
class Group {
 public:
  // kInvalid as RuleUnit::make().
  static Result<std::unique_ptr<Group>> make(const RuleWorld& world, const GroupConfig& config);
  ~Group() { stop(); }

  void start() { ticker_->start(); }
  void stop() { ticker_->stop(); }  // waits for an evaluation under way
  void evaluate_once(Timestamp at);

  // Of a group that has gone: it was stopped, and no other has its file and name.
  static void forget_metrics(Telemetry& telemetry, const GroupConfig& config);

  const GroupConfig& config() const { return config_; }
  GroupStatus status() const;
  // Publishes what restore() or adopt() changed. While stopped.
  void publish();
  // The rules, in order. Only while stopped.
  std::vector<std::unique_ptr<RuleUnit>>& units() { return units_; }

 private:
  struct Metrics;
  Group(const RuleWorld& world, const GroupConfig& config, Duration interval);
  void evaluate(Timestamp at);
  bool is_judged(Timestamp at) const;  // nothing it reads has changed since the last evaluation
  void count(const RuleUnit& unit);
  // Saves what the rules [settled_, end) have come to, then tells of it.
  void settle(std::size_t end);
  bool waits_too_long(std::size_t next, Instant since) const;

  const RuleWorld& world_;
  const GroupConfig config_;
  const Duration interval_;
  storage::AlertBatches* const batches_;  // null: the store has none
  promql::SharedResults shared_;          // of the thread that evaluates
  std::shared_ptr<const Metrics> metrics_;
  IncidentWriter history_;                        // as are the rules, which write to it
  std::vector<std::unique_ptr<RuleUnit>> units_;  // of the thread that evaluates
  std::size_t settled_ = 0;     // rules of the evaluation under way that were told of
  std::vector<Duration> took_;  // by each rule, the last time
  std::optional<Timestamp> evaluated_at_;
  std::shared_ptr<Ticker> ticker_;

  mutable Mutex mutex_;
  GroupStatus status_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::alerts
