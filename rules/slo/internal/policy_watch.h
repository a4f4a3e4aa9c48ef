#pragma once
// The error budget policy of one SLO: which of its steps hold, and who was told.

#include <cstddef>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/slo/service.h"

namespace nines::slo {

// "slo:error_budget_policy:active", by step: 1 while it holds, else 0.
inline constexpr const char* kPolicySeries = "slo:error_budget_policy:active";
std::string step_name(const PolicyStep& step);  // "0.25", the label remaining_below

// A step begins when less than its share of the budget is left, and is over when its hysteresis
// more than that is left; in between it stays what it is. An SLO that is not judged (no_data)
// changes nothing. What holds, since when, and that receivers were told, is kept on disk before
// anybody is told: a restart tells nobody twice, and a crash between the two tells them after it.
//
// judge(): one thread at a time. The others: any thread.
class PolicyWatch {
 public:
  PolicyWatch(const SloConfig& slo, const ServiceParts& parts);

  void judge(const SloStatus& status, Timestamp now);
  // By step, in the order of the configuration.
  std::vector<PolicyState> states() const;

 private:
  struct Step {
    PolicyState state;
    Timestamp began{};  // when it last began
    bool told = true;   // of the last change
  };
  void load();
  bool keep(const std::vector<Step>& steps);
  void tell(const PolicyStep& step, const Step& state, double remaining, Timestamp now) const;

  const SloConfig slo_;
  const ServiceParts& parts_;
  bool loaded_ = false;
  mutable Mutex mutex_;
  std::vector<Step> steps_ NINES_GUARDED_BY(mutex_);  // as slo_.policy
};

}  // namespace nines::slo
