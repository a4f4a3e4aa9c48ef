#include "collector/send/internal/catch_up.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/model/matcher.h"

namespace nines::collector {
namespace {

constexpr std::int64_t kSpanLeast = 1'000, kSpanMost = 3'600'000;

}  // namespace

// False: more than samples_max, and the span can be made shorter.
Result<bool> CatchUp::read_span(std::int64_t from, std::int64_t to, bool may_give_up,
                                SendItems& out) {
  NINES_TRY(Matcher any, Matcher::make(MatchOp::kNotEqual, std::string(kMetricName), ""));
  const std::vector<Matcher> matchers{std::move(any)};
  const storage::TimeRange range{from_millis(from), from_millis(to)};
  NINES_TRY(const std::unique_ptr<storage::SeriesSelection> series,
            querier_.select(matchers, range, std::numeric_limits<std::size_t>::max()));
  SampleColumns columns;
  for (std::size_t i = 0; i < series->size(); ++i) {
    // A damaged page costs its samples, not the others.
    if (Result<void> read = series->read(i, range, columns);
        !read && read.error().code() != ErrorCode::kCorrupt) {
      return std::move(read).error();
    }
    const std::uint64_t unit = unit_of(series->labels(i));
    for (std::size_t n = 0; n < columns.size(); ++n) {
      SendItem& item = out.emplace_back();
      item.labels = series->labels(i);
      item.unit = unit;
      item.time_ms = columns.times[n];
      item.value = columns.values[n];
      if (!columns.histograms.empty()) item.histogram = columns.histograms[n];
      if (!columns.start_times.empty()) item.start_ms = columns.start_times[n];
    }
    if (may_give_up && out.size() > samples_max_) return false;
  }
  return true;
}

Result<SendItems> CatchUp::read() {
  SendItems out;
  while (!done()) {
    out.clear();
    const std::int64_t end = std::min(to_, next_ + span_ms_ - 1);
    NINES_TRY(const bool whole, read_span(next_, end, span_ms_ > kSpanLeast, out));
    if (!whole) {
      span_ms_ = std::max(kSpanLeast, span_ms_ / 4);
      continue;
    }
    next_ = end + 1;
    if (out.size() < samples_max_ / 8) span_ms_ = std::min(kSpanMost, span_ms_ * 2);
    if (!out.empty()) break;
  }
  std::stable_sort(out.begin(), out.end(), [](const SendItem& a, const SendItem& b) {
    return std::tie(a.time_ms, a.unit) < std::tie(b.time_ms, b.unit);
  });
  return out;
}

}  // namespace nines::collector
