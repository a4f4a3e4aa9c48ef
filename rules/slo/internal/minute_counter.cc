#include "rules/slo/internal/minute_counter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <variant>

#include "base/text/numbers.h"
#include "rules/slo/internal/native_count.h"

namespace nines::slo {
namespace {

constexpr std::size_t kSeriesMax = 1'000'000;
constexpr std::int64_t kNearMs = 5 * kMinuteMs;       // looked at for every series
constexpr std::int64_t kFarMs = 24 * 60 * kMinuteMs;  // looked at when nothing is near
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::size_t slot_of(Span span, std::int64_t at_ms) {
  return static_cast<std::size_t>(minute_of(at_ms) - span.from);
}

bool is_in(Span span, std::int64_t at_ms) {
  const std::int64_t minute = minute_of(at_ms);
  return minute >= span.from && minute < span.to;
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

// The bounds around a threshold, as their labels write them, and how far between them it lies: 0 is
// on the lower one. Empty: there is none, or it is not finite.
struct BucketCut {
  std::string lower, upper;
  double share = 0;
};

BucketCut cut_of(const std::set<std::string>& bounds, double threshold) {
  BucketCut out;
  double lower = 0, upper = std::numeric_limits<double>::infinity();
  for (const std::string& text : bounds) {
    const auto bound = parse_double(text);
    if (!bound || !std::isfinite(*bound)) continue;
    if (*bound <= threshold && (out.lower.empty() || *bound > lower)) {
      lower = *bound;
      out.lower = text;
    } else if (*bound > threshold && *bound < upper) {
      upper = *bound;
      out.upper = text;
    }
  }
  if (!out.upper.empty() && lower < threshold) out.share = (threshold - lower) / (upper - lower);
  return out;
}

}  // namespace

MinuteCounter::Target MinuteCounter::target_of(const LabelSet& labels) {
  return {std::string(labels.get("job")), std::string(labels.get("instance"))};
}

// False for what is no number of events: staleness markers, other NaNs, infinities, and histograms
// where numbers are counted, or the other way round.
bool MinuteCounter::read_at(const SampleColumns& samples, std::size_t i, Reading& out) const {
  HistogramPtr histogram = samples.histograms.empty() ? nullptr : samples.histograms[i];
  if ((histogram != nullptr) != is_native()) return false;
  if (histogram) {
    if (!std::isfinite(histogram->count) || is_stale_nan(histogram->sum) ||
        histogram->reset_hint == ResetHint::kGauge)
      return false;
  } else if (!std::isfinite(samples.values[i])) {
    return false;
  }
  out.at_ms = samples.times[i];
  out.value = samples.values[i];
  out.histogram = std::move(histogram);
  out.start_ms = samples.start_times.empty() ? 0 : samples.start_times[i];
  return true;
}

void MinuteCounter::add(const Reading* before, const Reading& after, Tally::Column& column,
                        Span span, CountedMinutes& out) const {
  const bool restarted = before && after.start_ms != 0 && after.start_ms > before->at_ms;
  const std::size_t slot = slot_of(span, after.at_ms);
  if (is_native()) {
    const NativeIncrease more =
        before ? increase(*before->histogram, *after.histogram, indicator_.threshold, restarted)
               : whole(*after.histogram, indicator_.threshold);
    out.interpolated = out.interpolated || more.interpolated;
    column.add(slot, more.events, more.good);
  } else if (!before || restarted || after.value < before->value) {
    column.add(slot, after.value, 0);
  } else {
    column.add(slot, after.value - before->value, 0);
  }
}

void MinuteCounter::add_series(const LabelSet& labels, const SampleColumns& samples,
                               Evidence& evidence, Work& work, CountedMinutes& out) const {
  const Span span = work.tally.span();
  std::optional<Reading> before;
  std::int64_t oldest = kNever;
  std::optional<Tally::Column*> column;  // asked for when there is something to count
  LabelSet group;
  Reading reading;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!read_at(samples, i, reading)) continue;
    oldest = std::min(oldest, reading.at_ms);
    if (is_in(span, reading.at_ms)) {
      if (!column) {
        group = grouping_.of(labels);
        column = work.tally.column(group);
      }
      if (!*column) {
        // Its group is not admitted.
      } else if (!indicator_.counter) {
        (*column)->add(slot_of(span, reading.at_ms), reading.value, 0);
      } else if (before) {
        add(&*before, reading, **column, span, out);
      } else {
        (*column)->add(slot_of(span, reading.at_ms), 0, 0);
        work.firsts.push_back({labels, group, reading});
      }
    }
    before = reading;
  }
  if (oldest == kNever) return;
  const auto known = evidence.seen_since.try_emplace(target_of(labels), oldest).first;
  known->second = std::min(known->second, oldest);
}

