// `nines slo simulate`.
#include "app/cli/internal/simulate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/verbs.h"
#include "app/config/config.h"
#include "base/fs/fs.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

constexpr Duration kMinute{60'000};
constexpr double kRounding = 1e-9;  // of a quotient that is meant to be whole

std::int64_t units_in(Duration length, Duration unit) {
  return length / unit;
}

// What of each unit, a minute or a slice, is bad.
double bad_share(const Judged& judged, double errors) {
  if (judged.budgeting != slo::Budgeting::kTimeslices) return errors;
  return 1 - errors >= judged.slice_target ? 0 : 1;
}

// The first number of bad units with which a window burns faster than `rate`; more than the window
// has: never.
std::int64_t units_to_exceed(std::int64_t window, double rate, double burn) {
  return static_cast<std::int64_t>(
             std::floor(rate / burn * static_cast<double>(window) + kRounding)) +
         1;
}

// After so many units without errors a window with `bad` bad ones in it is no longer above.
std::int64_t units_to_calm(std::int64_t window, std::int64_t bad, double rate, double burn) {
  const std::int64_t allowed = units_to_exceed(window, rate, burn) - 1;
  return bad <= allowed ? 0 : window - allowed;
}

RowOutcome outcome_of(const slo::BurnWindow& row, double burn, Duration unit,
                      std::optional<std::int64_t> lasts, double window_units) {
  RowOutcome out{row, std::nullopt, 0, std::nullopt};
  if (!(burn > row.burn_rate * (1 + 1e-12))) return out;
  const std::int64_t longer = units_in(row.long_window, unit);
  const std::int64_t shorter = units_in(row.short_window, unit);
  const std::int64_t fires = std::max(units_to_exceed(longer, row.burn_rate, burn),
                                      units_to_exceed(shorter, row.burn_rate, burn));
  if (fires > longer || (lasts && fires > *lasts)) return out;
  out.fires_after = fires * unit;
  out.spent = static_cast<double>(fires) * burn / window_units;
  if (lasts) {
    out.over_after = unit * std::min(units_to_calm(longer, *lasts, row.burn_rate, burn),
                                     units_to_calm(shorter, *lasts, row.burn_rate, burn));
  }
  return out;
}

Result<Judged> from_file(const std::string& file, const std::string& name) {
  const auto fs = make_posix_fs();
  Result<config::Config> config = config::load_rules_alone(*fs, file);
  if (!config) config = config::load_file(*fs, file);
  if (!config) return config.error();
  std::vector<std::string> names;
  for (const slo::SloConfig& slo : config->slos) {
    if (slo.name == name) return judged_of(slo);
    names.push_back(slo.name);
  }
  return Error(ErrorCode::kNotFound, "there is no SLO " + quote_go(name) + " in " + file +
                                         (names.empty() ? "" : ", there are " + join(names, ", ")));
}

std::string after(const std::optional<Duration>& time, const char* otherwise) {
  return time ? format_duration(*time) : otherwise;
}

void print_json(const Simulated& result) {
  JsonWriter json;
  const auto seconds = [&](const char* key, const std::optional<Duration>& time) {
    json.key(key);
    if (time) {
      json.value(to_seconds(*time));
    } else {
      json.null();
    }
  };
  json.begin_object().field("burn_rate", result.burn_rate).key("alerts").begin_array();
  for (const RowOutcome& one : result.rows) {
    json.begin_object()
        .field("severity", one.row.severity)
        .field("long_seconds", to_seconds(one.row.long_window))
        .field("short_seconds", to_seconds(one.row.short_window))
        .field("burn_rate", one.row.burn_rate);
    seconds("fires_after_seconds", one.fires_after);
    json.field("budget_spent", one.spent);
    seconds("over_after_seconds", one.over_after);
    json.end_object();
  }
  json.end_array();
  seconds("budget_gone_after_seconds", result.gone_after);
  json.field("budget_spent", result.spent).end_object();
  fmt::print("{}\n", json.take());
}

void print_table(const ClientOptions& client, const Simulated& result, bool ends) {
  std::vector<Row> rows;
  for (const RowOutcome& one : result.rows) {
    rows.push_back(
        {one.row.severity,
         format_duration(one.row.long_window) + "/" + format_duration(one.row.short_window),
         fmt::format("{:g}", one.row.burn_rate), after(one.fires_after, "never"),
         one.fires_after ? fmt::format("{:.2f}%", one.spent * 100) : "",
         one.over_after ? format_duration(*one.over_after) : ""});
  }
  print_rows(client,
             {"SEVERITY", "WINDOWS", "ABOVE", "FIRES AFTER", "BUDGET SPENT", "OVER AFTER END"},
             rows);
  if (client.output == "csv") return;  // one table
  fmt::print("\nburn rate {:.4g}; budget gone {}; {:.2f}% of it spent at the {}\n",
             result.burn_rate,
             result.gone_after ? "after " + format_duration(*result.gone_after) : "never",
             result.spent * 100, ends ? "outage's end" : "window's end");
}

std::optional<std::vector<slo::BurnWindow>> preset_rows(const std::string& preset,
                                                        Duration window) {
  if (preset == "google-30d") return slo::google_30d();
  if (preset == "google-28d") return slo::google_28d();
  if (preset == "pyrra") return slo::pyrra(window);
  return std::nullopt;
}

int refuse(const std::string& what) {
  fmt::print(stderr, "nines: {}\n", what);
  return kExitUsage;
}

}  // namespace

