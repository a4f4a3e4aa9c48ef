// /api/v1/query, query_range, series, labels, label values, metadata, exemplars, format; /federate.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/ast.h"
#include "rules/promql/durations.h"
#include "rules/promql/format.h"
#include "web/api/internal/client_stop.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"
#include "web/api/internal/histogram_json.h"
#include "web/api/internal/query_log.h"

namespace nines::web {
namespace {

constexpr std::size_t kSeriesMax = 1'000'000;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | ((code >> 18) & 0x07));
    tail(12);
    tail(6);
    tail(0);
  }
}

// As Prometheus says it where a time may be left out.
Result<Timestamp> optional_time(const Request& request, const std::string& name,
                                Timestamp fallback) {
  const auto at = time_param(request, name, fallback);
  if (at) return at;
  return Error(ErrorCode::kInvalid, "invalid parameter \"" + name + "\": Invalid time value for '" +
                                        name + "': " + at.error().what());
}

// The end may lie before the start, as in Prometheus: then nothing is found.
Result<storage::TimeRange> range_params(const Request& request) {
  NINES_TRY(const Timestamp from, optional_time(request, "start", kEarliest));
  NINES_TRY(const Timestamp to, optional_time(request, "end", kLatest));
  return storage::TimeRange{from, to};
}

Result<std::vector<std::vector<Matcher>>> match_params(const Request& request) {
  std::vector<std::vector<Matcher>> sets;
  for (const std::string_view text : request.all("match[]")) {
    NINES_TRY(std::vector<Matcher> matchers, parse_match(text));
    sets.push_back(std::move(matchers));
  }
  return sets;
}

Result<promql::QueryRequest> limits_of(const Request& request,
                                       const promql::EngineOptions& engine) {
  promql::QueryRequest limits;
  if (!request.param("timeout").empty()) {
    const auto asked = duration_param(request, "timeout", Duration(1));
    if (!asked || *asked <= Duration(0)) {
      return Error(ErrorCode::kInvalid,
                   "invalid parameter \"timeout\": " +
                       (asked ? "it must be above zero" : std::string(asked.error().what())));
    }
    limits.timeout = std::min(*asked, engine.timeout);  // asking cannot raise the operator's limit
  }
  if (!request.param("lookback_delta").empty()) {
    const auto asked = duration_param(request, "lookback_delta", Duration(1));
    if (!asked) {
      return Error(ErrorCode::kInvalid,
                   "error parsing lookback delta duration: " + std::string(asked.error().what()));
    }
    limits.lookback_delta = *asked;
  }
  limits.count_steps = !request.param("stats").empty();
  limits.helpers = true;  // people's queries; those of rules ask nobody to wait
  return limits;
}

struct StepTimes {
  Timestamp first{};
  Duration step{};
};

// Evaluation is one phase here: it counts for the whole, and the other phases took no time of
// theirs.
void write_stats(JsonWriter& json, const promql::QueryStats& stats, double seconds,
                 const StepTimes* steps) {
  json.key("stats").begin_object().key("timings").begin_object();
  json.field("evalTotalTime", seconds).field("resultSortTime", 0.0);
  json.field("queryPreparationTime", 0.0).field("innerEvalTime", seconds);
  json.field("execQueueTime", 0.0).field("execTotalTime", seconds).end_object();
  json.key("samples").begin_object();
  std::uint64_t total = 0;
  for (const std::uint64_t n : stats.samples_per_step) total += n;
  if (steps != nullptr) {
    json.key("totalQueryableSamplesPerStep").begin_array();
    Timestamp at = steps->first;
    for (const std::uint64_t n : stats.samples_per_step) {
      json.begin_array();
      write_millis(json, to_millis(at));
      json.value(n).end_array();
      at += steps->step;
    }
    json.end_array();
  }
  json.field("totalQueryableSamples", total);
  json.field("peakSamples", stats.peak_samples).end_object().end_object();
}

// Past ten annotations of a kind only how many more there were, as in Prometheus.
void shorten(std::vector<std::string>& texts, std::string_view kind) {
  constexpr std::size_t kShown = 10;
  if (texts.size() <= kShown) return;
  const std::size_t more = texts.size() - kShown;
  texts.resize(kShown);
  texts.push_back(std::to_string(more) + " more " + std::string(kind) + " annotations omitted");
}

