#pragma once
// The stores of metrics and logs over one ring on any Fs, and what they answer, as plain data.

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "storage/logs/log_store.h"
#include "storage/metrics/metric_store.h"
#include "storage/ring/ring.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::testing {

constexpr std::int64_t kBenchStart = 1'700'000'000'000;  // milliseconds

struct StoreBench {
  SimClock clock{Timestamp{Duration{kBenchStart}}};
  SimScheduler scheduler{clock};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  MemoryState state;
  storage::ring::RingOptions ring_options;
  storage::MetricStoreOptions metric_options;
  storage::LogOptions log_options;

  StoreBench() {
    ring_options.path = "/r";
    ring_options.segment_bytes = 64u << 10;
    ring_options.bytes = 9 * std::uint64_t{ring_options.segment_bytes} + 8192;
    ring_options.parts = {120, 530, 0, 0, 270, 80};
    metric_options.rows_per_page = 16;
    log_options.sync_interval = Duration::zero();
    log_options.head_bytes = 24u << 10;
    log_options.block_bytes = 8u << 10;
    log_options.line_bytes_max = 8u << 10;
  }

  Result<std::unique_ptr<storage::ring::Ring>> open_ring(Fs& fs) {
    return storage::ring::Ring::open(ring_options, fs, clock, *log);
  }
  Result<std::unique_ptr<storage::MetricStore>> open_metrics(storage::ring::Ring& ring) {
    return storage::MetricStore::open(metric_options, {ring, state, clock, *log, *telemetry});
  }
  Result<std::unique_ptr<storage::LogStore>> open_logs(storage::ring::Ring& ring) {
    return storage::LogStore::open(ring, log_options, {clock, scheduler, *log, *telemetry});
  }
};

// The value every sample of these suites has: so that an answer can be checked without a copy.
inline double value_at(std::uint64_t series, std::int64_t t) {
  std::uint64_t z = series * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(t);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<double>(z >> 20) / 1024.0;
}

// Times by series, of the metric "m" with label n="<series>".
using Times = std::map<std::uint64_t, std::vector<std::int64_t>>;

struct MetricAnswer {
  Times times;
  std::string wrong;          // the first value that is not value_at()
  std::uint64_t damaged = 0;  // series that said kCorrupt
};

inline MetricAnswer read_metrics(const storage::Querier& store) {
  MetricAnswer answer;
  const Matcher matchers[] = {Matcher::equal("__name__", "m")};
  const storage::TimeRange all{Timestamp{Duration{0}}, Timestamp{Duration{4'000'000'000'000}}};
  const auto selection = store.select(matchers, all, 1'000'000);
  if (!selection) {
    answer.wrong = selection.error().what();
    return answer;
  }
  SampleColumns columns;
  for (std::size_t i = 0; i < (*selection)->size(); ++i) {
    const LabelSet& labels = (*selection)->labels(i);
    std::uint64_t series = std::stoull(std::string(labels.get("n")));
    if (labels.has("thousand")) series += 1000 * std::stoull(std::string(labels.get("thousand")));
    columns.clear();
    if (const auto read = (*selection)->read(i, all, columns); !read) {
      if (read.error().code() != ErrorCode::kCorrupt) answer.wrong = read.error().what();
      ++answer.damaged;
    }
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (columns.values[k] != value_at(series, columns.times[k])) {
        answer.wrong = "series " + std::to_string(series) + " at " +
                       std::to_string(columns.times[k]) + " is " +
                       std::to_string(columns.values[k]);
      }
      if (k > 0 && columns.times[k] <= columns.times[k - 1]) answer.wrong = "times do not ascend";
    }
    if (columns.size() > 0) answer.times[series] = columns.times;
  }
  return answer;
}

// Streams {s="<n>"} hold lines "<number>:<text made of it>"; numbers by stream, in the order told.
using Lines = std::map<std::uint64_t, std::vector<std::uint64_t>>;

inline std::string line_text(std::uint64_t stream, std::uint64_t number, std::size_t length) {
  std::string text = std::to_string(number) + ":";
  std::uint64_t z = stream * 977 + number;
  while (text.size() < length) {
    z = z * 6364136223846793005ULL + 1442695040888963407ULL;
    text += static_cast<char>('!' + (z >> 33) % 90);
  }
  return text;
}
inline std::size_t line_length(std::uint64_t number) {
  return 20 + (number * 7919) % 180;
}

struct LogAnswer {
  Lines lines;
  std::string wrong;
};

inline LogAnswer read_lines(const storage::LogQuerier& store) {
  LogAnswer answer;
  const Matcher matchers[] = {*Matcher::make(MatchOp::kRegex, "s", ".+")};
  const auto stats = store.scan(
      matchers, {LogTime{}, LogTime{std::chrono::nanoseconds{INT64_MAX}}},
      storage::LogOrder::kOldestFirst, [&](const LabelSet& labels, const storage::LogLine& line) {
        const std::uint64_t stream = std::stoull(std::string(labels.get("s")));
        const std::uint64_t number = std::strtoull(std::string(line.text).c_str(), nullptr, 10);
        if (line.text != line_text(stream, number, line_length(number)))
          answer.wrong = "a line's text is not its own";
        answer.lines[stream].push_back(number);
        return true;
      });
  if (!stats) answer.wrong = stats.error().what();
  return answer;
}

}  // namespace nines::testing
