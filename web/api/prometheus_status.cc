// /api/v1/rules, alerts, status/*; /metrics, /-/healthy, /-/ready, /-/reload.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/text/numbers.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"
#include "web/api/internal/rule_list.h"

namespace nines::web {
namespace {

std::string build_json(const ApiParts& parts) {
  JsonWriter json;
  // `version` is the Prometheus API version spoken; clients compare it as one.
  json.begin_object()
      .field("version", "3.14.0")
      .field("revision", "")
      .field("branch", "")
      .field("buildUser", "");
  json.field("buildDate", "").field("goVersion", "").field("application", "nines");
  json.field("ninesVersion", parts.runtime().version).end_object();
  return json.take();
}

Response buildinfo(const ApiParts& parts, const Request&) {
  return success(build_json(parts));
}

Response version(const ApiParts& parts, const Request&) {
  Response response;
  response.body = build_json(parts) + "\n";
  return response;
}

// There is no log to replay: a start reads indexes, and answers once it has.
Response walreplay(const ApiParts&, const Request&) {
  return success(R"({"min":0,"max":0,"current":0})");
}

Response runtimeinfo(const ApiParts& parts, const Request&) {
  const RuntimeInfo info = parts.runtime();
  const storage::StoreStatus store = parts.store_status.status(0);
  JsonWriter json;
  json.begin_object().field("startTime", format_time(info.started_at)).field("CWD", "");
  json.field("reloadConfigSuccess", info.reload_ok)
      .field("lastConfigTime", format_time(info.reloaded_at));
  json.field("corruptionCount", store.damaged_segments)
      .field("storageRetention", format_bytes(store.budget_bytes))
      .end_object();
  return success(json.str());
}

Response config(const ApiParts& parts, const Request&) {
  JsonWriter json;
  json.begin_object()
      .field("yaml", parts.runtime().config_toml)
      .end_object();  // TOML under Prometheus's key
  return success(json.str());
}

Response flags(const ApiParts& parts, const Request&) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, value] : parts.runtime().flags) json.field(name, value);
  json.end_object();
  return success(json.str());
}

// When the single samples begin and end. As Prometheus says of a head that holds none: the end of
// time, and its beginning.
std::pair<std::int64_t, std::int64_t> sample_times(const storage::StoreStatus& store) {
  std::pair<std::int64_t, std::int64_t> times{INT64_MAX, INT64_MIN};
  for (const storage::ClassStatus& c : store.classes) {
    if ((c.name != "journal" && c.name != "raw") || c.newest == Timestamp{}) continue;
    times.first = std::min(times.first, to_millis(c.oldest));
    times.second = std::max(times.second, to_millis(c.newest));
  }
  return times;
}

Response tsdb(const ApiParts& parts, const Request& request) {
  const auto limit = count_param(request, "limit", 10);
  if (!limit || *limit == 0) return bad_parameter("limit", "limit must be a positive number");
  const storage::StoreStatus store = parts.store_status.status(*limit);
  JsonWriter json;
  json.begin_object().key("headStats").begin_object().field("numSeries", store.head_series);
  // What is here nearest to a chunk is a page, which holds the samples of up to 64 series.
  json.field("numLabelPairs", store.label_pairs).field("chunkCount", store.raw_pages);
  const auto [oldest, newest] = sample_times(store);
  json.field("minTime", oldest).field("maxTime", newest).end_object();
  const auto pairs = [&](std::string_view name,
                         const std::vector<std::pair<std::string, std::uint64_t>>& rows) {
    json.key(name).begin_array();
    for (const auto& [key, value] : rows)
      json.begin_object().field("name", key).field("value", value).end_object();
    json.end_array();
  };
  pairs("seriesCountByMetricName", store.top_metrics);
  pairs("labelValueCountByLabelName", store.top_labels);
  pairs("memoryInBytesByLabelName", store.top_label_bytes);
  pairs("seriesCountByLabelValuePair", store.top_pairs);
  json.key("retention").begin_array();
  for (const storage::ClassStatus& c : store.classes) {
    json.begin_object()
        .field("class", c.name)
        .field("bytes", c.bytes)
        .field("bytesUsed", c.bytes_used);
    json.field("projectedRetention", format_duration(c.projected_retention)).end_object();
  }
  json.end_array().end_object();
  return success(json.str());
}

Response reload(const ApiParts& parts, const Request&) {
  const Result<void> done = parts.reload();
  return done ? text_response(200, "")
              : text_response(500, "failed to reload config: " + done.error().what() + "\n");
}

}  // namespace

void add_prometheus_status(Router& router, const Parts& parts) {
  const auto get = [&](const std::string& path, Pool pool,
                       Response (*handle)(const ApiParts&, const Request&)) {
    router.add("GET", path, pool, [parts, handle](const Request& r) { return handle(*parts, r); });
  };
  get("/api/v1/rules", Pool::kFast,
      [](const ApiParts& p, const Request& r) { return list_rules(p.rules.status(), r); });
  get("/api/v1/alerts", Pool::kFast,
      [](const ApiParts& p, const Request&) { return list_alerts(p.rules.active_alerts()); });
  get("/api/v1/alertmanagers", Pool::kFast, [](const ApiParts& p, const Request&) {
    JsonWriter json;
    json.begin_object().key("activeAlertmanagers").begin_array();
    for (const auto& one : p.alertmanagers.active())
      json.begin_object().field("url", one.url).end_object();
    json.end_array().key("droppedAlertmanagers").begin_array().end_array().end_object();
    return success(json.take());
  });
  get("/api/v1/status/buildinfo", Pool::kFast, buildinfo);
  get("/api/v1/status/walreplay", Pool::kFast, walreplay);
  get("/version", Pool::kFast, version);
  get("/api/v1/status/runtimeinfo", Pool::kFast, runtimeinfo);
  get("/api/v1/status/flags", Pool::kFast, flags);
  get("/api/v1/status/config", Pool::kFast, config);
  get("/api/v1/status/tsdb", Pool::kSlow, tsdb);
  get("/metrics", Pool::kFast, [](const ApiParts& p, const Request&) {
    Response response = text_response(200, p.telemetry.text());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  });
  router.add("GET", "/-/healthy", Pool::kFast,
             [](const Request&) { return text_response(200, "nines is healthy.\n"); });
  router.add("GET", "/-/ready", Pool::kFast,
             [](const Request&) { return text_response(200, "nines is ready.\n"); });
  for (const char* method : {"POST", "PUT"}) {
    router.add(method, "/-/reload", Pool::kFast,
               same_origin_only([parts](const Request& r) { return reload(*parts, r); }));
  }
}

}  // namespace nines::web