Judged judged_of(const slo::SloConfig& slo) {
  return {slo.target_percent,    slo.window,  slo.budgeting, slo.time_slice_target,
          slo.time_slice_window, slo.alerting};
}

Judged judged_of(const Json& slo) {
  const auto duration = [](const Json& seconds) {
    return Duration(std::llround(seconds.as_double() * 1000));
  };
  Judged out;
  out.target_percent = slo["target_percent"].as_double();
  out.window = duration(slo["window_seconds"]);
  const std::string budgeting = slo["budgeting_method"].as_string();
  for (const slo::Budgeting one : {slo::Budgeting::kTimeslices, slo::Budgeting::kRatioTimeslices}) {
    if (budgeting == slo::to_string(one)) out.budgeting = one;
  }
  out.slice_target = slo["time_slice_target"].as_double();
  if (slo["time_slice_seconds"].is_number()) out.slice_window = duration(slo["time_slice_seconds"]);
  for (const Json& row : slo["alerting"].items()) {
    out.rows.push_back({duration(row["long_seconds"]), duration(row["short_seconds"]),
                        row["burn_rate"].as_double(), row["severity"].as_string()});
  }
  return out;
}

Simulated simulate(const Judged& judged, const Outage& outage) {
  Simulated out;
  const bool slices = judged.budgeting != slo::Budgeting::kOccurrences;
  const Duration unit = slices ? judged.slice_window : kMinute;
  const double budget = slo::budget_ratio(judged.target_percent);
  out.burn_rate = bad_share(judged, outage.error_percent / 100) / budget;
  const double window_units = static_cast<double>(units_in(judged.window, unit));
  std::optional<std::int64_t> lasts;
  // A slice of which a part was bad for long enough is counted whole here.
  if (outage.lasts) lasts = (*outage.lasts + unit - Duration(1)) / unit;
  for (const slo::BurnWindow& row : judged.rows)
    out.rows.push_back(outcome_of(row, out.burn_rate, unit, lasts, window_units));
  const double bad_units =
      std::min(window_units, lasts ? static_cast<double>(*lasts) : window_units);
  out.spent = bad_units * out.burn_rate / window_units;
  if (out.burn_rate > 0) {
    // Gone when nothing is left of it.
    const double units = std::ceil(window_units / out.burn_rate - kRounding);
    if (units <= bad_units) out.gone_after = static_cast<std::int64_t>(units) * unit;
  }
  return out;
}

int slo_simulate(const ClientOptions& client, const SimulateOptions& options) {
  Judged judged;
  if (options.name.empty()) {
    if (!options.file.empty()) return refuse("--file needs the NAME of one of its SLOs");
    judged.rows = slo::google_30d();
  } else if (!options.file.empty()) {
    const Result<Judged> found = from_file(options.file, options.name);
    if (!found) {
      fmt::print(stderr, "nines: {}\n", found.error().what());
      return found.error().code() == ErrorCode::kNotFound ? kExitNotFound : kExitFailure;
    }
    judged = *found;
  } else {
    const Answer answer = ask(client, "GET", "/api/nines/v1/slos/" + url_encode(options.name), {});
    if (answer.exit_code != kExitOk) return answer.exit_code;
    if (answer.json["grouped"].is_object())
      return refuse(quote_go(options.name) + " is one SLO for each group: name one of them");
    judged = judged_of(answer.json);
  }
  if (options.target_percent) judged.target_percent = *options.target_percent;
  if (options.window_days) judged.window = Duration(*options.window_days * 86'400'000LL);
  if (!options.preset.empty())
    judged.rows = preset_rows(options.preset, judged.window).value_or(judged.rows);
  if (!(judged.target_percent > 0 && judged.target_percent < 100) ||
      !(options.error_percent > 0 && options.error_percent <= 100)) {
    return refuse("--target lies between 0 and 100, --errors above 0 and at most 100");
  }
  Outage outage{options.error_percent, std::nullopt};
  if (!options.lasts.empty()) {
    const auto lasts = parse_duration(options.lasts);
    if (!lasts || *lasts < kMinute || *lasts % kMinute != Duration::zero())
      return refuse("--for must be whole minutes, like 45m or 2h");
    outage.lasts = *lasts;
  }
  const Simulated result = simulate(judged, outage);
  if (client.output == "json") {
    print_json(result);
  } else {
    print_table(client, result, outage.lasts.has_value());
  }
  return kExitOk;
}

}  // namespace nines::app
