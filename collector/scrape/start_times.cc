#include "collector/scrape/internal/start_times.h"

#include <cmath>
#include <string_view>

#include "base/core/release.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr double kFarthestMs = 9e15;  // beyond, a double skips some

bool has_created(MetricType type) {
  return type == MetricType::kCounter || type == MetricType::kHistogram ||
         type == MetricType::kSummary;
}

bool is_of(MetricType type, std::string_view suffix) {
  if (type == MetricType::kCounter) return suffix == "_total";
  // Without a suffix: a summary's quantiles, a converted histogram.
  return suffix.empty() || suffix == "_count" || suffix == "_sum" ||
         (type == MetricType::kHistogram && suffix == "_bucket");
}

}  // namespace

std::optional<StartTimes::Part> StartTimes::part_of(const LabelSet& exposed,
                                                    const DeclaredFamily& family) {
  std::string_view suffix = exposed.metric_name();
  if (!has_created(family.type) || !suffix.starts_with(family.name)) return std::nullopt;
  suffix.remove_prefix(family.name.size());
  const bool created = suffix == "_created";
  if (!created && !is_of(family.type, suffix)) return std::nullopt;
  LabelBuilder own(exposed);
  own.remove(kMetricName);
  if (family.type == MetricType::kHistogram) own.remove("le");
  if (family.type == MetricType::kSummary) own.remove("quantile");
  return Part{hash64(family.name, own.build().hash()), created};
}

StartTimes::Line StartTimes::line(std::uint64_t metric) {
  const auto [known, added] = by_metric_.try_emplace(metric, Line(lines_.size()));
  if (added) lines_.emplace_back();
  return known->second;
}

void StartTimes::set(Line line, double seconds) {
  std::int64_t start = 0;
  if (seconds > 0 && seconds * 1000 < kFarthestMs) start = std::llround(seconds * 1000);
  Created& created = lines_[static_cast<std::size_t>(line)];
  if (created.start_ms == start) return;
  created.start_ms = start;
  for (const storage::Slot slot : created.slots) set_slot(slot, start);
}

void StartTimes::set_slot(storage::Slot slot, std::int64_t start_ms) {
  const auto index = static_cast<std::size_t>(slot);
  if (index >= by_slot_.size()) by_slot_.resize(index + 1);
  by_slot_[index] = start_ms;
}

void StartTimes::move(std::span<const std::optional<storage::Slot>> moved) {
  by_slot_.clear();
  for (Created& created : lines_) {
    std::vector<storage::Slot> slots;
    for (const storage::Slot slot : created.slots) {
      const auto index = static_cast<std::size_t>(slot);
      if (index < moved.size() && moved[index]) slots.push_back(*moved[index]);
    }
    created.slots = std::move(slots);
    for (const storage::Slot slot : created.slots) set_slot(slot, created.start_ms);
  }
}

void StartTimes::fill(std::span<storage::Row> rows) {
  for (const auto& [metric, slot] : fresh_) {
    const auto known = by_metric_.find(metric);
    if (known == by_metric_.end()) continue;
    Created& created = lines_[static_cast<std::size_t>(known->second)];
    created.slots.push_back(slot);
    set_slot(slot, created.start_ms);
  }
  release(fresh_);
  if (by_slot_.empty()) return;
  for (storage::Row& row : rows) {
    const auto index = static_cast<std::size_t>(row.slot);
    if (row.start_time_ms == 0 && index < by_slot_.size()) row.start_time_ms = by_slot_[index];
  }
}

}  // namespace nines::collector
