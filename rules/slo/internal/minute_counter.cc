#include "rules/slo/internal/minute_counter.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

namespace nines::slo {
namespace {

constexpr std::size_t kSeriesMax = 1'000'000;
constexpr std::int64_t kNearMs = 5 * kMinuteMs;       // looked at for every series
constexpr std::int64_t kFarMs = 24 * 60 * kMinuteMs;  // looked at when nothing is near
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct Point {
  std::int64_t at_ms = 0;
  double value = 0;
};

// The increase from one sample of a counter to the next.
double increase(const Point& before, const Point& after, std::int64_t start_ms) {
  const bool reset = after.value < before.value || (start_ms != 0 && start_ms > before.at_ms);
  return reset ? after.value : after.value - before.value;
}

// False for what is no number of events: staleness markers, other NaNs, infinities, histograms.
bool is_count(const SampleColumns& samples, std::size_t i) {
  if (!samples.histograms.empty() && samples.histograms[i]) return false;
  return std::isfinite(samples.values[i]);
}

std::int64_t start_of(const SampleColumns& samples, std::size_t i) {
  return samples.start_times.empty() ? 0 : samples.start_times[i];
}

// A damaged page is no reason to stop counting: what could be read counts, and the operator is
// told.
Result<void> read(const storage::SeriesSelection& selection, std::size_t index,
                  storage::TimeRange range, SampleColumns& samples,
                  std::vector<std::string>& warnings) {
  auto done = selection.read(index, range, samples);
  if (!done && done.error().code() == ErrorCode::kCorrupt) {
    warnings.push_back(done.error().what());
    return {};
  }
  return done;
}

}  // namespace

MinuteCounter::Target MinuteCounter::target_of(const LabelSet& labels) {
  return {std::string(labels.get("job")), std::string(labels.get("instance"))};
}

void MinuteCounter::add_series(const LabelSet& labels, const SampleColumns& samples, Span span,
                               Evidence& evidence, Tally& tally) const {
  std::optional<Point> before;
  std::int64_t oldest = kNever;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!is_count(samples, i)) continue;
    const Point point{samples.times[i], samples.values[i]};
    oldest = std::min(oldest, point.at_ms);
    const std::int64_t minute = minute_of(point.at_ms);
    if (minute >= span.from && minute < span.to) {
      const auto slot = static_cast<std::size_t>(minute - span.from);
      tally.seen[slot] = true;
      if (!indicator_.counter) {
        tally.events[slot] += point.value;
      } else if (before) {
        tally.events[slot] += increase(*before, point, start_of(samples, i));
      } else {
        tally.firsts.push_back({labels, point.at_ms, point.value, start_of(samples, i)});
      }
    }
    before = point;
  }
  if (oldest == kNever) return;
  const auto known = evidence.seen_since.try_emplace(target_of(labels), oldest).first;
  known->second = std::min(known->second, oldest);
}

Result<MinuteCounter::Tally> MinuteCounter::tally(const std::vector<Matcher>& matchers, Span span,
                                                  Evidence& evidence, CountedMinutes& out) const {
  const std::int64_t from_ms = span.from * kMinuteMs;
  const std::int64_t look_back = indicator_.counter ? kNearMs : 0;
  const storage::TimeRange range{from_millis(from_ms - look_back + 1),
                                 from_millis(span.to * kMinuteMs)};
  Tally tally;
  tally.events.resize(static_cast<std::size_t>(span.to - span.from));
  tally.seen.resize(tally.events.size());
  NINES_TRY(const auto selection, querier_.select(matchers, range, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    if (auto done = read(*selection, i, range, samples, out.warnings); !done) return done.error();
    if (samples.size() == 0) continue;
    out.earliest_ms = std::min(out.earliest_ms, samples.times.front());
    add_series(selection->labels(i), samples, span, evidence, tally);
  }
  return tally;
}

Result<bool> MinuteCounter::scraped_before(const FirstSample& first, Evidence& evidence) const {
  const Target target = target_of(first.labels);
  const auto seen = evidence.seen_since.find(target);
  if (seen != evidence.seen_since.end() && seen->second < first.at_ms) return true;
  if (target.first.empty() && target.second.empty()) return false;  // nobody scraped it
  const auto [up, unknown] = evidence.up_since.try_emplace(target, kNever);
  if (!unknown) return up->second < first.at_ms;
  const std::vector<Matcher> matchers{Matcher::equal(std::string(kMetricName), "up"),
                                      Matcher::equal("job", target.first),
                                      Matcher::equal("instance", target.second)};
  const storage::TimeRange range{from_millis(first.at_ms - kFarMs), from_millis(first.at_ms)};
  NINES_TRY(const auto selection, querier_.select(matchers, range, kSeriesMax));
  SampleColumns samples;
  std::vector<std::string> ignored;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    if (auto done = read(*selection, i, range, samples, ignored); !done) return done.error();
    for (std::size_t k = 0; k < samples.size(); ++k) {
      if (samples.values[k] != 1) continue;
      up->second = std::min(up->second, samples.times[k]);
      break;
    }
  }
  return up->second < first.at_ms;
}

