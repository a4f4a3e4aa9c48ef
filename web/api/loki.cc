// The parts of the Loki API that nines answers. Times are nanoseconds; ranges are [start, end).
#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "web/api/internal/client_stop.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

constexpr std::size_t kLinesDefault = 100;
constexpr std::size_t kLinesMax = 5'000;
constexpr std::uint64_t kStatsLinesMax = 100'000;
constexpr std::chrono::hours kRangeDefault{1};

// Loki answers errors in plain text.
Response refuse(const Error& error) {
  const bool ours = error.code() == ErrorCode::kIo || error.code() == ErrorCode::kCorrupt;
  const bool unknown = error.what().find("nines does not know") != std::string::npos;
  return text_response(ours                                      ? 500
                       : unknown                                 ? 422
                       : error.code() == ErrorCode::kUnavailable ? 503
                                                                 : 400,
                       error.what());
}

// The instant `by` (0 or more) before another, but not before 1677, when nanoseconds begin.
LogTime before(LogTime at, Duration by) {
  constexpr Duration kFirst{std::numeric_limits<std::int64_t>::min() / 1'000'000};
  const auto since_epoch = at.time_since_epoch();
  const Duration ms = std::chrono::floor<Duration>(since_epoch);
  if (by > ms - kFirst) return LogTime::min();
  return LogTime(ms - by) + (since_epoch - ms);  // `by` alone may be more than they can say
}

Result<storage::LogRange> range_params(const LokiParts& parts, const Request& request) {
  LogTime to = parts.clock.now_nanos();
  if (!request.param("end").empty()) {
    NINES_TRY(to, parse_log_time(request.param("end")));
  }
  LogTime from = before(to, kRangeDefault);
  if (!request.param("since").empty()) {
    NINES_TRY(const Duration since, parse_duration(request.param("since")));
    from = before(to, since);
  }
  if (!request.param("start").empty()) {
    NINES_TRY(from, parse_log_time(request.param("start")));
  }
  if (to < from) return Error(ErrorCode::kInvalid, "end timestamp must not be before start time");
  return storage::LogRange{from, to};
}

void write_stats(JsonWriter& json, const storage::LogScanStats& stats) {
  json.key("stats").begin_object().key("summary").begin_object();
  json.field("totalBytesProcessed", stats.bytes).field("totalLinesProcessed", stats.lines);
  json.field("blocks", stats.blocks)
      .field("blocksSkipped", stats.blocks_skipped)
      .end_object()
      .end_object();
}

Response write_streams(const logql::LogResult& result) {
  JsonWriter json;
  json.begin_object().field("resultType", "streams").key("result").begin_array();
  for (const logql::LogStream& stream : result.streams) {
    json.begin_object().key("stream");
    write_labels(json, stream.labels);
    json.key("values").begin_array();
    for (const logql::LogEntry& entry : stream.entries) {
      json.begin_array()
          .value(std::to_string(entry.at.time_since_epoch().count()))
          .value(entry.line)
          .end_array();
    }
    json.end_array().end_object();
  }
  json.end_array();
  write_stats(json, result.stats);
  json.end_object();
  return success(json.str());
}

Response write_samples(const Result<promql::QueryResult>& result) {
  if (!result) return refuse(result.error());
  JsonWriter json;
  json.begin_object();
  write_value(json, result->value);
  write_stats(json, {0, 0, result->stats.samples, 0});
  json.end_object();
  return success(json.str());
}

Response query_instant(const LokiParts& parts, const Request& request) {
  const auto query = logql::LogQuery::parse(request.param("query"));
  if (!query) return refuse(query.error());
  Timestamp at = parts.clock.now();
  if (!request.param("time").empty()) {
    const auto time = parse_log_time(request.param("time"));
    if (!time) return refuse(time.error());
    at = std::chrono::floor<Duration>(*time);
  }
  if (!query->is_metric()) {
    return text_response(400,
                         "log queries are not supported as an instant query type, please change "
                         "your query to a range query type");
  }
  const ClientStop client(request);
  return write_samples(parts.logql.instant(*query, at, client.flag()));
}

