// [[slos]]: service level objectives.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

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

void read_ratio(TableReader& r, slo::IndicatorConfig& indicator, const Config& config) {
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

void read_threshold(TableReader& r, slo::IndicatorConfig& indicator, const Config& config) {
  indicator.kind = slo::IndicatorKind::kSamples;
  read_selector(r, "metric", indicator.total, config);
  std::string op = "lte";
  r.read_one_of("op", op, {"lt", "lte", "gt", "gte", "eq", "ne"});
  for (const auto candidate : {slo::CompareOp::kLt, slo::CompareOp::kLte, slo::CompareOp::kGt,
                               slo::CompareOp::kGte, slo::CompareOp::kEq, slo::CompareOp::kNe}) {
    if (op == slo::to_string(candidate)) indicator.op = candidate;
  }
  if (!r.has("value")) r.fail("", "`value` is missing in " + r.name());
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
  kind("latency_metric", [&](TableReader& r) {
    indicator.kind = slo::IndicatorKind::kLatency;
    read_selector(r, "histogram", indicator.total, config);
    r.read("threshold", indicator.threshold);
  });
  kind("boolean_metric", [&](TableReader& r) {
    indicator.kind = slo::IndicatorKind::kSamples;
    indicator.op = slo::CompareOp::kNe;
    read_selector(r, "metric", indicator.total, config);
  });
  kind("probe", [&](TableReader& r) {
    indicator.kind = slo::IndicatorKind::kSamples;
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

void read_budgeting(TableReader& t, slo::SloConfig& s, double slice_target) {
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
  s.time_slice_target = slice_target;
}

// Returns the time slice target.
double read_objective(TableReader& o, slo::SloConfig& s) {
  double target = 0, slice_target = 0;
  std::string display_name;
  o.read("display_name", display_name);
  o.read("target", target);
  if (target != 0) s.target_percent = target * 100;
  o.read("target_percent", s.target_percent);
  o.read("time_slice_target", slice_target);
  o.read("time_slice_window", s.time_slice_window);
  return slice_target;
}

}  // namespace

void read_slos(TableReader& root, Config& config) {
  root.tables("slos", [&](TableReader& t) {
    slo::SloConfig s;
    s.line = t.line();
    t.read("name", s.name);
    t.read("service", s.service);
    t.read("description", s.description);
    t.table("time_window", [&](TableReader& w) { read_window(w, s); });
    int objectives = 0;
    double slice_target = 0;
    t.tables("objectives", [&](TableReader& o) {
      slice_target = read_objective(o, s);
      if (++objectives == 2)
        o.fail("", "one objective per SLO: write a second [[slos]] for the other");
    });
    if (objectives == 0) t.fail("objectives", "`objectives` is missing in SLO " + quote_go(s.name));
    read_budgeting(t, s, slice_target);
    bool has_indicator = false;
    t.table("indicator",
            [&](TableReader& i) { has_indicator = read_indicator(i, s.indicator, config); });
    if (!has_indicator) {
      t.fail("indicator",
             "`indicator = { ratio_metric = { good = '...', total = '...' } }` is missing (or "
             "latency_metric, threshold_metric, boolean_metric, probe)");
    }
    s.alerting = slo::google_30d();
    t.table("alerting", [&](TableReader& a) { s.alerting = read_burn_windows(a, s.window); });
    if (has_indicator && t.problems().empty()) {
      for (const std::string& problem : slo::check_slo(s, config.promql)) t.fail("", problem);
    }
    for (const auto& other : config.slos) {
      if (other.name == s.name) t.fail("name", "SLO " + quote_go(s.name) + " is defined twice");
    }
    config.slos.push_back(std::move(s));
  });
}

}  // namespace nines::config
