#pragma once
// `nines gate`: whether error budgets allow a deployment.

#include <string>
#include <vector>

#include "base/text/json.h"

namespace nines::app {

struct GateOptions {
  std::vector<std::string> slos;  // names; empty: all
  std::string service;            // empty: any
  double min_remaining = 0;       // per cent of the budget that must be left
  double max_burn = 0;            // 0: not looked at; else the burn rate over `burn_window`
  std::string burn_window = "1h";
  std::string format = "text";  // text | json | junit | github | gitlab
  bool no_data_passes = false;
};

struct GateCheck {
  std::string slo, service;
  std::string verdict;  // pass | blocked | no_data
  std::string reason;
  double remaining = 1;
};
struct GateResult {
  std::vector<GateCheck> checks;
  std::vector<std::string> unknown;  // asked for by name, but not there
  int exit_code = 0;                 // 0, 4 not found, 10 blocked, 11 no data
};

// `answer`: of /api/nines/v1/slos. A blocked SLO counts for more than one without data.
GateResult judge_gate(const Json& answer, const GateOptions& options);
std::string gate_text(const GateResult& result, const std::string& format);

}  // namespace nines::app
