// `nines test rules --replay 30d`: rules over what a server has stored.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/rule_files.h"
#include "app/cli/internal/verbs.h"
#include "base/core/real_clock.h"
#include "base/fs/fs.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/alerts/backtest.h"

namespace nines::app {
namespace {

LabelSet labels_of(const Json& metric) {
  std::vector<Label> labels;
  for (const auto& [name, value] : metric.members()) labels.push_back({name, value.as_string()});
  return LabelSet::from(std::move(labels));
}

Result<promql::Matrix> matrix_of(const Json& json) {
  promql::Matrix matrix;
  for (const Json& one : json["data"]["result"].items()) {
    promql::MatrixSeries series{labels_of(one["metric"]), {}};
    for (const Json& point : one["values"].items()) {
      const auto value = parse_double(point[1].as_string());
      if (!value) return Error(ErrorCode::kCorrupt, "no number: " + point[1].as_string());
      series.samples.times.push_back(
          static_cast<std::int64_t>(std::llround(point[std::size_t{0}].as_double() * 1000)));
      series.samples.values.push_back(*value);
    }
    matrix.push_back(std::move(series));
  }
  return matrix;
}

// What was wrong stands on stderr already.
Error query_failed(const Answer& answer) {
  const bool by_server = answer.exit_code == kExitFailure;
  return Error(by_server ? ErrorCode::kInvalid : ErrorCode::kUnavailable, "the query failed");
}

Result<promql::Matrix> ask_range(const ClientOptions& client, const std::string& expr,
                                 Timestamp from, Timestamp to, Duration step) {
  const Answer answer = ask(client, "GET", "/api/v1/query_range",
                            {{"query", expr},
                             {"start", format_time(from)},
                             {"end", format_time(to)},
                             {"step", fmt::format("{:.3f}", to_seconds(step))}});
  if (answer.exit_code != kExitOk) return query_failed(answer);
  return matrix_of(answer.json);
}

// The samples of a selector in [from, to]; windows are open on the left.
Result<promql::Matrix> ask_samples(const ClientOptions& client, const std::string& selector,
                                   Timestamp from, Timestamp to) {
  const Duration length = to - from + Duration(1);
  const Answer answer =
      ask(client, "GET", "/api/v1/query",
          {{"query", selector + "[" + format_duration(length) + "]"}, {"time", format_time(to)}});
  if (answer.exit_code != kExitOk) return query_failed(answer);
  return matrix_of(answer.json);
}

// Groups of the same name on the server say at which instants they are evaluated, and how often
// where the file does not.
void learn_groups(const ClientOptions& client, std::vector<alerts::GroupConfig>& groups,
                  std::map<std::string, Duration>& phases) {
  const Answer answer = ask(client, "GET", "/api/v1/rules", {{"exclude_alerts", "true"}});
  if (answer.exit_code != kExitOk) return;
  for (const Json& one : answer.json["data"]["groups"].items()) {
    const std::string name = one["name"].as_string();
    const Duration interval(std::llround(one["interval"].as_double() * 1000));
    const auto last = parse_time(one["lastEvaluation"].as_string());
    for (alerts::GroupConfig& group : groups) {
      if (group.name != name || interval <= Duration::zero()) continue;
      if (group.interval == Duration::zero()) group.interval = interval;
      if (last && *last > Timestamp{} && group.interval == interval)
        phases[name] = Duration(to_millis(*last) % interval.count());
    }
  }
}

void say_left_out(const std::vector<alerts::GroupConfig>& groups) {
  for (const alerts::GroupConfig& group : groups) {
    for (const alerts::RuleConfig& rule : group.rules) {
      if (!rule.logql) continue;
      fmt::print(stderr, "{}:{}: \"{}\" asks the logs and is not replayed\n", group.file, rule.line,
                 rule.alert + rule.record);
    }
  }
}

std::string time_or_dash(Timestamp at) {
  return at == Timestamp{} ? "-" : format_time(at);
}

void write_text_map(JsonWriter& json, const char* key, const LabelSet& labels) {
  json.key(key).begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object();
}

void print_json(const std::vector<alerts::BacktestAlert>& found) {
  JsonWriter json;
  json.begin_array();
  for (const alerts::BacktestAlert& one : found) {
    json.begin_object()
        .field("group", one.group)
        .field("state", alerts::to_string(one.alert.state));
    write_text_map(json, "labels", one.alert.labels);
    write_text_map(json, "annotations", one.alert.annotations);
    json.field("activeAt", format_time(one.alert.active_at));
    if (one.alert.fired_at != Timestamp{}) json.field("firedAt", format_time(one.alert.fired_at));
    if (one.alert.resolved_at != Timestamp{}) {
      json.field("resolvedAt", format_time(one.alert.resolved_at));
    }
    json.field("value", format_double(one.alert.value))
        .field("min", format_double(one.value_min))
        .field("max", format_double(one.value_max))
        .end_object();
  }
  fmt::print("{}\n", json.end_array().str());
}

void print_table(const ClientOptions& client, const std::vector<alerts::BacktestAlert>& found,
                 Timestamp until) {
  std::vector<Row> rows;
  std::map<std::string, int> fired;
  for (const alerts::BacktestAlert& one : found) {
    const alerts::Alert& alert = one.alert;
    if (alert.fired_at == Timestamp{}) continue;
    ++fired[std::string(alert.labels.get(kAlertName))];
    const Timestamp end = alert.resolved_at == Timestamp{} ? until : alert.resolved_at;
    rows.push_back({time_or_dash(alert.active_at), time_or_dash(alert.fired_at),
                    time_or_dash(alert.resolved_at), format_duration(end - alert.fired_at),
                    format_double_g(alert.value), format_double_g(one.value_min),
                    format_double_g(one.value_max), alert.labels.to_string()});
  }
  print_rows(client, {"PENDING", "FIRED", "RESOLVED", "FOR", "VALUE", "MIN", "MAX", "ALERT"}, rows);
  if (client.output != "table") return;
  fmt::print("{} alerts would have fired", rows.size());
  std::string separator = ": ";
  for (const auto& [name, count] : fired) {
    fmt::print("{}{} {}", separator, name, count);
    separator = ", ";
  }
  fmt::print("\n");
}

}  // namespace

int replay_rules(const std::vector<std::string>& files, const ReplayOptions& options) {
  const auto span_length = parse_duration(options.span);
  if (!span_length) {
    fmt::print(stderr, "nines: --replay: {}\n", span_length.error().what());
    return kExitUsage;
  }
  alerts::BacktestSpan span;
  span.to = make_real_clock()->now();
  if (!options.until.empty()) {
    const auto until = parse_time(options.until);
    if (!until) {
      fmt::print(stderr, "nines: --until: {}\n", until.error().what());
      return kExitUsage;
    }
    span.to = *until;
  }
  span.from = span.to - *span_length;
  const auto fs = make_posix_fs();
  int code = kExitOk;
  std::vector<alerts::BacktestAlert> found;
  for (const std::string& file : files) {
    const auto config = load_rule_file(*fs, file);
    if (!config) {
      fmt::print(stderr, "{}\n", config.error().what());
      return kExitFailure;
    }
    span.evaluation_interval = config->global.evaluation_interval;
    std::vector<alerts::GroupConfig> groups = config->groups;
    std::map<std::string, Duration> phases;
    learn_groups(options.client, groups, phases);
    span.phase = [&](const alerts::GroupConfig& group) {
      const auto known = phases.find(group.name);
      return known == phases.end() ? Duration::zero() : known->second;
    };
    say_left_out(groups);
    auto alerts = alerts::backtest(
        groups, span,
        {[&](const std::string& expr, Timestamp from, Timestamp to, Duration step) {
           return ask_range(options.client, expr, from, to, step);
         },
         [&](const std::string& selector, Timestamp from, Timestamp to) {
           return ask_samples(options.client, selector, from, to);
         },
         [&](const Error& error) {
           code = kExitFailure;
           fmt::print(stderr, "nines: {}: left out\n", error.what());
         }});
    if (!alerts) {
      fmt::print(stderr, "nines: {}\n", alerts.error().what());
      return kExitFailure;
    }
    for (alerts::BacktestAlert& one : *alerts) found.push_back(std::move(one));
  }
  if (options.client.output == "json") {
    print_json(found);
  } else {
    print_table(options.client, found, span.to);
  }
  return code;
}

}  // namespace nines::app
