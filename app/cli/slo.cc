// `nines slo ...`: error budgets of a running nines.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/verbs.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/slo/config.h"

namespace nines::app {
namespace {

std::string percent(const Json& share, int digits = 1) {
  return fmt::format("{:.{}f}%", share.as_double() * 100, digits);
}

std::string span(double seconds) {
  if (seconds < 0) return "never";
  return format_duration(Duration(static_cast<std::int64_t>(seconds) / 60 * 60'000));
}

std::string instant(const Json& seconds) {
  return format_time(from_millis(static_cast<std::int64_t>(seconds.as_double() * 1000)));
}

std::string unit_of(const Json& s) {
  return s["budgeting_method"].as_string() == "Occurrences" ? "events" : "slices";
}

std::vector<Row> figures(const Json& s) {
  const std::string unit = unit_of(s);
  std::vector<Row> rows{
      {"state", s["state"].as_string()},
      {"target", fmt::format("{:g}%", s["target_percent"].as_double())},
      {"window", fmt::format("{} {}, {} to {}", span(s["window_seconds"].as_double()),
                             s["is_rolling"].as_bool() ? "rolling" : "calendar",
                             instant(s["window_from"]), instant(s["window_to"]))},
      {"sli", percent(s["sli"], 4)},
      {"good of valid " + unit, fmt::format("{} of {}", format_double(s["good"].as_double()),
                                            format_double(s["valid"].as_double()))},
      {"budget",
       fmt::format("{} of {} {} spent, {} left", format_double_g(s["budget_consumed"].as_double()),
                   format_double_g(s["budget_total"].as_double()), unit,
                   percent(s["budget_remaining"]))},
      {"budget in minutes",
       fmt::format("{:.1f} of {:.1f} left", s["budget_minutes_remaining"].as_double(),
                   s["budget_minutes_total"].as_double())},
      {"minutes with failures", fmt::format("{}", s["bad_minutes"].as_int())},
      {"forecast", percent(s["forecast_remaining"]) + " left at the window's end"},
      {"exhausted in", s["exhaustion_seconds"].is_number()
                           ? span(s["exhaustion_seconds"].as_double())
                           : "not at this rate"},
      {"alerts firing", fmt::format("{}", s["alerts_firing"].as_int())}};
  return rows;
}

std::vector<Row> burns(const Json& s) {
  std::vector<std::pair<Duration, Row>> sorted;
  for (const auto& [window, rate] : s["burn_rates"].members()) {
    const auto length = parse_duration(window);
    sorted.emplace_back(length ? *length : Duration(0),
                        Row{window, fmt::format("{:.3f}", rate.as_double())});
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Row> rows;
  for (auto& [length, row] : sorted) {
    std::string alerts;
    for (const Json& alert : s["alerting"].items()) {
      if (Duration(static_cast<std::int64_t>(alert["long_seconds"].as_double() * 1000)) != length)
        continue;
      alerts +=
          (alerts.empty() ? "" : ", ") + fmt::format("{} above {:g}", alert["severity"].as_string(),
                                                     alert["burn_rate"].as_double());
    }
    row.push_back(alerts);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string path_of(const std::string& name) {
  return "/api/nines/v1/slos/" + url_encode(name);
}

}  // namespace

int slo_list(const ClientOptions& client) {
  const Answer answer = ask(client, "GET", "/api/nines/v1/slos", {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  std::vector<Row> rows;
  for (const Json& s : answer.json["slos"].items()) {
    rows.push_back({s["name"].as_string(), s["service"].as_string(), s["state"].as_string(),
                    fmt::format("{:g}%", s["target_percent"].as_double()),
                    fmt::format("{:.4f}%", s["sli"].as_double() * 100),
                    fmt::format("{:.1f}%", s["budget_remaining"].as_double() * 100),
                    fmt::format("{:.2f}", s["burn_rates"]["1h"].as_double())});
  }
  print_rows(client, {"SLO", "SERVICE", "STATE", "TARGET", "SLI", "BUDGET LEFT", "BURN 1H"}, rows);
  return kExitOk;
}

int slo_status(const ClientOptions& client, const std::string& name) {
  const Answer answer = ask(client, "GET", path_of(name), {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  print_rows(client, {"SLO", name}, figures(answer.json));
  return kExitOk;
}

int slo_burn(const ClientOptions& client, const std::string& name) {
  const Answer answer = ask(client, "GET", path_of(name), {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  print_rows(client, {"WINDOW", "BURN RATE", "ALERT"}, burns(answer.json));
  return kExitOk;
}

// Markdown, for a review: every SLO with its figures and burn rates.
int slo_report(const ClientOptions& client) {
  const Answer answer = ask(client, "GET", "/api/nines/v1/slos", {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  fmt::print("# Error budgets\n");
  for (const Json& s : answer.json["slos"].items()) {
    fmt::print("\n## {} ({})\n\n", s["name"].as_string(), s["service"].as_string());
    if (!s["description"].as_string().empty()) fmt::print("{}\n\n", s["description"].as_string());
    fmt::print("| | |\n|---|---|\n");
    for (const Row& row : figures(s)) fmt::print("| {} | {} |\n", row[0], row[1]);
    fmt::print("\n| window | burn rate | alert |\n|---|---|---|\n");
    for (const Row& row : burns(s)) fmt::print("| {} | {} | {} |\n", row[0], row[1], row[2]);
  }
  return kExitOk;
}

int slo_rebuild(const ClientOptions& client, const std::string& name, const std::string& from) {
  const Answer answer = ask(client, "POST", path_of(name) + "/rebuild",
                            from.empty() ? Params{} : Params{{"start", from}});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  fmt::print("{}: counted again from {}\n", name, answer.json["from"].as_string());
  return kExitOk;
}

// How an outage of one constant error ratio, after a clean window, would be judged by the Google
// table: when each row begins to fire, and when the budget is gone.
int slo_simulate(double target_percent, double error_percent, Duration window) {
  if (!(target_percent > 0 && target_percent < 100) ||
      !(error_percent > 0 && error_percent <= 100)) {
    fmt::print(stderr,
               "nines: --target lies between 0 and 100, --errors above 0 and at most 100\n");
    return kExitUsage;
  }
  const double budget = (100 - target_percent) / 100;
  const double burn = error_percent / 100 / budget;
  for (const slo::BurnWindow& row : slo::google_30d()) {
    const std::string name =
        fmt::format("{:<6} {}/{} above {:g}", row.severity, format_duration(row.long_window),
                    format_duration(row.short_window), row.burn_rate);
    // The long window's mean reaches the factor when this share of it is bad; the short one's too.
    const double share = row.burn_rate / burn;
    if (share >= 1) {
      fmt::print("{:<28} never: the burn rate is {:.3g}\n", name, burn);
    } else {
      fmt::print("{:<28} after {}, with {:.2f}% of the budget spent\n", name,
                 format_duration(
                     Duration(static_cast<std::int64_t>(
                                  share * static_cast<double>(row.long_window.count()) / 1000) *
                              1000)),
                 100 * row.burn_rate * to_seconds(row.long_window) / to_seconds(window));
    }
  }
  fmt::print(
      "{:<28} after {}\n", "budget gone",
      format_duration(Duration(static_cast<std::int64_t>(to_seconds(window) / burn) * 1000)));
  return kExitOk;
}

}  // namespace nines::app
