// [[slos]]: service level objectives.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/logql/engine.h"

namespace nines::config {
namespace {

std::vector<slo::BurnWindow> read_burn_windows(TableReader& t, Duration window) {
  std::string preset = "google-30d";
  t.read_one_of("preset", preset, {"google-30d", "google-28d", "pyrra", "none"});
  std::vector<slo::BurnWindow> rows;
  if (preset == "google-30d") rows = slo::google_30d();
  if (preset == "google-28d") rows = slo::google_28d();
  if (preset == "pyrra") rows = slo::pyrra(window);
  if (t.has("windows")) rows.clear();
  t.tables("windows", [&](TableReader& w) {
    slo::BurnWindow row;
    w.read("long", row.long_window);
    w.read("short", row.short_window);
    w.read("burn_rate", row.burn_rate);
    w.read("severity", row.severity);
    if (row.long_window <= row.short_window || row.short_window < Duration(60'000)) {
      w.fail("long", "`long` must be longer than `short`, and `short` at least 1m");
    }
    rows.push_back(std::move(row));
  });
  return rows;
}

void read_window(TableReader& w, slo::SloConfig& s) {
  bool rolling = true;
  w.read("is_rolling", rolling);
  const bool has_calendar = w.has("calendar");
  if (!has_calendar) {
    w.read("duration", s.window);
    if (!rolling) {
      w.fail("is_rolling",
             "a window that does not roll needs a calendar: `time_window = { duration = \"1M\", "
             "calendar = { start_time = \"2026-01-01 00:00:00\", time_zone = \"UTC\" } }`");
    }
    if (s.window < Duration(3'600'000) || s.window > Duration(400LL * 86'400'000)) {
      w.fail("duration", "`duration` must be between 1h and 400d");
    }
    return;
  }
  if (rolling && w.has("is_rolling"))
    w.fail("is_rolling", "a window with `calendar` does not roll: write `is_rolling = false`");
  std::string duration = "1M";
  w.read("duration", duration);
  auto calendar = slo::parse_calendar_duration(duration);
  if (!calendar) w.fail("duration", calendar.error().what());
  slo::CalendarWindow window = calendar ? *calendar : slo::CalendarWindow{};
  w.table("calendar", [&](TableReader& c) {
    std::string start = "2020-01-01 00:00:00", zone = "UTC";
    c.read("start_time", start);
    c.read("time_zone", zone);
    if (const auto found = TimeZone::find(zone)) {
      window.zone = *found;
    } else {
      c.fail("time_zone", found.error().what());
    }
    if (const auto at = parse_local_time(start)) {
      window.start = *at;
    } else {
      c.fail("start_time", at.error().what());
    }
    if (window.start.time_since_epoch() % Duration(60'000) != Duration::zero())
      c.fail("start_time", "`start_time` must be a whole minute");
  });
  s.window = slo::longest(window);
  s.calendar = std::move(window);
}

void read_selector(TableReader& t, std::string_view key, std::string& out, const Config& config) {
  t.read(key, out);
  if (out.empty()) {
    t.fail("", "`" + std::string(key) + "` is missing in " + t.name());
  } else {
    check_promql(t, key, out, config);
  }
}

// Shares that are reckoned already, as OpenSLO's `raw` and `rawType`.
void read_raw(TableReader& r, slo::IndicatorConfig& indicator, const Config& config) {
  read_selector(r, "raw", indicator.total, config);
  std::string type;
  r.read_one_of("raw_type", type, {"success", "failure"});
  if (!r.has("raw_type")) {
    r.fail("raw",
           "`raw_type` is missing: \"success\" when the values are shares of good events, "
           "\"failure\" when they are shares of bad ones");
  }
  indicator.raw = type == "failure" ? slo::RawRatio::kFailure : slo::RawRatio::kSuccess;
  for (const char* other : {"good", "bad", "total", "counter"}) {
    if (r.has(other)) {
      r.fail(other, "`raw` is the whole ratio: `" + std::string(other) +
                        "` does not go with it, leave one of them out");
    }
  }
}

void read_ratio(TableReader& r, slo::IndicatorConfig& indicator, const Config& config) {
  if (r.has("raw")) {
    read_raw(r, indicator, config);
    return;
  }
  if (r.has("raw_type"))
    r.fail("raw_type", "`raw_type` says what `raw` is, which is not there: a selector of shares");
  r.read("counter", indicator.counter);
  r.read("good", indicator.good);
  r.read("bad", indicator.bad);
  r.read("total", indicator.total);
  for (const auto& [key, expr] :
       {std::pair("good", &indicator.good), std::pair("bad", &indicator.bad),
        std::pair("total", &indicator.total)}) {
    if (!expr->empty()) check_promql(r, key, *expr, config);
  }
}

void read_log_selector(TableReader& t, std::string_view key, std::string& out) {
  t.read(key, out);
  if (out.empty()) return;
  const auto query = logql::LogQuery::parse(out);
  if (!query) t.fail(key, query.error().what());
}

void read_log_lines(TableReader& r, slo::IndicatorConfig& indicator) {
  indicator.kind = slo::IndicatorKind::kLogs;
  read_log_selector(r, "good", indicator.good);
  read_log_selector(r, "bad", indicator.bad);
  read_log_selector(r, "total", indicator.total);
}

void read_latency(TableReader& r, slo::IndicatorConfig& indicator, const Config& config) {
  bool native = false;
  r.read("native", native);
  indicator.kind = native ? slo::IndicatorKind::kLatencyNative : slo::IndicatorKind::kLatency;
  read_selector(r, "histogram", indicator.total, config);
  r.read("threshold", indicator.threshold);
}

void read_composite(TableReader& r, slo::IndicatorConfig& indicator) {
  indicator.kind = slo::IndicatorKind::kComposite;
  std::string method = "weighted";
  r.read_one_of("method", method, {"weighted", "worst"});
  indicator.method =
      method == "worst" ? slo::CompositeMethod::kWorst : slo::CompositeMethod::kWeighted;
  r.tables("members", [&](TableReader& m) {
    slo::CompositeMember member;
    m.read("slo", member.slo);
    m.read("weight", member.weight);
    if (member.slo.empty()) m.fail("", "`slo` is missing in " + m.name() + ": an SLO's name");
    if (!(member.weight > 0)) m.fail("weight", "`weight` must be above 0");
    if (m.has("weight") && indicator.method == slo::CompositeMethod::kWorst)
      m.fail("weight", "`weight` means nothing with method = \"worst\": remove it");
    indicator.members.push_back(std::move(member));
  });
}

// Absent, it stays as it is.
void read_op(TableReader& r, slo::IndicatorConfig& indicator) {
  std::string op = slo::to_string(indicator.op);
  r.read_one_of("op", op, {"lt", "lte", "gt", "gte", "eq", "ne"});
  for (const auto candidate : {slo::CompareOp::kLt, slo::CompareOp::kLte, slo::CompareOp::kGt,
                               slo::CompareOp::kGte, slo::CompareOp::kEq, slo::CompareOp::kNe}) {
    if (op == slo::to_string(candidate)) indicator.op = candidate;
  }
}

void read_threshold(TableReader& r, slo::IndicatorConfig& indicator, const Config& config) {
  indicator.kind = slo::IndicatorKind::kThreshold;
  read_selector(r, "metric", indicator.total, config);
  read_op(r, indicator);
  indicator.threshold = std::numeric_limits<double>::quiet_NaN();  // objectives may have their own
  r.read("value", indicator.threshold);
}

// Exactly one of the kinds; returns whether one was there.
bool read_indicator(TableReader& i, slo::IndicatorConfig& indicator, const Config& config) {
  int kinds = 0;
  const auto kind = [&](std::string_view key, const auto& read) {
    i.table(key, [&](TableReader& r) {
      if (++kinds == 2) i.fail(key, "an indicator is of one kind, here are two");
      read(r);
    });
  };
  kind("ratio_metric", [&](TableReader& r) { read_ratio(r, indicator, config); });
  kind("threshold_metric", [&](TableReader& r) { read_threshold(r, indicator, config); });
  kind("latency_metric", [&](TableReader& r) { read_latency(r, indicator, config); });
  kind("log_lines", [&](TableReader& r) { read_log_lines(r, indicator); });
  kind("composite", [&](TableReader& r) { read_composite(r, indicator); });
  kind("boolean_metric", [&](TableReader& r) {
    indicator.kind = slo::IndicatorKind::kBoolean;
    indicator.op = slo::CompareOp::kNe;
    read_selector(r, "metric", indicator.total, config);
  });
  kind("probe", [&](TableReader& r) {
    indicator.kind = slo::IndicatorKind::kProbe;
    indicator.op = slo::CompareOp::kNe;
    std::string job, instance;
    r.read("job", job);
    r.read("instance", instance);
    if (job.empty()) r.fail("", "`job` is missing in " + r.name() + ": the probe's job_name");
    indicator.total = "probe_success{job=" + quote_go(job) +
                      (instance.empty() ? "" : ",instance=" + quote_go(instance)) + "}";
  });
  return kinds > 0;
}

void read_budgeting(TableReader& t, slo::SloConfig& s) {
  std::string method = "Occurrences", no_data = "freeze";
  t.read_one_of("budgeting_method", method, {"Occurrences", "Timeslices", "RatioTimeslices"});
  t.read_one_of("on_no_data", no_data, {"freeze", "good", "bad"});
  t.read("min_events", s.min_events);
  using slo::Budgeting;
  for (const Budgeting one :
       {Budgeting::kOccurrences, Budgeting::kTimeslices, Budgeting::kRatioTimeslices}) {
    if (method == slo::to_string(one)) s.budgeting = one;
  }
  s.on_no_data = no_data == "good"  ? slo::OnNoData::kGood
                 : no_data == "bad" ? slo::OnNoData::kBad
                                    : slo::OnNoData::kFreeze;
}

void read_grouping(TableReader& t, slo::SloConfig& s) {
  t.read("group_by", s.group_by);
  std::sort(s.group_by.begin(), s.group_by.end());
  s.group_by.erase(std::unique(s.group_by.begin(), s.group_by.end()), s.group_by.end());
  std::int64_t max_groups = static_cast<std::int64_t>(s.max_groups);
  t.read_count("max_groups", max_groups);
  if (max_groups < 1 || max_groups > 10'000)
    t.fail("max_groups", "`max_groups` must be between 1 and 10000");
  if (t.has("max_groups") && s.group_by.empty())
    t.fail("max_groups", "`max_groups` limits the groups of `group_by`, which is not there");
  s.max_groups = static_cast<std::size_t>(std::max<std::int64_t>(1, max_groups));
}

// `value` and `op` of a threshold metric may stand in the objective, as OpenSLO has them.
void read_objective_value(TableReader& o, slo::IndicatorConfig& indicator) {
  if (!o.has("value") && !o.has("op")) return;
  if (indicator.kind != slo::IndicatorKind::kThreshold) {
    o.fail(o.has("value") ? "value" : "op",
           "`op` and `value` of an objective are about threshold_metric, and its indicator is "
           "another one");
  }
  read_op(o, indicator);
  o.read("value", indicator.threshold);
}

// An objective says what is aimed at; what it leaves out is the SLO's.
void read_objective(TableReader& o, slo::SloConfig& s, bool& has_indicator, std::string& suffix,
                    const Config& config) {
  double target = 0;
  o.read("name", suffix);
  o.read("display_name", s.objective);
  o.read("target", target);
  if (target != 0) s.target_percent = target * 100;
  o.read("target_percent", s.target_percent);
  o.read("time_slice_target", s.time_slice_target);
  o.read("time_slice_window", s.time_slice_window);
  o.table("indicator", [&](TableReader& i) {
    s.indicator = {};
    has_indicator = read_indicator(i, s.indicator, config);
  });
  read_objective_value(o, s.indicator);
  o.table("alerting", [&](TableReader& a) { s.alerting = read_burn_windows(a, s.window); });
}

// One SLO for each objective. Several are called NAME-0, NAME-1, ... as Sloth calls them, or by
// names of their own.
std::vector<slo::SloConfig> read_objectives(TableReader& t, const slo::SloConfig& base,
                                            bool has_indicator, const Config& config) {
  const toml::array* written = t.raw()["objectives"].as_array();
  const bool several = written && written->size() > 1;
  std::vector<slo::SloConfig> out;
  t.tables("objectives", [&](TableReader& o) {
    slo::SloConfig s = base;
    s.line = several ? o.line() : base.line;
    std::string suffix = several ? std::to_string(out.size()) : "";
    bool indicated = has_indicator;
    read_objective(o, s, indicated, suffix, config);
    if (!suffix.empty()) {
      s.definition = base.name;
      s.name += "-" + suffix;
    }
    if (!indicated) {
      t.fail("indicator",
             "`indicator = { ratio_metric = { good = '...', total = '...' } }` is missing (or "
             "latency_metric, threshold_metric, boolean_metric, probe, log_lines, composite)");
    } else if (std::isnan(s.indicator.threshold)) {
      t.fail("indicator", "`value` is missing in threshold_metric, or in its objective");
    } else if (t.problems().empty()) {
      for (const std::string& problem : slo::check_slo(s, config.promql)) o.fail("", problem);
    }
    out.push_back(std::move(s));
  });
  if (out.empty()) t.fail("objectives", "`objectives` is missing in SLO " + quote_go(base.name));
  return out;
}

}  // namespace

void read_slos(TableReader& root, Config& config) {
  root.tables("slos", [&](TableReader& t) {
    slo::SloConfig s;
    s.file = t.problems().file();
    s.line = t.line();
    t.read("name", s.name);
    t.read("service", s.service);
    t.read("description", s.description);
    t.table("time_window", [&](TableReader& w) { read_window(w, s); });
    read_budgeting(t, s);
    read_grouping(t, s);
    bool has_indicator = false;
    t.table("indicator",
            [&](TableReader& i) { has_indicator = read_indicator(i, s.indicator, config); });
    s.alerting = slo::google_30d();
    t.table("alerting", [&](TableReader& a) {
      s.alerting = read_burn_windows(a, s.window);
      read_alert_naming(a, s.alerts);
    });
    read_slo_rest(t, s, config);
    for (slo::SloConfig& one : read_objectives(t, s, has_indicator, config)) {
      for (const auto& other : config.slos) {
        if (other.name == one.name)
          t.fail("name", "SLO " + quote_go(one.name) + " is defined twice");
      }
      config.slos.push_back(std::move(one));
    }
  });
}

}  // namespace nines::config
