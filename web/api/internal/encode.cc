#include "web/api/internal/encode.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/ast.h"
#include "rules/promql/metric_selector.h"
#include "web/api/internal/histogram_json.h"
#include "web/api/internal/points.h"

namespace nines::web {
namespace {

std::string seconds_text(std::int64_t ms) {
  std::string out;
  append_seconds(out, ms);
  return out;
}

constexpr std::size_t kRoomMost = 64u << 20;  // bytes made ready before they are needed
constexpr std::size_t kLabelsUsual = 128;     // bytes

// 1.25 for 1.250: how Prometheus writes the times of scalars and strings.
std::string shortest_seconds(std::int64_t ms) {
  std::string text = seconds_text(ms);
  if (ms % 1000 == 0) return text;
  while (text.back() == '0') text.pop_back();
  return text;
}

void write_histogram_point(JsonWriter& json, std::int64_t time_ms, const Histogram& histogram) {
  json.begin_array().raw(seconds_text(time_ms));
  write_histogram(json, histogram);
  json.end_array();
}

// Room for `more` series is made by the length of this one.
void write_series(JsonWriter& json, const promql::MatrixSeries& series, TimeTexts& times,
                  std::size_t more) {
  json.begin_object().key("metric");
  write_labels(json, series.labels);
  const SampleColumns& s = series.samples;
  const auto is_histogram = [&](std::size_t i) {
    return !s.histograms.empty() && s.histograms[i] != nullptr;
  };
  bool floats = false, histograms = false;
  for (std::size_t i = 0; i < s.size(); ++i) (is_histogram(i) ? histograms : floats) = true;
  if (floats) {
    std::string& out = json.key("values").raw_pieces();
    const std::size_t before = out.size();
    append_floats(out, s, times);
    // Growing step by step would copy all of it each time.
    const std::size_t one = out.size() - before + kLabelsUsual;
    if (more > 0) out.reserve(out.size() + std::min(kRoomMost, more * one));
  }
  if (histograms) {
    json.key("histograms").begin_array();
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (is_histogram(i)) write_histogram_point(json, s.times[i], *s.histograms[i]);
    }
    json.end_array();
  }
  json.end_object();
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

}  // namespace

void write_labels(JsonWriter& json, const LabelSet& labels) {
  json.begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object();
}

void write_point(JsonWriter& json, std::int64_t time_ms, double value) {
  std::string& out = json.raw_pieces();
  out += '[';
  append_seconds(out, time_ms);
  out += ",\"";
  append_number(out, value);
  out += "\"]";
}

void write_millis(JsonWriter& json, std::int64_t ms) {
  json.raw(seconds_text(ms));
}

void write_seconds(JsonWriter& json, Timestamp at) {
  json.raw(shortest_seconds(to_millis(at)));
}

void write_time_or_null(JsonWriter& json, Timestamp at) {
  if (at == Timestamp{}) {
    json.null();
  } else {
    write_seconds(json, at);
  }
}

void write_value(JsonWriter& json, const promql::Value& value, const storage::StopFlag* stop) {
  const auto stopped = [&] {
    return stop != nullptr && stop->stop.load(std::memory_order_relaxed);
  };
  if (const auto* vector = std::get_if<promql::Vector>(&value)) {
    json.field("resultType", "vector").key("result").begin_array();
    for (const promql::VectorSample& sample : *vector) {
      if (stopped()) break;
      json.begin_object().key("metric");
      write_labels(json, sample.labels);
      if (sample.histogram) {
        json.key("histogram");
        write_histogram_point(json, to_millis(sample.at), *sample.histogram);
      } else {
        json.key("value");
        write_point(json, to_millis(sample.at), sample.value);
      }
      json.end_object();
    }
    json.end_array();
  } else if (const auto* matrix = std::get_if<promql::Matrix>(&value)) {
    json.field("resultType", "matrix").key("result").begin_array();
    TimeTexts times;
    std::size_t more = matrix->size() - std::min<std::size_t>(matrix->size(), 1);
    for (const promql::MatrixSeries& series : *matrix) {
      if (stopped()) break;
      write_series(json, series, times, std::exchange(more, 0));
    }
    json.end_array();
  } else if (const auto* scalar = std::get_if<promql::Scalar>(&value)) {
    json.field("resultType", "scalar").key("result");
    json.begin_array().raw(shortest_seconds(to_millis(scalar->at)));
    json.value(api_number(scalar->value)).end_array();
  } else if (const auto* text = std::get_if<promql::StringValue>(&value)) {
    json.field("resultType", "string").key("result").begin_array();
    json.raw(shortest_seconds(to_millis(text->at))).value(text->value).end_array();
  }
}

JsonWriter begin_success() {
  JsonWriter json;
  json.begin_object().field("status", "success").key("data");
  return json;
}

Response end_success(JsonWriter json, const std::vector<std::string>& warnings,
                     const std::vector<std::string>& infos) {
  write_texts(json, "warnings", warnings);
  write_texts(json, "infos", infos);
  json.end_object();
  return json_response(200, json.take());
}

Response success(const std::string& data, const std::vector<std::string>& warnings,
                 const std::vector<std::string>& infos) {
  JsonWriter json = begin_success();
  json.raw(data);
  return end_success(std::move(json), warnings, infos);
}

Response failure(std::string_view type, std::string_view text) {
  int status = 422;
  if (type == "bad_data") status = 400;
  if (type == "not_found") status = 404;
  if (type == "timeout" || type == "canceled" || type == "unavailable") status = 503;
  if (type == "internal") status = 500;
  JsonWriter json;
  json.begin_object()
      .field("status", "error")
      .field("errorType", type)
      .field("error", text)
      .end_object();
  return json_response(status, json.take());
}

Response failure(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUnavailable:
      return failure("timeout", error.what());
    case ErrorCode::kNotFound:
      return failure("not_found", error.what());
    case ErrorCode::kIo:
    case ErrorCode::kCorrupt:
      return failure("internal", error.what());
    default:
      return failure("execution", error.what());
  }
}

