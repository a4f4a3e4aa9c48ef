#include "rules/slo/internal/exporter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/model/sample.h"
#include "base/text/numbers.h"
#include "rules/slo/internal/figures.h"
#include "rules/slo/internal/minute_counter.h"
#include "rules/slo/internal/policy_watch.h"
#include "rules/slo/internal/window.h"

namespace nines::slo {
namespace {

// After the error ratios, in this order.
constexpr std::array kFigures = {
    "slo:objective:ratio",        "slo:error_budget:ratio",
    "slo:time_period:days",       "slo:current_burn_rate:ratio",
    "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio"};

constexpr Duration kCurrent{300'000};  // the window of the current burn rate
constexpr double kMsPerDay = 86'400'000;

std::vector<Duration> exported_windows(const SloConfig& slo) {
  std::vector<Duration> windows = error_windows(slo);
  // A calendar window has no fixed length that could name a series.
  if (slo.calendar || std::find(windows.begin(), windows.end(), slo.window) != windows.end())
    return windows;
  windows.push_back(slo.window);  // Sloth's slo:sli_error:ratio_rate30d
  return windows;
}

// The windows whose events a guard against low traffic looks at.
std::vector<Duration> guarded_windows(const SloConfig& slo) {
  std::vector<Duration> windows;
  if (!(slo.min_events > 0)) return windows;
  for (const BurnWindow& row : slo.alerting) windows.push_back(row.long_window);
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  return windows;
}

}  // namespace

std::map<std::string, std::string> own_labels(const SloConfig& slo) {
  constexpr std::array kTaken = {"service", "slo", "slo_definition", "remaining_below", "__name__"};
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : slo.labels) {
    const bool taken =
        name.starts_with("sloth_") ||
        std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end() ||
        std::find(slo.group_by.begin(), slo.group_by.end(), name) != slo.group_by.end();
    if (!taken && !value.empty()) out.emplace(name, value);
  }
  return out;
}

LabelSet series_labels(const SloConfig& slo) {
  LabelBuilder labels;
  for (const auto& [name, value] : own_labels(slo)) labels.set(name, value);
  labels.set("service", slo.service);
  for (const Label& label : slo.group) labels.set(label.name, label.value);
  labels.set("sloth_id", slo.service + "-" + slo.name)
      .set("sloth_service", slo.service)
      .set("sloth_slo", slo.name)
      .set("slo", slo.name);
  if (!slo.group_by.empty()) labels.set("slo_definition", slo.grouped);
  return labels.build();
}

std::string error_ratio_series(Duration window) {
  return "slo:sli_error:ratio_rate" + window_name(window);
}

std::string events_series(Duration window) {
  return "slo:valid_events:increase" + window_name(window);
}

Exporter::Exporter(storage::Appender& appender, const SloConfig& slo, const std::string& version)
    : appender_(appender), slo_(slo) {
  const LabelSet labels = series_labels(slo);
  for (const Duration window : exported_windows(slo)) {
    series_.push_back({labels.with("sloth_window", window_name(window))
                           .with(kMetricName, error_ratio_series(window)),
                       {},
                       false});
  }
  for (const Duration window : guarded_windows(slo)) {
    series_.push_back({labels.with(kMetricName, events_series(window)), {}, false});
  }
  for (const char* name : kFigures) series_.push_back({labels.with(kMetricName, name), {}, false});
  series_.push_back({labels.with(kMetricName, "sloth_slo_info")
                         .with("sloth_version", version)
                         .with("sloth_mode", "nines")
                         .with("sloth_spec", "nines/v1")
                         .with("sloth_objective", format_double(slo.target_percent)),
                     {},
                     false});
  for (const PolicyStep& step : slo.policy) {
    LabelSet of_step = labels.with("remaining_below", step_name(step));
    for (const auto& [name, value] : step.labels) of_step = of_step.with(name, value);
    series_.push_back({of_step.with(kMetricName, kPolicySeries), {}, false});
  }
}

Result<void> Exporter::open() {
  if (writer_) return {};
  NINES_TRY(auto writer, appender_.open_group({"slo/" + slo_.name, series_labels(slo_), "slo"}));
  for (Series& series : series_) {
    NINES_TRY(series.slot, writer->slot(series.labels));
  }
  writer_ = std::move(writer);
  return {};
}

Result<void> Exporter::append(std::int64_t to_minute,
                              const std::vector<std::optional<double>>& values) {
  if (to_minute <= written_to_) return {};
  if (auto opened = open(); !opened) return opened;
  std::vector<storage::Row> rows;
  for (std::size_t i = 0; i < series_.size(); ++i) {
    if (!values[i] && !series_[i].live) continue;
    storage::Row row;
    row.slot = series_[i].slot;
    row.value = values[i].value_or(stale_nan());
    rows.push_back(row);
    series_[i].live = values[i].has_value();
  }
  written_to_ = to_minute;
  // A refused row is one that an earlier life of the process has written.
  NINES_TRY([[maybe_unused]] const storage::AppendOutcome outcome,
            writer_->append(from_millis(to_minute * kMinuteMs), rows));
  return {};
}

std::vector<std::optional<double>> Exporter::values(const MinuteTable& table,
                                                    std::int64_t to_minute) const {
  const double budget = budget_ratio(slo_.target_percent);
  std::vector<std::optional<double>> values;
  std::optional<double> current;
  for (const Duration window : exported_windows(slo_)) {
    const WindowSum sum = table.sum(to_minute - minutes_in(window), to_minute);
    std::optional<double> ratio;
    if (sum.has_events()) ratio = sum.error_ratio();
    if (window == kCurrent && ratio) current = *ratio / budget;
    values.push_back(ratio);
  }
  for (const Duration window : guarded_windows(slo_)) {
    values.emplace_back(table.sum(to_minute - minutes_in(window), to_minute).valid);
  }
  const MinuteWindow whole = window_at(slo_, to_minute);
  const WindowSum period = table.sum(whole.from, to_minute);
  values.insert(values.end(),
                {1 - budget, budget, static_cast<double>(whole.minutes * kMinuteMs) / kMsPerDay,
                 current, period.error_ratio() / budget, remaining_budget(period, budget), 1.0});
  return values;
}

void Exporter::adopt(Exporter& old) {
  for (Series& series : series_) {
    const auto same = std::find_if(old.series_.begin(), old.series_.end(),
                                   [&](const Series& one) { return one.labels == series.labels; });
    if (same != old.series_.end()) series.live = std::exchange(same->live, false);
  }
  written_to_ = std::max(written_to_, old.written_to_);
}

Result<void> Exporter::finish(std::int64_t to_minute) {
  if (!writer_) return {};
  auto done = append(std::max(to_minute, written_to_ + 1),
                     std::vector<std::optional<double>>(series_.size()));
  writer_.reset();
  return done;
}

}  // namespace nines::slo
