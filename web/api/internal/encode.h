#pragma once
// How the Prometheus API writes values and reads parameters.
// Source: prometheus.io/docs/prometheus/latest/querying/api.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/text/json.h"
#include "rules/promql/engine.h"
#include "storage/api/querier.h"
#include "web/http/http.h"

namespace nines::web {

void write_labels(JsonWriter& json, const LabelSet& labels);
// [1700000000.123, "1.5"]; a histogram as the object Prometheus writes.
void write_point(JsonWriter& json, std::int64_t time_ms, double value);
// Seconds as Prometheus writes the times of samples: none or exactly three decimals.
void write_millis(JsonWriter& json, std::int64_t ms);
void write_seconds(JsonWriter& json, Timestamp at);  // a number with milliseconds as a fraction
void write_time_or_null(JsonWriter& json, Timestamp at);  // the same; null for the zero time
// "resultType" and "result" into an open object. Cut short once `stop` is set: nobody reads on.
void write_value(JsonWriter& json, const promql::Value& value,
                 const storage::StopFlag* stop = nullptr);

// The same in one go, without a copy of what may be large: the writer stands where DATA goes.
JsonWriter begin_success();
Response end_success(JsonWriter json, const std::vector<std::string>& warnings,
                     const std::vector<std::string>& infos);
// {"status":"success","data":DATA}; DATA is JSON.
Response success(const std::string& data, const std::vector<std::string>& warnings = {},
                 const std::vector<std::string>& infos = {});
// {"status":"error","errorType":TYPE,"error":TEXT} with the status Prometheus gives that type.
Response failure(std::string_view type, std::string_view text);
Response failure(const Error& error);  // of an execution
Response bad_parameter(std::string_view name, std::string_view why);

// {"error": TEXT}: nines's own endpoints.
Response native_error(const Error& error);

// Everything that can be stored: the years 1677 to 2262, so that nanoseconds can say them too.
inline constexpr Timestamp kEarliest = from_millis(INT64_MIN / 1'000'000);
inline constexpr Timestamp kLatest = from_millis(INT64_MAX / 1'000'000);

// An instant, or `fallback` when the parameter is absent. kInvalid.
Result<Timestamp> time_param(const Request& request, std::string_view name, Timestamp fallback);
// "30s" or seconds as a float. kInvalid when absent and `fallback` is zero.
Result<Duration> duration_param(const Request& request, std::string_view name, Duration fallback);
Result<std::size_t> count_param(const Request& request, std::string_view name,
                                std::size_t fallback);
// "limit", 0 when absent: no limit. kInvalid with Prometheus's texts.
Result<std::size_t> limit_param(const Request& request);
// The matchers of a "match[]", one of which at least must not match the empty string. kInvalid.
Result<std::vector<Matcher>> parse_match(std::string_view text);
// The matchers of a series selector such as up{job="a"}.
Result<std::vector<Matcher>> parse_selector(std::string_view text);

}  // namespace nines::web