Result<void> MinuteCounter::read_all(const std::vector<Matcher>& matchers, Evidence& evidence,
                                     Work& work, CountedMinutes& out) const {
  const Span span = work.tally.span();
  const std::int64_t look_back = indicator_.counter ? kNearMs : 0;
  const storage::TimeRange range{from_millis(span.from * kMinuteMs - look_back + 1),
                                 from_millis(span.to * kMinuteMs)};
  NINES_TRY(const auto selection, querier_.select(matchers, range, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    if (auto done = read(*selection, i, range, samples, out.warnings); !done) return done.error();
    if (samples.size() == 0) continue;
    out.earliest_ms = std::min(out.earliest_ms, samples.times.front());
    add_series(selection->labels(i), samples, evidence, work, out);
  }
  return {};
}

Result<bool> MinuteCounter::scraped_before(const FirstSample& first, Evidence& evidence) const {
  const Target target = target_of(first.labels);
  const std::int64_t at_ms = first.reading.at_ms;
  const auto seen = evidence.seen_since.find(target);
  if (seen != evidence.seen_since.end() && seen->second < at_ms) return true;
  if (target.first.empty() && target.second.empty()) return false;  // nobody scraped it
  const auto [up, unknown] = evidence.up_since.try_emplace(target, kNever);
  if (!unknown) return up->second < at_ms;
  const std::vector<Matcher> matchers{Matcher::equal(std::string(kMetricName), "up"),
                                      Matcher::equal("job", target.first),
                                      Matcher::equal("instance", target.second)};
  const storage::TimeRange range{from_millis(at_ms - kFarMs), from_millis(at_ms)};
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
  return up->second < at_ms;
}

Result<void> MinuteCounter::find_older(const std::vector<Matcher>& matchers, Evidence& evidence,
                                       const Work& work, std::map<LabelSet, Reading>& older,
                                       CountedMinutes& out) const {
  for (const FirstSample& first : work.firsts) older[first.labels].at_ms = kNever;
  const std::int64_t near_ms = work.tally.span().from * kMinuteMs - kNearMs;
  const storage::TimeRange range{from_millis(near_ms - kFarMs), from_millis(near_ms)};
  NINES_TRY(const auto selection, querier_.select(matchers, range, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    const auto wanted = older.find(selection->labels(i));
    const Target target = target_of(selection->labels(i));
    if (wanted == older.end() && evidence.seen_since.contains(target) &&
        evidence.seen_since[target] <= near_ms) {
      continue;  // nothing to learn from it
    }
    if (auto done = read(*selection, i, range, samples, out.warnings); !done) return done.error();
    Reading reading;
    for (std::size_t k = samples.size(); k-- > 0;) {
      if (!read_at(samples, k, reading)) continue;
      const auto known = evidence.seen_since.try_emplace(target, reading.at_ms).first;
      known->second = std::min(known->second, reading.at_ms);
      if (wanted != older.end()) wanted->second = std::move(reading);
      break;
    }
  }
  return {};
}

Result<void> MinuteCounter::settle(const std::vector<Matcher>& matchers, Evidence& evidence,
                                   Work& work, CountedMinutes& out) const {
  if (work.firsts.empty()) return {};
  std::sort(work.firsts.begin(), work.firsts.end(),
            [](const auto& a, const auto& b) { return a.reading.at_ms < b.reading.at_ms; });
  std::map<LabelSet, Reading> older;
  if (auto done = find_older(matchers, evidence, work, older, out); !done) return done;
  for (const FirstSample& first : work.firsts) {
    const Reading& known = older.at(first.labels);
    Tally::Column& column = *work.tally.column(first.group);
    if (known.at_ms != kNever) {
      add(&known, first.reading, column, work.tally.span(), out);
      continue;
    }
    NINES_TRY(const bool newborn, scraped_before(first, evidence));
    if (newborn) add(nullptr, first.reading, column, work.tally.span(), out);
  }
  return {};
}

Result<CountedMinutes> MinuteCounter::count_samples(Span span, const Admit& admit) const {
  CountedMinutes out;
  const storage::TimeRange range{from_millis(span.from * kMinuteMs + 1),
                                 from_millis(span.to * kMinuteMs)};
  Tally tally(span, admit);
  NINES_TRY(const auto selection, querier_.select(indicator_.total, range, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    if (auto done = read(*selection, i, range, samples, out.warnings); !done) return done.error();
    std::optional<Tally::Column*> column;
    for (std::size_t k = 0; k < samples.size(); ++k) {
      if (std::isnan(samples.values[k]) || (!samples.histograms.empty() && samples.histograms[k]))
        continue;
      out.earliest_ms = std::min(out.earliest_ms, samples.times[k]);
      if (!column) column = tally.column(grouping_.of(selection->labels(i)));
      if (!*column) break;
      (*column)->add(slot_of(span, samples.times[k]), 1, indicator_.good_share(samples.values[k]));
    }
  }
  out.groups = minutes_of(tally);
  return out;
}

Result<void> MinuteCounter::read_cut(Evidence& evidence, Tally& good, CountedMinutes& out) const {
  const Span span = good.span();
  const storage::TimeRange range{from_millis(span.from * kMinuteMs - kNearMs + 1),
                                 from_millis(span.to * kMinuteMs)};
  NINES_TRY(const auto buckets, querier_.select(indicator_.buckets, range, kSeriesMax));
  std::set<std::string> bounds;
  for (std::size_t i = 0; i < buckets->size(); ++i) bounds.emplace(buckets->labels(i).get("le"));
  const BucketCut cut = cut_of(bounds, indicator_.threshold);
  const auto add_part = [&](const std::string& bound, double share) -> Result<void> {
    if (bound.empty() || share == 0) return {};
    std::vector<Matcher> matchers = indicator_.buckets;
    matchers.push_back(Matcher::equal("le", bound));
    const Admit all;  // the total admits groups
    Work work{Tally(span, all), {}};
    if (auto done = read_all(matchers, evidence, work, out); !done) return done;
    if (auto done = settle(matchers, evidence, work, out); !done) return done;
    for (const auto& [group, column] : work.tally.columns()) {
      Tally::Column* to = good.column(group);
      for (std::size_t i = 0; to != nullptr && i < column.seen.size(); ++i) {
        if (column.seen[i]) to->add(i, share * column.events[i], 0);
      }
    }
    return {};
  };
  if (auto done = add_part(cut.lower, 1 - cut.share); !done) return done;
  if (auto done = add_part(cut.upper, cut.share); !done) return done;
  out.interpolated = out.interpolated || cut.share > 0;
  return {};
}

Result<CountedMinutes> MinuteCounter::count_counters(Span span, const Admit& admit) const {
  CountedMinutes out;
  // Both are read before either is settled: a series that both select must count the same in both.
  Evidence evidence;
  Work total{Tally(span, admit), {}};
  Work part{Tally(span, admit), {}};
  if (auto done = read_all(indicator_.total, evidence, total, out); !done) return done.error();
  if (!is_native()) {
    if (auto done = read_all(indicator_.part, evidence, part, out); !done) return done.error();
  }
  if (auto done = settle(indicator_.total, evidence, total, out); !done) return done.error();
  if (is_native()) {
    out.groups = minutes_of(total.tally);
    return out;
  }
  if (auto done = settle(indicator_.part, evidence, part, out); !done) return done.error();
  if (indicator_.kind == IndicatorKind::kLatency && part.tally.columns().empty() &&
      !total.tally.columns().empty()) {
    if (auto done = read_cut(evidence, part.tally, out); !done) return done.error();
  }
  out.groups = minutes_of(total.tally, part.tally, indicator_.part_is_bad);
  return out;
}

Result<void> MinuteCounter::read_lines(const logql::LogQuery& lines, Tally& tally,
                                       CountedMinutes& out) const {
  const logql::Engine engine(*logs_);
  const Span span = tally.span();
  // The window of a step is (step - 1m, step]: a minute.
  NINES_TRY(const promql::QueryResult result,
            engine.range(lines, from_millis((span.from + 1) * kMinuteMs),
                         from_millis(span.to * kMinuteMs), Duration(kMinuteMs)));
  for (const promql::MatrixSeries& stream : std::get<promql::Matrix>(result.value)) {
    if (stream.samples.size() == 0) continue;
    out.earliest_ms = std::min(out.earliest_ms, stream.samples.times.front() - kMinuteMs + 1);
    Tally::Column* column = tally.column(grouping_.of(stream.labels));
    for (std::size_t i = 0; column && i < stream.samples.size(); ++i)
      column->add(slot_of(span, stream.samples.times[i]), stream.samples.values[i], 0);
  }
  return {};
}

Result<CountedMinutes> MinuteCounter::count_lines(Span span, const Admit& admit) const {
  if (!logs_) return Error(ErrorCode::kUnavailable, "there is no store of logs to count lines in");
  CountedMinutes out;
  Tally total(span, admit);
  Tally part(span, admit);
  if (auto done = read_lines(*indicator_.total_lines, total, out); !done) return done.error();
  if (auto done = read_lines(*indicator_.part_lines, part, out); !done) return done.error();
  out.groups = minutes_of(total, part, indicator_.part_is_bad);
  return out;
}

Result<CountedMinutes> MinuteCounter::count(std::int64_t from, std::int64_t to,
                                            const Admit& admit) const {
  if (to <= from) return CountedMinutes{};
  const Span span{from, to};
  if (indicator_.raw != RawRatio::kNone) return count_samples(span, admit);
  switch (indicator_.kind) {
    case IndicatorKind::kThreshold:
    case IndicatorKind::kBoolean:
    case IndicatorKind::kProbe:
      return count_samples(span, admit);
    case IndicatorKind::kLogs:
      return count_lines(span, admit);
    case IndicatorKind::kComposite:
      return CountedMinutes{};
    default:
      return count_counters(span, admit);
  }
}

}  // namespace nines::slo
