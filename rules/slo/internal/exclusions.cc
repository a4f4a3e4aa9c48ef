#include "rules/slo/internal/exclusions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "rules/slo/internal/minute_counter.h"

namespace nines::slo {
namespace {

constexpr std::size_t kSeriesMax = 100'000;
constexpr Duration kLookback{5 * kMinuteMs};

std::int64_t floor_minute(Timestamp at) {
  const std::int64_t ms = to_millis(at);
  return ms >= 0 ? ms / kMinuteMs : -((-ms + kMinuteMs - 1) / kMinuteMs);
}

}  // namespace

Result<void> Exclusions::add_firing(const std::string& alert, MinuteSpan range,
                                    std::vector<maintenance::Span>& out) const {
  const std::array matchers = {Matcher::equal(std::string(kMetricName), "ALERTS"),
                               Matcher::equal(std::string(kAlertName), alert),
                               Matcher::equal("alertstate", "firing")};
  const storage::TimeRange times{from_millis(range.from * kMinuteMs) - kLookback,
                                 from_millis(range.to * kMinuteMs)};
  NINES_TRY(const auto selection, querier_.select(matchers, times, kSeriesMax));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    auto read = selection->read(i, times, samples);
    if (!read && read.error().code() != ErrorCode::kCorrupt) return read;  // what is left counts
    for (std::size_t k = 0; k < samples.size(); ++k) {
      if (is_stale_nan(samples.values[k])) continue;
      const Timestamp at = from_millis(samples.times[k]);
      Timestamp end = at + kLookback;
      if (k + 1 < samples.size()) end = std::min(end, from_millis(samples.times[k + 1]));
      out.push_back({at, end});
    }
  }
  return {};
}

Result<std::vector<MinuteSpan>> Exclusions::between(std::int64_t from, std::int64_t to) const {
  std::vector<maintenance::Span> spans;
  if (to <= from) return std::vector<MinuteSpan>{};
  const Timestamp begin = from_millis(from * kMinuteMs);
  const Timestamp end = from_millis(to * kMinuteMs);
  for (const maintenance::Maintenance& one : maintenance_) {
    for (const maintenance::Span& span : maintenance::windows(one, begin, end))
      spans.push_back(span);
  }
  for (const std::string& alert : alerts_) {
    if (auto added = add_firing(alert, {from, to}, spans); !added) return added.error();
  }
  std::vector<MinuteSpan> out;
  for (const maintenance::Span& span : maintenance::united(std::move(spans))) {
    // A minute is (start, end]: an instant on the very start is of the minute before, but what
    // begins there covers the minute after.
    const MinuteSpan minutes{std::max(from, floor_minute(span.from)),
                             std::min(to, floor_minute(span.to - Duration(1)) + 1)};
    if (minutes.from >= minutes.to) continue;
    if (!out.empty() && minutes.from <= out.back().to) {
      out.back().to = std::max(out.back().to, minutes.to);
    } else {
      out.push_back(minutes);
    }
  }
  return out;
}

void leave_out(const std::vector<MinuteSpan>& spans, std::vector<storage::LedgerMinute>& rows) {
  if (spans.empty()) return;
  std::vector<storage::LedgerMinute> out;
  auto row = rows.begin();
  for (const MinuteSpan& span : spans) {
    for (; row != rows.end() && row->minute < span.from; ++row) out.push_back(*row);
    for (std::int64_t minute = span.from; minute < span.to; ++minute) {
      storage::LedgerMinute left{minute, 0, 0, 0, true};
      if (row != rows.end() && row->minute == minute) {
        left.excluded = row->valid + row->excluded;
        ++row;
      }
      out.push_back(left);
    }
  }
  out.insert(out.end(), row, rows.end());
  rows = std::move(out);
}

}  // namespace nines::slo
