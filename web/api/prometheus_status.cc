// /api/v1/rules, alerts, status/*; /metrics, /-/healthy, /-/ready, /-/reload.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {
namespace {

// What has not happened is Go's zero time to the clients of this API.
std::string go_time(Timestamp at) {
  return at == Timestamp{} ? "0001-01-01T00:00:00Z" : format_time(at);
}

// 1.5e+00, as alerts show their values.
std::string exponent_form(double value) {
  if (!std::isfinite(value)) return format_double(value);
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return std::string(text.data(), end.ptr);
}

void write_alert(JsonWriter& json, const alerts::Alert& alert) {
  json.begin_object().key("labels");
  write_labels(json, alert.labels);
  json.key("annotations");
  write_labels(json, alert.annotations);
  json.field("state", alerts::to_string(alert.state))
      .field("activeAt", format_time(alert.active_at));
  json.field("value", exponent_form(alert.value)).field("incident", alert.episode()).end_object();
}

void write_string_map(JsonWriter& json, const std::map<std::string, std::string>& map) {
  json.begin_object();
  for (const auto& [name, value] : map) json.field(name, value);
  json.end_object();
}

void write_rule(JsonWriter& json, const alerts::RuleStatus& rule, bool with_alerts) {
  const bool alerting = !rule.config.alert.empty();
  json.begin_object();
  if (alerting) json.field("state", alerts::to_string(rule.state));
  json.field("name", alerting ? rule.config.alert : rule.config.record)
      .field("query", rule.config.expr);
  if (alerting) {
    json.field("duration", to_seconds(rule.config.hold))
        .field("keepFiringFor", to_seconds(rule.config.keep_firing_for));
  }
  json.key("labels");
  write_string_map(json, rule.config.labels);
  if (alerting) {
    json.key("annotations");
    write_string_map(json, rule.config.annotations);
    json.key("alerts").begin_array();
    if (with_alerts) {
      for (const alerts::Alert& alert : rule.alerts) write_alert(json, alert);
    }
    json.end_array();
  }
  json.field("health", rule.health);
  if (!rule.last_error.empty()) json.field("lastError", rule.last_error);
  json.field("evaluationTime", to_seconds(rule.evaluation_time));
  json.field("lastEvaluation", go_time(rule.last_evaluation))
      .field("type", alerting ? "alerting" : "recording");
  json.end_object();
}

bool wanted(const Request& request, std::string_view name, const std::string& value) {
  const auto all = request.all(name);
  return all.empty() || std::find(all.begin(), all.end(), value) != all.end();
}

Response rules(const ApiParts& parts, const Request& request) {
  const std::string_view type = request.param("type");
  if (!type.empty() && type != "alert" && type != "record")
    return bad_parameter("type", "not supported value " + quote_go(type));
  const bool with_alerts = request.param("exclude_alerts") != "true";
  JsonWriter json;
  json.begin_object().key("groups").begin_array();
  for (const alerts::GroupStatus& group : parts.rules.status()) {
    if (!wanted(request, "rule_group[]", group.config.name) ||
        !wanted(request, "file[]", group.config.file))
      continue;
    std::vector<const alerts::RuleStatus*> shown;
    for (const alerts::RuleStatus& rule : group.rules) {
      const bool alerting = !rule.config.alert.empty();
      if ((type == "alert" && !alerting) || (type == "record" && alerting)) continue;
      if (wanted(request, "rule_name[]", alerting ? rule.config.alert : rule.config.record))
        shown.push_back(&rule);
    }
    if (shown.empty()) continue;
    json.begin_object()
        .field("name", group.config.name)
        .field("file", group.config.file)
        .key("rules")
        .begin_array();
    for (const alerts::RuleStatus* rule : shown) write_rule(json, *rule, with_alerts);
    json.end_array()
        .field("interval", to_seconds(group.interval))
        .field("limit", static_cast<std::uint64_t>(group.config.limit));
    json.field("evaluationTime", to_seconds(group.evaluation_time))
        .field("lastEvaluation", go_time(group.last_evaluation));
    json.end_object();
  }
  json.end_array().end_object();
  return success(json.str());
}

Response active_alerts(const ApiParts& parts, const Request&) {
  JsonWriter json;
  json.begin_object().key("alerts").begin_array();
  for (const alerts::Alert& alert : parts.rules.active_alerts()) write_alert(json, alert);
  json.end_array().end_object();
  return success(json.str());
}

Response buildinfo(const ApiParts& parts, const Request&) {
  JsonWriter json;
  // `version` is the Prometheus API version spoken; clients compare it as one.
  json.begin_object()
      .field("version", "3.14.0")
      .field("revision", "")
      .field("branch", "")
      .field("buildUser", "");
  json.field("buildDate", "").field("goVersion", "").field("application", "nines");
  json.field("ninesVersion", parts.runtime().version).end_object();
  return success(json.str());
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

Response tsdb(const ApiParts& parts, const Request& request) {
  const auto limit = count_param(request, "limit", 10);
  if (!limit || *limit == 0) return bad_parameter("limit", "limit must be a positive number");
  const storage::StoreStatus store = parts.store_status.status(*limit);
  JsonWriter json;
  json.begin_object().key("headStats").begin_object().field("numSeries", store.head_series);
  json.field("numLabelPairs", std::uint64_t{0}).field("chunkCount", std::uint64_t{0});
  json.field("minTime", std::int64_t{0})
      .field("maxTime", to_millis(parts.clock.now()))
      .end_object();
  const auto pairs = [&](std::string_view name,
                         const std::vector<std::pair<std::string, std::uint64_t>>& rows) {
    json.key(name).begin_array();
    for (const auto& [key, value] : rows)
      json.begin_object().field("name", key).field("value", value).end_object();
    json.end_array();
  };
  pairs("seriesCountByMetricName", store.top_metrics);
  pairs("labelValueCountByLabelName", store.top_labels);
  pairs("memoryInBytesByLabelName", {});
  pairs("seriesCountByLabelValuePair", {});
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
  get("/api/v1/rules", Pool::kFast, rules);
  get("/api/v1/alerts", Pool::kFast, active_alerts);
  get("/api/v1/alertmanagers", Pool::kFast, [](const ApiParts& p, const Request&) {
    JsonWriter json;
    json.begin_object().key("activeAlertmanagers").begin_array();
    for (const auto& one : p.notifier.config().alertmanagers)
      json.begin_object().field("url", one.url).end_object();
    json.end_array().key("droppedAlertmanagers").begin_array().end_array().end_object();
    return success(json.take());
  });
  get("/api/v1/status/buildinfo", Pool::kFast, buildinfo);
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