Response query_range(const LokiParts& parts, const Request& request) {
  const auto query = logql::LogQuery::parse(request.param("query"));
  if (!query) return refuse(query.error());
  const auto range = range_params(parts, request);
  if (!range) return refuse(range.error());
  if (query->is_metric()) {
    const Timestamp from = std::chrono::floor<Duration>(range->from),
                    to = std::chrono::floor<Duration>(range->to);
    const Duration fallback = std::max(Duration(1'000), (to - from) / 250);
    const auto step = duration_param(request, "step", fallback);
    if (!step) return refuse(step.error());
    const ClientStop client(request);
    return write_samples(parts.logql.range(*query, from, to, *step, client.flag()));
  }
  const auto limit = count_param(request, "limit", kLinesDefault);
  if (!limit) return refuse(limit.error());
  if (*limit > kLinesMax)
    return text_response(400, "max entries limit per query exceeded, limit > max_entries_limit (" +
                                  std::to_string(*limit) + " > 5000)");
  const bool forward =
      request.param("direction") == "forward" || request.param("direction") == "FORWARD";
  const ClientStop client(request);
  const auto result = parts.logql.lines(
      *query, *range, forward ? storage::LogOrder::kOldestFirst : storage::LogOrder::kNewestFirst,
      *limit, client.flag());
  return result ? write_streams(*result) : refuse(result.error());
}

Result<std::vector<LabelSet>> streams_of(const LokiParts& parts, const Request& request) {
  NINES_TRY(const storage::LogRange range, range_params(parts, request));
  std::vector<std::string_view> selectors = request.all("match[]");
  for (const std::string_view text : request.all("match")) selectors.push_back(text);
  if (!request.param("query").empty()) selectors.push_back(request.param("query"));
  if (selectors.empty()) return parts.log_querier.streams({}, range);
  std::set<LabelSet> found;
  for (const std::string_view text : selectors) {
    NINES_TRY(const std::vector<Matcher> matchers, parse_selector(text));
    for (LabelSet& labels : parts.log_querier.streams(matchers, range))
      found.insert(std::move(labels));
  }
  return std::vector<LabelSet>(found.begin(), found.end());
}

Response strings(const std::set<std::string>& texts) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
  return success(json.str());
}

Response label_names(const LokiParts& parts, const Request& request) {
  const auto streams = streams_of(parts, request);
  if (!streams) return refuse(streams.error());
  std::set<std::string> names;
  for (const LabelSet& labels : *streams) {
    for (const Label& label : labels) names.insert(label.name);
  }
  return strings(names);
}

Response label_values(const LokiParts& parts, const Request& request) {
  constexpr std::string_view kPrefix = "/loki/api/v1/label/", kSuffix = "/values";
  if (!request.path.ends_with(kSuffix)) return text_response(404, "404 page not found\n");
  const std::string name =
      request.path.substr(kPrefix.size(), request.path.size() - kPrefix.size() - kSuffix.size());
  const auto streams = streams_of(parts, request);
  if (!streams) return refuse(streams.error());
  std::set<std::string> values;
  for (const LabelSet& labels : *streams) {
    if (labels.has(name)) values.insert(std::string(labels.get(name)));
  }
  return strings(values);
}

Response list_series(const LokiParts& parts, const Request& request) {
  const auto streams = streams_of(parts, request);
  if (!streams) return refuse(streams.error());
  JsonWriter json;
  json.begin_array();
  for (const LabelSet& labels : *streams) write_labels(json, labels);
  json.end_array();
  return success(json.str());
}

// An estimate, made on each key press of a query editor: lines are counted up to a bound.
Response index_stats(const LokiParts& parts, const Request& request) {
  const auto range = range_params(parts, request);
  if (!range) return refuse(range.error());
  const auto matchers = parse_selector(request.param("query"));
  if (!matchers) return refuse(matchers.error());
  std::uint64_t entries = 0, bytes = 0;
  const auto scanned = parts.log_querier.scan(*matchers, *range, storage::LogOrder::kNewestFirst,
                                              [&](const LabelSet&, const storage::LogLine& line) {
                                                bytes += line.text.size();
                                                return ++entries < kStatsLinesMax;
                                              });
  if (!scanned) return refuse(scanned.error());
  JsonWriter json;
  json.begin_object();
  json.field("streams", std::uint64_t{parts.log_querier.streams(*matchers, *range).size()});
  json.field("chunks", scanned->blocks).field("entries", entries).field("bytes", bytes);
  json.end_object();
  return json_response(200, json.take());
}

Response not_spoken(const LokiParts&, const Request& request) {
  return text_response(422, "nines does not know " + request.path +
                                "; of the Loki API it answers query, query_range, labels, "
                                "label/NAME/values, series, index/stats and status/buildinfo\n");
}

}  // namespace

void add_loki(Router& router, LokiParts parts) {
  const auto both = [&](const std::string& path,
                        Response (*handle)(const LokiParts&, const Request&)) {
    for (const char* method : {"GET", "POST"}) {
      router.add(method, path, Pool::kSlow,
                 [parts, handle](const Request& r) { return handle(parts, r); });
    }
  };
  both("/loki/api/v1/query", query_instant);
  both("/loki/api/v1/query_range", query_range);
  both("/loki/api/v1/labels", label_names);
  both("/loki/api/v1/label/*", label_values);
  both("/loki/api/v1/series", list_series);
  both("/loki/api/v1/index/stats", index_stats);
  both("/loki/api/v1/*", not_spoken);
  router.add("GET", "/loki/api/v1/status/buildinfo", Pool::kFast, [](const Request&) {
    return json_response(
        200,
        R"({"version":"3.8.0","revision":"","branch":"","buildDate":"","buildUser":"","goVersion":""})");
  });
  router.add("GET", "/ready", Pool::kFast,
             [](const Request&) { return text_response(200, "ready\n"); });
}

}  // namespace nines::web
