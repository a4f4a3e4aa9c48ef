#pragma once
// One alert, as rule evaluation hands it to notification and remediation.

#include <cstdint>
#include <span>
#include <string>

#include "base/core/clock.h"
#include "base/model/labels.h"

namespace nines::alerts {

enum class AlertState : std::uint8_t { kInactive, kPending, kFiring };
const char* to_string(AlertState state) noexcept;  // "inactive", "pending", "firing"

struct Alert {
  LabelSet labels;  // alertname, rule labels, external labels not included
  LabelSet annotations;
  AlertState state = AlertState::kPending;
  bool flapping = false;          // held firing, because its condition comes and goes
  double value = 0;               // of the expression, at the last evaluation
  Timestamp active_at{};          // pending since
  Timestamp fired_at{};           // zero while it has never fired
  Timestamp resolved_at{};        // zero while active
  Timestamp keep_firing_since{};  // firing only because of keep_firing_for; zero otherwise
  Timestamp told_at{};        // the evaluation it is told by; zero when none told it (a restart)
  std::string generator_url;  // path and query on our own page: /graph?g0.expr=...
  std::string rule;           // unique name of the rule
  Duration valid_for{0};  // a firing alert not repeated within this time may be taken as resolved

  std::uint64_t fingerprint() const { return labels.hash(); }
  // The incident's id: this alert from pending to resolved. See storage/api/incidents.h.
  std::string episode() const;
};

// Told of alerts after each evaluation. Called from evaluation threads, must not block: takes what
// it needs and works on it elsewhere.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  // Every alert that fires now, and every one that has just resolved (state kInactive), of one
  // rule. Called after each evaluation, again and again while it fires; the sink deduplicates.
  virtual void on_alerts(const std::string& rule, std::span<const Alert> alerts) = 0;
};

}  // namespace nines::alerts