Response answer(const Request& request, const QueryLog::Run& run, StepTimes steps,
                std::size_t limit, Result<promql::QueryResult> result) {
  if (!result && run.stopped()) return failure("canceled", result.error().what());
  if (!result) return failure(result.error());
  shorten(result->warnings, "warning");
  shorten(result->infos, "info");
  if (limit != 0) {
    bool cut = false;
    if (auto* vector = std::get_if<promql::Vector>(&result->value);
        vector && vector->size() > limit) {
      vector->resize(limit);
      cut = true;
    }
    if (auto* matrix = std::get_if<promql::Matrix>(&result->value);
        matrix && matrix->size() > limit) {
      matrix->resize(limit);
      cut = true;
    }
    if (cut) result->warnings.emplace_back("results truncated due to limit");
  }
  JsonWriter json = begin_success();
  json.begin_object();
  write_value(json, result->value, run.stop());
  if (run.stopped()) return failure("canceled", "query was canceled while its answer was written");
  if (const std::string_view stats = request.param("stats"); !stats.empty()) {
    write_stats(json, result->stats, run.seconds(), stats == "all" ? &steps : nullptr);
  }
  json.end_object();
  return end_success(std::move(json), result->warnings, result->infos);
}

Response query_instant(const QueryParts& parts, QueryLog& log, const Request& request) {
  const auto limit = limit_param(request);
  if (!limit) return bad_parameter("limit", limit.error().what());
  const auto at = optional_time(request, "time", parts.clock.now());
  if (!at) return failure("bad_data", at.error().what());
  auto limits = limits_of(request, parts.promql.options());
  if (!limits) return failure("bad_data", limits.error().what());
  const auto query = promql::Query::parse(request.param("query"), parts.promql.options());
  if (!query) return bad_parameter("query", query.error().what());
  if (const auto ok = promql::check_durations(*query, {}); !ok)
    return bad_parameter("query", ok.error().what());
  const ClientStop client(request);
  const QueryLog::Run run(log, query->text(), client.shared());
  limits->stop = run.stop();
  return answer(request, run, {*at, Duration(0)}, *limit,
                parts.promql.instant(*query, *at, *limits));
}

