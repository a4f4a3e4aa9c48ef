#pragma once
// One rule at work: evaluates its expression, writes its series, moves its alerts, tells of them.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/alerts/internal/alert_book.h"
#include "rules/alerts/internal/incident_writer.h"
#include "rules/alerts/internal/rule_query.h"
#include "rules/alerts/internal/rule_templates.h"
#include "rules/alerts/internal/series_writer.h"
#include "rules/alerts/manager.h"
#include "rules/promql/engine.h"
#include "storage/api/alert_batch.h"

namespace nines::alerts {

// What every rule of a manager works with.
struct RuleWorld {
  const ManagerOptions& options;
  const ManagerParts& parts;
  Counter& state_failures;  // alert states that could not be saved
};

// One thread at a time.
class RuleUnit {
 public:
  // kInvalid: the expression or a template does not parse. `incidents` must outlive it.
  static Result<std::unique_ptr<RuleUnit>> make(const RuleWorld& world, const GroupConfig& group,
                                                Duration interval, const RuleConfig& config,
                                                const std::string& key, IncidentWriter& incidents);

  const std::string& key() const { return key_; }
  const RuleConfig& config() const { return config_; }
  bool alerting() const { return templates_.has_value(); }
  AlertBook& book() { return book_; }

  // Evaluations take from `among` what rules before have left there. It outlives them.
  void share(promql::SharedResults& among);

  // One evaluation, for `at`. What goes wrong is in status(). Nobody is told before settle(), and
  // the history of its alerts waits for the caller to flush it.
  void evaluate(Timestamp at);
  // What the caller has to save before settle(), of evaluations since the last one; none: nothing
  // has changed that a restart must know.
  std::optional<storage::RuleAlerts> unsaved() const;
  // Tells the sinks what evaluate() came to, `saved` being what became of what unsaved() gave.
  void settle(const Result<void>& saved);
  // Series of the last evaluation.
  std::size_t samples() const { return samples_; }
  bool failed() const { return status_.health == "err"; }
  const RuleStatus& status() const { return status_; }

  // Takes the alerts and series of the rule this one stands for from now on.
  void adopt(RuleUnit& old, Timestamp now);
  // The rule has gone: resolves its alerts, tells the sinks, ends its series, forgets its state.
  void retire(Timestamp now);
  // At the first load after a restart.
  void restore(const std::vector<storage::StoredAlert>& alerts, Timestamp now);

 private:
  RuleUnit(const RuleWorld& world, const GroupConfig& group, Duration interval,
           const RuleConfig& config, const std::string& key, RuleQuery query,
           IncidentWriter& incidents);

  // What an evaluation has to go on with.
  struct Verdict {
    std::vector<AlertBook::Element> elements;
    std::optional<std::vector<LabelSet>> resolving;  // of resolve_expr
    bool keep = false;                               // everything stays as it is
    std::optional<Error> failure;                    // that on_error stands in for
  };
  Result<Verdict> judge(Timestamp at, std::vector<std::string>& warnings);
  Result<void> stand_in(Fallback fallback, const char* reason, Timestamp at, Verdict& verdict);
  Result<void> evaluate_alerts(Timestamp at, std::vector<std::string>& warnings);
  Result<void> evaluate_recording(Timestamp at, std::vector<std::string>& warnings);
  Result<std::vector<AlertBook::Element>> elements_of(const promql::Vector& vector, Timestamp at,
                                                      std::vector<std::string>& warnings);
  Result<void> write(Timestamp at, const std::vector<SeriesValue>& series,
                     std::vector<std::string>& warnings);
  void wrote();  // what rules before made of the series this one has written holds no more
  std::vector<SeriesValue> alert_series() const;
  void save_state();
  void note(const Result<void>& saved);  // what became of the state
  void tell(std::vector<Alert> alerts, Timestamp at = Timestamp{});

  const RuleWorld& world_;
  const std::string key_;
  const RuleConfig config_;
  const std::map<std::string, std::string> labels_;  // with the group's
  const Duration query_offset_;
  const std::size_t limit_;
  const RuleQuery query_;
  std::optional<RuleQuery> resolve_query_;
  std::optional<RuleTemplates> templates_;  // of an alerting rule
  AlertBook book_;
  SeriesWriter series_;
  IncidentWriter& incidents_;  // of the group
  RuleStatus status_;
  std::size_t samples_ = 0;
  promql::SharedResults* shared_ = nullptr;
  std::optional<Timestamp> to_tell_;  // of an evaluation nobody was told of yet
};

}  // namespace nines::alerts