Result<void> MinuteCounter::settle(const std::vector<Matcher>& matchers, Span span,
                                   Evidence& evidence, Tally& tally, CountedMinutes& out) const {
  if (tally.firsts.empty()) return {};
  std::sort(tally.firsts.begin(), tally.firsts.end(),
            [](const FirstSample& a, const FirstSample& b) { return a.at_ms < b.at_ms; });
  const std::int64_t near_ms = span.from * kMinuteMs - kNearMs;
  const storage::TimeRange range{from_millis(near_ms - kFarMs), from_millis(near_ms)};
  std::unordered_map<LabelSet, Point> before;
  for (const FirstSample& first : tally.firsts) before.emplace(first.labels, Point{kNever, 0});
  NINES_TRY(const auto selection, querier_.select(matchers, range, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    const auto wanted = before.find(selection->labels(i));
    const Target target = target_of(selection->labels(i));
    if (wanted == before.end() && evidence.seen_since.contains(target) &&
        evidence.seen_since[target] <= near_ms) {
      continue;  // nothing to learn from it
    }
    if (auto done = read(*selection, i, range, samples, out.warnings); !done) return done.error();
    for (std::size_t k = samples.size(); k-- > 0;) {
      if (!is_count(samples, k)) continue;
      if (wanted != before.end()) wanted->second = {samples.times[k], samples.values[k]};
      const auto known = evidence.seen_since.try_emplace(target, samples.times[k]).first;
      known->second = std::min(known->second, samples.times[k]);
      break;
    }
  }
  for (const FirstSample& first : tally.firsts) {
    const Point& known = before.at(first.labels);
    const auto slot = static_cast<std::size_t>(minute_of(first.at_ms) - span.from);
    if (known.at_ms != kNever) {
      tally.events[slot] += increase(known, {first.at_ms, first.value}, first.start_ms);
      continue;
    }
    NINES_TRY(const bool newborn, scraped_before(first, evidence));
    if (newborn) tally.events[slot] += first.value;
  }
  return {};
}

Result<CountedMinutes> MinuteCounter::count_samples(std::int64_t from, std::int64_t to) const {
  CountedMinutes out;
  const storage::TimeRange range{from_millis(from * kMinuteMs + 1), from_millis(to * kMinuteMs)};
  std::vector<storage::LedgerMinute> minutes(static_cast<std::size_t>(to - from));
  NINES_TRY(const auto selection, querier_.select(indicator_.total, range, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    if (auto done = read(*selection, i, range, samples, out.warnings); !done) return done.error();
    for (std::size_t k = 0; k < samples.size(); ++k) {
      if (std::isnan(samples.values[k]) || (!samples.histograms.empty() && samples.histograms[k]))
        continue;
      out.earliest_ms = std::min(out.earliest_ms, samples.times[k]);
      storage::LedgerMinute& minute =
          minutes[static_cast<std::size_t>(minute_of(samples.times[k]) - from)];
      minute.valid += 1;
      if (indicator_.is_good(samples.values[k])) minute.good += 1;
    }
  }
  for (std::size_t i = 0; i < minutes.size(); ++i) {
    if (minutes[i].valid == 0) continue;
    minutes[i].minute = from + static_cast<std::int64_t>(i);
    out.minutes.push_back(minutes[i]);
  }
  return out;
}

Result<CountedMinutes> MinuteCounter::count(std::int64_t from, std::int64_t to) const {
  CountedMinutes out;
  if (to <= from) return out;
  if (indicator_.samples) return count_samples(from, to);
  const Span span{from, to};
  // Both are read before either is settled: a series that both select must count the same in both.
  Evidence evidence;
  NINES_TRY(Tally total, tally(indicator_.total, span, evidence, out));
  NINES_TRY(Tally part, tally(indicator_.part, span, evidence, out));
  if (auto done = settle(indicator_.total, span, evidence, total, out); !done) return done.error();
  if (auto done = settle(indicator_.part, span, evidence, part, out); !done) return done.error();
  for (std::size_t i = 0; i < total.events.size(); ++i) {
    if (!total.seen[i] && !part.seen[i]) continue;
    storage::LedgerMinute minute;
    minute.minute = from + static_cast<std::int64_t>(i);
    minute.valid = total.events[i];
    minute.good = indicator_.part_is_bad ? total.events[i] - part.events[i] : part.events[i];
    out.minutes.push_back(minute);
  }
  return out;
}

}  // namespace nines::slo