Response bad_parameter(std::string_view name, std::string_view why) {
  return failure("bad_data",
                 "invalid parameter \"" + std::string(name) + "\": " + std::string(why));
}

Response native_error(const Error& error) {
  int status = 500;
  if (error.code() == ErrorCode::kInvalid) status = 400;
  if (error.code() == ErrorCode::kNotFound) status = 404;
  if (error.code() == ErrorCode::kLimit) status = 422;
  if (error.code() == ErrorCode::kUnavailable) status = 503;
  JsonWriter json;
  json.begin_object().field("error", error.what()).end_object();
  return json_response(status, json.take());
}

Result<Timestamp> time_param(const Request& request, std::string_view name, Timestamp fallback) {
  const std::string_view text = request.param(name);
  if (text.empty()) return fallback;
  // How Go's clients write the ends of time.
  if (text == "-292273086-05-16T16:47:06Z") return kEarliest;
  if (text == "292277025-08-18T07:12:54.999999999Z") return kLatest;
  const Result<Timestamp> at = parse_time(text);
  if (at) return *at;
  return Error(ErrorCode::kInvalid,
               "cannot parse \"" + std::string(text) + "\" to a valid timestamp");
}

Result<Duration> duration_param(const Request& request, std::string_view name, Duration fallback) {
  const std::string_view text = request.param(name);
  if (text.empty()) {
    if (fallback != Duration(0)) return fallback;
    return Error(ErrorCode::kInvalid, "cannot parse \"\" to a valid duration");
  }
  if (const auto seconds = parse_double(text)) {
    const double ms = *seconds * 1000;
    if (!std::isfinite(ms) || std::fabs(ms) > 9e15)
      return Error(ErrorCode::kInvalid, "cannot parse \"" + std::string(text) +
                                            "\" to a valid duration. It overflows int64");
    return Duration(static_cast<std::int64_t>(ms));
  }
  const auto parsed = parse_duration(text);
  if (!parsed)
    return Error(ErrorCode::kInvalid,
                 "cannot parse \"" + std::string(text) + "\" to a valid duration");
  return *parsed;
}

Result<std::size_t> count_param(const Request& request, std::string_view name,
                                std::size_t fallback) {
  const std::string_view text = request.param(name);
  if (text.empty()) return fallback;
  const auto number = parse_int(text);
  if (!number || *number < 0)
    return Error(ErrorCode::kInvalid, "\"" + std::string(text) + "\" is no whole number from 0 on");
  return static_cast<std::size_t>(*number);
}

Result<std::size_t> limit_param(const Request& request) {
  const std::string_view text = request.param("limit");
  if (text.empty()) return std::size_t{0};
  const auto number = parse_int(text);
  if (!number) {
    return Error(ErrorCode::kInvalid,
                 "strconv.Atoi: parsing " + quote_go(text) + ": invalid syntax");
  }
  if (*number < 0) return Error(ErrorCode::kInvalid, "limit must be non-negative");
  return static_cast<std::size_t>(*number);
}

Result<std::vector<Matcher>> parse_match(std::string_view text) {
  NINES_TRY(std::vector<Matcher> matchers, promql::parse_metric_selector(text));
  if (std::all_of(matchers.begin(), matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    return Error(ErrorCode::kInvalid, "match[] must contain at least one non-empty matcher");
  }
  return matchers;
}

Result<std::vector<Matcher>> parse_selector(std::string_view text) {
  NINES_TRY(const promql::Query query, promql::Query::parse(text));
  const auto* selector = dynamic_cast<const promql::VectorSelector*>(&query.expr());
  if (!selector)
    return Error(ErrorCode::kInvalid,
                 "1:1: parse error: not a series selector: " + std::string(text));
  return selector->matchers;
}

}  // namespace nines::web
