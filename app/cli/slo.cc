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

namespace nines::app {
namespace {

constexpr const char* kContributors = "/api/nines/v1/contributors";

std::string percent(const Json& share, int digits = 1) {
  return fmt::format("{:.{}f}%", share.as_double() * 100, digits);
}

// Shares of events add up to sums with a tail: 386.96, not 386.96000000000004.
std::string amount(const Json& number) {
  return fmt::format("{:.12g}", number.as_double());
}

std::string span(double seconds) {
  if (seconds < 0) return "never";
  return format_duration(Duration(static_cast<std::int64_t>(seconds) / 60 * 60'000));
}

std::string instant(const Json& seconds) {
  return format_time(from_millis(static_cast<std::int64_t>(seconds.as_double() * 1000)));
}

// "2h30m", with what it may be instead: "(1h to never)".
std::string exhaustion(const Json& s) {
  const auto text = [](const Json& seconds) {
    return seconds.is_number() ? span(seconds.as_double()) : std::string("never");
  };
  const Json& band = s["exhaustion_band"];
  return (s["exhaustion_seconds"].is_number() ? text(s["exhaustion_seconds"])
                                              : std::string("not at this rate")) +
         " (" + text(band["soonest_seconds"]) + " to " + text(band["latest_seconds"]) +
         " at the burn rates of 1h, 6h and 1d)";
}

std::string indicator(const Json& s) {
  const Json& i = s["indicator"];
  std::string out = i["type"].as_string();
  for (const Json& member : i["members"].items())
    out += fmt::format(" {} x{:g}", member["slo"].as_string(), member["weight"].as_double());
  if (i["counting"].as_string() == "interpolated") out += ", " + i["interpolation"].as_string();
  return out;
}

std::vector<Row> figures(const Json& s) {
  const std::string unit = s["unit"].as_string();
  std::vector<Row> rows{
      {"state", s["state"].as_string()},
      {"indicator", indicator(s)},
      {"target", fmt::format("{:g}%", s["target_percent"].as_double())},
      {"window", fmt::format("{} {}, {} to {}", span(s["window_seconds"].as_double()),
                             s["is_rolling"].as_bool() ? "rolling" : "calendar",
                             instant(s["window_from"]), instant(s["window_to"]))},
      {"sli", percent(s["sli"], 4)},
      {"good of valid " + unit, fmt::format("{} of {}", amount(s["good"]), amount(s["valid"]))},
      {"budget", fmt::format("{} of {} {} spent, {} left ({})", amount(s["budget_consumed"]),
                             amount(s["budget_total"]), unit, amount(s["budget_remaining_events"]),
                             percent(s["budget_remaining"]))},
      {"budget in minutes",
       fmt::format("{:.1f} of {:.1f} spent, {:.1f} left", s["budget_minutes_consumed"].as_double(),
                   s["budget_minutes_total"].as_double(),
                   s["budget_minutes_remaining"].as_double())},
      {"minutes with failures", fmt::format("{}", s["bad_minutes"].as_int())},
      {"forecast", percent(s["forecast_remaining"]) + " left at the window's end"},
      {"exhausted in", exhaustion(s)},
      {"alerts firing", fmt::format("{}", s["alerts_firing"].as_int())}};
  if (s["excluded_minutes"].as_int() > 0) {
    rows.push_back({"left out", fmt::format("{} {} in {} minutes", amount(s["excluded"]), unit,
                                            s["excluded_minutes"].as_int())});
  }
  for (const Json& step : s["policy"].items()) {
    if (!step["active"].as_bool()) continue;
    std::string labels;
    for (const auto& [name, value] : step["labels"].members())
      labels += ", " + name + "=" + value.as_string();
    rows.push_back({"policy", "below " + percent(step["remaining_below"]) + " since " +
                                  instant(step["since"]) + labels});
  }
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

Row list_row(const Json& s) {
  return {s["name"].as_string(),
          s["service"].as_string(),
          s["state"].as_string(),
          fmt::format("{:g}%", s["target_percent"].as_double()),
          fmt::format("{:.4f}%", s["sli"].as_double() * 100),
          fmt::format("{:.1f}%", s["budget_remaining"].as_double() * 100),
          fmt::format("{:.2f}", s["burn_rates"]["1h"].as_double())};
}
const Row kListHead{"SLO", "SERVICE", "STATE", "TARGET", "SLI", "BUDGET LEFT", "BURN 1H"};

// Groups that max_groups kept out are said, not hidden.
void tell_refused(const Json& grouped) {
  if (grouped["refused"].as_int() == 0) return;
  std::string names;
  for (const Json& name : grouped["refused_examples"].items())
    names += (names.empty() ? "" : ", ") + name.as_string();
  fmt::print(stderr, "nines: {}: {} groups are not kept, max_groups is {}: {}\n",
             grouped["name"].as_string(), grouped["refused"].as_int(),
             grouped["max_groups"].as_int(), names);
}

Row contributor_row(const Json& of_label, const Json& one) {
  const std::string value = one["value"].as_string();
  return {of_label["label"].as_string(), value.empty() ? "(without)" : value, amount(one["bad"]),
          percent(one["share"]), percent(one["budget_share"])};
}
const Row kContributorHead{"LABEL", "VALUE", "BAD", "OF ALL BAD", "OF THE BUDGET"};

std::vector<Row> contributor_rows(const Json& answer) {
  std::vector<Row> rows;
  for (const Json& of_label : answer["labels"].items()) {
    for (const Json& one : of_label["values"].items())
      rows.push_back(contributor_row(of_label, one));
  }
  return rows;
}

std::vector<Row> incident_rows(const Json& answer) {
  std::vector<Row> rows;
  for (const Json& one : answer["incidents"].items()) {
    const Json& incident = one["incident"];
    rows.push_back({incident["labels"]["alertname"].as_string(), incident["state"].as_string(),
                    instant(incident["started_at"]),
                    incident["resolved_at"].is_number() ? instant(incident["resolved_at"]) : "",
                    amount(one["cost"]["bad"]), percent(one["cost"]["share"])});
  }
  return rows;
}
const Row kIncidentHead{"INCIDENT", "STATE", "FROM", "TO", "BAD MEANWHILE", "OF THE BUDGET"};

void print_markdown(const Row& head, const std::vector<Row>& rows) {
  if (rows.empty()) return;
  const auto line = [](const Row& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + cell + " |";
    return text;
  };
  std::string rule = "|";
  for (std::size_t i = 0; i < head.size(); ++i) rule += "---|";
  fmt::print("\n{}\n{}\n", line(head), rule);
  for (const Row& row : rows) fmt::print("{}\n", line(row));
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
  for (const Json& s : answer.json["slos"].items()) rows.push_back(list_row(s));
  print_rows(client, kListHead, rows);
  for (const Json& grouped : answer.json["grouped"].items()) tell_refused(grouped);
  return kExitOk;
}

// Of a grouped SLO: its groups. Of any other: its figures, who spent its budget, and when.
int slo_status(const ClientOptions& client, const std::string& name) {
  const Answer answer = ask(client, "GET", path_of(name), {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  if (answer.json["grouped"].is_object()) {
    std::vector<Row> rows;
    for (const Json& s : answer.json["slos"].items()) rows.push_back(list_row(s));
    print_rows(client, kListHead, rows);
    tell_refused(answer.json["grouped"]);
    return kExitOk;
  }
  print_rows(client, {"SLO", name}, figures(answer.json));
  if (client.output == "csv") return kExitOk;  // one table
  const Answer incidents = ask(client, "GET", path_of(name) + "/incidents", {});
  if (incidents.exit_code != kExitOk) return incidents.exit_code;
  const std::vector<Row> during = incident_rows(incidents.json);
  if (!during.empty()) {
    fmt::print("\n");
    print_rows(client, kIncidentHead, during);
  }
  if (answer.json["indicator"]["type"].as_string() == "composite") return kExitOk;
  const Answer who = ask(client, "GET", kContributors, {{"slo", name}});
  if (who.exit_code != kExitOk) return who.exit_code;
  const std::vector<Row> spenders = contributor_rows(who.json);
  if (!spenders.empty()) {
    fmt::print("\n");
    print_rows(client, kContributorHead, spenders);
  }
  return kExitOk;
}

int slo_contributors(const ClientOptions& client, const std::string& name,
                     const ContributorOptions& options) {
  Params params{{"slo", name}, {"limit", std::to_string(options.limit)}};
  if (!options.by.empty()) params.emplace_back("by", options.by);
  if (!options.start.empty()) params.emplace_back("start", options.start);
  if (!options.end.empty()) params.emplace_back("end", options.end);
  const Answer answer = ask(client, "GET", kContributors, params);
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  print_rows(client, kContributorHead, contributor_rows(answer.json));
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

namespace {

int report_causes(const ClientOptions& client, const Json& s) {
  const std::string name = s["name"].as_string();
  const Answer incidents = ask(client, "GET", path_of(name) + "/incidents", {});
  if (incidents.exit_code != kExitOk) return incidents.exit_code;
  print_markdown(kIncidentHead, incident_rows(incidents.json));
  if (s["indicator"]["type"].as_string() == "composite" || !(s["budget_consumed"].as_double() > 0))
    return kExitOk;
  const Answer who = ask(client, "GET", kContributors, {{"slo", name}});
  if (who.exit_code != kExitOk) return who.exit_code;
  print_markdown(kContributorHead, contributor_rows(who.json));
  return kExitOk;
}

}  // namespace

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
    if (const int failed = report_causes(client, s); failed != kExitOk) return failed;
  }
  for (const Json& grouped : answer.json["grouped"].items()) tell_refused(grouped);
  return kExitOk;
}

int slo_rebuild(const ClientOptions& client, const std::string& name, const std::string& from) {
  const Answer answer = ask(client, "POST", path_of(name) + "/rebuild",
                            from.empty() ? Params{} : Params{{"start", from}});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  fmt::print("{}: counted again from {}\n", name, answer.json["from"].as_string());
  return kExitOk;
}

}  // namespace nines::app
