#include "rules/slo/config.h"

#include <cmath>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/slo/internal/indicator.h"

namespace nines::slo {
namespace {

constexpr Duration kMinute{60'000};
constexpr Duration kHour{3'600'000};
constexpr Duration kDay{86'400'000};

void check_windows(const SloConfig& slo, std::vector<std::string>& problems) {
  const double reachable = 1 / budget_ratio(slo.target_percent);
  for (const BurnWindow& row : slo.alerting) {
    const std::string name =
        format_duration(row.long_window) + "/" + format_duration(row.short_window);
    if (row.short_window < kMinute || row.long_window <= row.short_window) {
      problems.push_back(
          "alerting " + name +
          ": the long window must be longer than the short one, that one at least 1m");
    } else if (row.short_window % kMinute != Duration::zero() ||
               row.long_window % kMinute != Duration::zero()) {
      problems.push_back("alerting " + name + ": windows are whole minutes");
    }
    if (!(row.burn_rate > 0)) {
      problems.push_back("alerting " + name + ": the burn rate must be above 0");
    } else if (row.burn_rate >= reachable) {
      problems.push_back("alerting " + name + ": a burn rate of " + format_double(row.burn_rate) +
                         " can never be exceeded, the highest possible with a target of " +
                         format_double(slo.target_percent) + "% is " + format_double(reachable));
    }
    if (row.severity.empty()) problems.push_back("alerting " + name + ": severity is missing");
  }
}

}  // namespace

double budget_ratio(double target_percent) {
  return std::round((100 - target_percent) * 1e9) / 1e11;
}

std::vector<BurnWindow> google_30d() {
  return {{kHour, 5 * kMinute, 14.4, "page"},
          {6 * kHour, 30 * kMinute, 6, "page"},
          {kDay, 2 * kHour, 3, "ticket"},
          {3 * kDay, 6 * kHour, 1, "ticket"}};
}

std::vector<std::string> check_slo(const SloConfig& slo, const promql::EngineOptions& options) {
  std::vector<std::string> problems;
  if (slo.name.empty() || !is_valid_utf8(slo.name)) problems.push_back("an SLO needs a name");
  if (slo.service.empty() || !is_valid_utf8(slo.service)) {
    problems.push_back("an SLO needs a service");
  }
  if (slo.budgeting_method != "Occurrences") {
    problems.push_back("budgeting_method \"" + slo.budgeting_method +
                       "\" is not known, only Occurrences is");
  }
  if (slo.window < kMinute || slo.window % kMinute != Duration::zero()) {
    problems.push_back("the window must be whole minutes, at least one");
  }
  const auto indicator = Indicator::parse(slo.indicator, options);
  if (!indicator) problems.push_back(indicator.error().what());
  // Compared so that NaN is refused too.
  if (!(slo.target_percent > 0 && slo.target_percent < 100) ||
      !(budget_ratio(slo.target_percent) > 0)) {
    problems.push_back("the target must be above 0% and below 100%, it is " +
                       format_double(slo.target_percent) + "%");
    return problems;
  }
  check_windows(slo, problems);
  if (!slo.name.empty()) {
    for (std::string& problem : problems) problem.insert(0, "SLO \"" + slo.name + "\": ");
  }
  return problems;
}

}  // namespace nines::slo