// 11000 as people read it: 11,000.
std::string with_commas(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

Response query_range(const QueryParts& parts, QueryLog& log, const Request& request) {
  const auto limit = limit_param(request);
  if (!limit) return bad_parameter("limit", limit.error().what());
  for (const char* name : {"start", "end"}) {
    if (request.param(name).empty())
      return bad_parameter(name, "cannot parse \"\" to a valid timestamp");
  }
  const auto from = time_param(request, "start", {});
  if (!from) return bad_parameter("start", from.error().what());
  const auto to = time_param(request, "end", {});
  if (!to) return bad_parameter("end", to.error().what());
  if (*to < *from) return bad_parameter("end", "end timestamp must not be before start time");
  const auto step = duration_param(request, "step", Duration(0));
  if (!step) return bad_parameter("step", step.error().what());
  if (*step <= Duration(0)) {
    return bad_parameter(
        "step",
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if ((*to - *from) / *step > static_cast<std::int64_t>(parts.promql.options().points_max)) {
    return failure("bad_data", "exceeded maximum resolution of " +
                                   with_commas(parts.promql.options().points_max) +
                                   " points per timeseries. Try decreasing the query resolution "
                                   "(?step=XX)");
  }
  auto limits = limits_of(request, parts.promql.options());
  if (!limits) return failure("bad_data", limits.error().what());
  const auto query = promql::Query::parse(request.param("query"), parts.promql.options());
  if (!query) return bad_parameter("query", query.error().what());
  const promql::ValueType type = query->expr().type();
  if (type != promql::ValueType::kVector && type != promql::ValueType::kScalar) {
    return bad_parameter("query", "invalid expression type \"" +
                                      std::string(promql::documented_name(type)) +
                                      "\" for range query, must be Scalar or instant Vector");
  }
  const promql::DurationFacts facts{to_seconds(*step), to_seconds(*to - *from)};
  if (const auto ok = promql::check_durations(*query, facts); !ok)
    return bad_parameter("query", ok.error().what());
  const ClientStop client(request);
  const QueryLog::Run run(log, query->text(), client.shared());
  limits->stop = run.stop();
  return answer(request, run, {*from, *step}, *limit,
                parts.promql.range(*query, *from, *to, *step, *limits));
}

Response list_series(const QueryParts& parts, const Request& request) {
  const auto sets = match_params(request);
  if (!sets) return bad_parameter("match[]", sets.error().what());
  if (sets->empty()) return failure("bad_data", "no match[] parameter provided");
  const auto range = range_params(request);
  if (!range) return failure("bad_data", range.error().what());
  const auto limit = limit_param(request);
  if (!limit) return bad_parameter("limit", limit.error().what());
  const ClientStop client(request);
  std::set<LabelSet> found;
  for (const auto& matchers : *sets) {
    if (range->to < range->from) break;
    const auto selection = parts.querier.select(matchers, *range, kSeriesMax, client.flag());
    if (!selection) return failure(selection.error());
    for (std::size_t i = 0; i < (*selection)->size(); ++i) found.insert((*selection)->labels(i));
  }
  JsonWriter json;
  json.begin_array();
  std::size_t n = 0;
  for (const LabelSet& labels : found) {
    if (*limit != 0 && n++ == *limit) break;
    write_labels(json, labels);
  }
  json.end_array();
  const bool cut = *limit != 0 && found.size() > *limit;
  return success(json.str(), cut ? std::vector<std::string>{"results truncated due to limit"}
                                 : std::vector<std::string>{});
}

template <typename Read>
Response list_strings(const Request& request, Read read) {
  const auto sets = match_params(request);
  if (!sets) return bad_parameter("match[]", sets.error().what());
  const auto range = range_params(request);
  if (!range) return failure("bad_data", range.error().what());
  const auto limit = limit_param(request);
  if (!limit) return bad_parameter("limit", limit.error().what());
  const ClientStop client(request);
  const std::size_t most = *limit == 0 ? 0 : *limit + 1;  // one more tells that there are more
  std::set<std::string> found;
  std::vector<std::vector<Matcher>> each = *sets;
  if (each.empty()) each.emplace_back();
  for (const auto& matchers : each) {
    if (range->to < range->from) break;
    Result<std::vector<std::string>> some = read(matchers, *range, most, client.flag());
    if (!some) return failure(some.error());
    found.insert(some->begin(), some->end());
  }
  JsonWriter json;
  json.begin_array();
  std::size_t n = 0;
  for (const std::string& text : found) {
    if (*limit != 0 && n++ == *limit) break;
    json.value(text);
  }
  json.end_array();
  const bool cut = *limit != 0 && found.size() > *limit;
  return success(json.str(), cut ? std::vector<std::string>{"results truncated due to limit"}
                                 : std::vector<std::string>{});
}

Response label_names(const QueryParts& parts, const Request& request) {
  return list_strings(request, [&](const auto& matchers, storage::TimeRange range, std::size_t most,
                                   const storage::StopFlag* stop) {
    return parts.querier.label_names(matchers, range, most, stop);
  });
}

// Names that are no identifiers travel as U__: "_" doubled, other characters as _HEX_.
// Source: prometheus.io/docs/instrumenting/escaping_schemes.
std::string unescape_name(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (std::size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out += name[i];
      continue;
    }
    const std::size_t end = name.find('_', i + 1);
    if (end == std::string_view::npos) return std::string(name);
    std::uint32_t code = '_';
    if (end > i + 1) {
      const auto [rest, error] = std::from_chars(name.data() + i + 1, name.data() + end, code, 16);
      if (error != std::errc{} || rest != name.data() + end) return std::string(name);
    }
    append_utf8(out, code);
    i = end;
  }
  return out;
}

Response label_values(const QueryParts& parts, const Request& request) {
  constexpr std::string_view kPrefix = "/api/v1/label/", kSuffix = "/values";
  const std::string_view path = request.path;
  if (!path.ends_with(kSuffix) || path.size() <= kPrefix.size() + kSuffix.size()) {
    return text_response(404, "404 page not found\n");
  }
  if (path.substr(kPrefix.size(), path.size() - kPrefix.size() - kSuffix.size()).find('/') !=
      std::string_view::npos) {
    return text_response(404, "404 page not found\n");
  }
  const std::string name =
      unescape_name(path.substr(kPrefix.size(), path.size() - kPrefix.size() - kSuffix.size()));
  if (!is_valid_utf8(name)) return failure("bad_data", "invalid label name: " + quote_go(name));
  return list_strings(request, [&](const auto& matchers, storage::TimeRange range, std::size_t most,
                                   const storage::StopFlag* stop) {
    return parts.querier.label_values(name, matchers, range, most, stop);
  });
}

Response metadata(const QueryParts& parts, const Request& request) {
  // A family has one entry here: any number of them per metric is enough. Below one: no limit.
  for (const char* name : {"limit", "limit_per_metric"}) {
    const std::string_view said = request.param(name);
    if (!said.empty() && !parse_int(said)) {
      return failure("bad_data", std::string(name) + " must be a number");
    }
  }
  const std::int64_t most = parse_int(request.param("limit")).value_or(0);
  const std::string_view wanted = request.param("metric");
  JsonWriter json;
  json.begin_object();
  std::int64_t n = 0;
  for (const auto& [family, data] : parts.querier.metadata()) {
    if (!wanted.empty() && family != wanted) continue;
    if (most > 0 && n++ == most) break;
    json.key(family).begin_array().begin_object();
    json.field("type", to_string(data.type)).field("help", data.help).field("unit", data.unit);
    json.end_object().end_array();
  }
  json.end_object();
  return success(json.str());
}

Response format_query(const QueryParts& parts, const Request& request) {
  const auto query = promql::Query::parse(request.param("query"), parts.promql.options());
  if (!query) return bad_parameter("query", query.error().what());
  JsonWriter json;
  json.value(promql::pretty(query->expr()));
  return success(json.str());
}

Response parse_query(const QueryParts& parts, const Request& request) {
  const auto query = promql::Query::parse(request.param("query"), parts.promql.options());
  if (!query) return bad_parameter("query", query.error().what());
  return success(query->to_json());
}

void write_entries(JsonWriter& json, const std::vector<QueryLog::Entry>& entries) {
  json.begin_array();
  for (const QueryLog::Entry& entry : entries) {
    json.begin_object().field("id", entry.id).field("query", entry.text);
    json.key("started");
    write_seconds(json, entry.started);
    json.field("elapsed", to_seconds(entry.elapsed)).field("stopped", entry.stopped).end_object();
  }
  json.end_array();
}

Response list_queries(const QueryLog& log) {
  JsonWriter json;
  json.begin_object().key("running");
  write_entries(json, log.running());
  json.key("slow");
  write_entries(json, log.slow());
  json.end_object();
  Response response;
  response.body = json.take();
  return response;
}

// Of the series that the selectors of any expression name.
Response query_exemplars(const QueryParts& parts, const Request& request) {
  const auto from = optional_time(request, "start", kEarliest);
  if (!from) return failure("bad_data", from.error().what());
  const auto to = optional_time(request, "end", kLatest);
  if (!to) return failure("bad_data", to.error().what());
  if (*to < *from) return failure("bad_data", "end timestamp must not be before start timestamp");
  const auto query = promql::Query::parse(request.param("query"), parts.promql.options());
  if (!query) return failure("bad_data", query.error().what());
  const std::vector<std::vector<Matcher>> sets = query->selectors();
  JsonWriter json;
  json.begin_array();
  for (const storage::SeriesExemplars& found : parts.querier.exemplars(sets, {*from, *to})) {
    json.begin_object().key("seriesLabels");
    write_labels(json, found.series);
    json.key("exemplars").begin_array();
    for (const Exemplar& exemplar : found.exemplars) {
      json.begin_object().key("labels");
      write_labels(json, exemplar.labels);
      json.field("value", api_number(exemplar.value)).key("timestamp");
      write_millis(json, exemplar.time_ms);
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
  return success(json.str());
}

Response kill_query(QueryLog& log, const Request& request) {
  const auto id = count_param(request, "id", 0);
  if (!id) return native_error(id.error());
  if (!log.kill(*id)) return native_error(Error(ErrorCode::kNotFound, "no query of this id runs"));
  Response response;
  response.body = "{}";
  return response;
}

}  // namespace

void add_prometheus_query(Router& router, QueryParts parts) {
  const auto log = std::make_shared<QueryLog>(parts.clock);
  for (const char* method : {"GET", "POST"}) {
    router.add(method, "/api/v1/query", Pool::kSlow,
               [parts, log](const Request& r) { return query_instant(parts, *log, r); });
    router.add(method, "/api/v1/query_range", Pool::kSlow,
               [parts, log](const Request& r) { return query_range(parts, *log, r); });
  }
  router.add("GET", "/api/nines/v1/queries", Pool::kFast,
             [log](const Request&) { return list_queries(*log); });
  router.add("POST", "/api/nines/v1/queries/kill", Pool::kFast,
             same_origin_only([log](const Request& r) { return kill_query(*log, r); }));
  const auto both = [&](const std::string& path,
                        Response (*handle)(const QueryParts&, const Request&)) {
    for (const char* method : {"GET", "POST"}) {
      router.add(method, path, Pool::kSlow,
                 [parts, handle](const Request& r) { return handle(parts, r); });
    }
  };
  both("/api/v1/series", list_series);
  both("/api/v1/labels", label_names);
  both("/api/v1/format_query", format_query);
  both("/api/v1/parse_query", parse_query);
  const auto get = [&](const std::string& path,
                       Response (*handle)(const QueryParts&, const Request&)) {
    router.add("GET", path, Pool::kSlow,
               [parts, handle](const Request& r) { return handle(parts, r); });
  };
  get("/api/v1/label/*", label_values);
  get("/api/v1/metadata", metadata);
  both("/api/v1/query_exemplars", query_exemplars);
}

}  // namespace nines::web
