// /api/v1/features: what of Prometheus's features this server has, by Prometheus's names.
// Source: prometheus.io/docs/prometheus/latest/querying/api, "Features"; the names are those of
// Prometheus 3.14's own answer.
#include <initializer_list>
#include <string_view>
#include <utility>

#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

using Names = std::initializer_list<std::string_view>;

// One category: what is there, and what a client might look for and will not find.
void category(JsonWriter& json, std::string_view name, Names there, Names missing = {}) {
  json.key(name).begin_object();
  for (const std::string_view feature : there) json.field(feature, true);
  for (const std::string_view feature : missing) json.field(feature, false);
  json.end_object();
}

void write_language(JsonWriter& json) {
  category(json, "promql",
           {"anchored",
            "at_modifier",
            "bool",
            "by",
            "delayed_name_removal",
            "duration_expr",
            "fill",
            "fill_left",
            "fill_right",
            "group_left",
            "group_right",
            "ignoring",
            "negative_offset",
            "offset",
            "on",
            "per_query_lookback_delta",
            "per_step_stats",
            "smoothed",
            "subqueries",
            "type_and_unit_labels",
            "without"});
  json.key("promql_functions").begin_object();
  for (const std::string_view function : promql::function_names()) json.field(function, true);
  json.end_object();
  category(json, "promql_operators",
           {"!=",     "!~",          "%",      "*",    "+",       "-",     "/",
            "<",      "<=",          "==",     "=~",   ">",       ">=",    "@",
            "^",      "and",         "atan2",  "avg",  "bottomk", "count", "count_values",
            "group",  "limit_ratio", "limitk", "max",  "min",     "or",    "quantile",
            "stddev", "stdvar",      "sum",    "topk", "unless"});
}

Response features(const Request&) {
  JsonWriter json;
  json.begin_object();
  category(json, "api",
           {"exclude_alerts", "label_values_match", "lifecycle", "query_stats", "query_warnings",
            "remote_write_receiver", "time_range_labels", "time_range_series"},
           {"admin", "openapi_3.1", "openapi_3.2", "otlp_write_receiver"});
  category(json, "otlp_receiver", {}, {"delta_conversion", "native_delta_ingestion"});
  category(json, "prometheus", {"server_mode"}, {"agent_mode", "auto_reload_config"});
  write_language(json);
  category(json, "rules", {"keep_firing_for", "query_offset"}, {"concurrent_rule_eval"});
  category(json, "scrape", {},
           {"extra_scrape_metrics", "start_timestamp_zero_ingestion", "type_and_unit_labels"});
  category(json, "service_discovery_providers", {"dns", "file", "http", "static"});
  category(json, "templating_functions",
           {"args",
            "externalURL",
            "first",
            "graphLink",
            "humanize",
            "humanize1024",
            "humanizeDuration",
            "humanizePercentage",
            "humanizeTimestamp",
            "label",
            "match",
            "parseDuration",
            "pathPrefix",
            "query",
            "reReplaceAll",
            "safeHtml",
            "sortByLabel",
            "stripDomain",
            "stripPort",
            "strvalue",
            "tableLink",
            "title",
            "toDuration",
            "toLower",
            "toTime",
            "toUpper",
            "urlQueryEscape",
            "value"},
           {"now"});
  category(json, "tsdb", {"exemplar_storage", "isolation", "native_histograms"},
           {"delayed_compaction", "use_uncached_io"});
  category(json, "ui", {}, {"ui_v2", "ui_v3"});
  json.end_object();
  return success(json.str());
}

}  // namespace

void add_prometheus_features(Router& router) {
  router.add("GET", "/api/v1/features", Pool::kFast, features);
}

}  // namespace nines::web
