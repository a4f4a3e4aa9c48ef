// /api/v1/targets, scrape_pools, targets/metadata, targets/relabel_steps.
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

// What has not happened is Go's zero time to the clients of this API.
std::string go_time(Timestamp at) {
  return at == Timestamp{} ? "0001-01-01T00:00:00Z" : format_time(at);
}

std::vector<collector::TargetStatus> all_targets(const ApiParts& parts) {
  std::vector<collector::TargetStatus> targets = parts.scraper.targets();
  for (collector::TargetStatus& target : parts.prober.targets())
    targets.push_back(std::move(target));
  return targets;
}

Response targets(const ApiParts& parts, const Request& request) {
  const std::string_view pool = request.param("scrapePool");
  const std::string_view state = request.param("state");
  JsonWriter json;
  json.begin_object().key("activeTargets").begin_array();
  for (const collector::TargetStatus& target : all_targets(parts)) {
    if (state == "dropped" || (!pool.empty() && pool != target.pool)) continue;
    json.begin_object().key("discoveredLabels");
    write_labels(json, target.discovered);
    json.key("labels");
    write_labels(json, target.labels);
    json.field("scrapePool", target.pool)
        .field("scrapeUrl", target.url)
        .field("globalUrl", target.url);
    json.field("lastError", target.last_error).field("lastScrape", go_time(target.last_scrape));
    json.field("lastScrapeDuration", to_seconds(target.last_duration));
    json.field("health", collector::to_string(target.health));
    json.field("scrapeInterval", format_duration(target.interval))
        .field("scrapeTimeout", format_duration(target.timeout));
    json.end_object();
  }
  json.end_array().key("droppedTargets").begin_array();
  const collector::DroppedTargets dropped = parts.scraper.dropped_targets();
  for (const collector::DroppedTarget& target : dropped.shown) {
    if (state == "active" || (!pool.empty() && pool != target.pool)) continue;
    json.begin_object().key("discoveredLabels");
    write_labels(json, target.discovered);
    json.field("scrapePool", target.pool).end_object();
  }
  json.end_array().key("droppedTargetCounts").begin_object();
  for (const auto& [name, count] : dropped.counts) json.field(name, count);
  json.end_object().end_object();
  return success(json.str());
}

Response scrape_pools(const ApiParts& parts, const Request&) {
  std::set<std::string> pools;
  for (const auto& target : all_targets(parts)) pools.insert(target.pool);
  for (const auto& job : parts.scraper.jobs()) pools.insert(job->job_name);
  JsonWriter json;
  json.begin_object().key("scrapePools").begin_array();
  for (const std::string& pool : pools) json.value(pool);
  json.end_array().end_object();
  return success(json.str());
}

// What of a target's metadata was asked for: all of it, each with its name, or one metric's.
void write_metadata(const collector::TargetStatus& target, std::string_view metric,
                    JsonWriter& json, std::int64_t& count) {
  if (!target.described) return;
  for (const auto& [family, metadata] : *target.described) {
    if (!metric.empty() && metric != family) continue;
    json.begin_object().key("target");
    write_labels(json, target.labels);
    if (metric.empty()) json.field("metric", family);
    json.field("type", to_string(metadata.type))
        .field("help", metadata.help)
        .field("unit", metadata.unit)
        .end_object();
    ++count;
  }
}

Response targets_metadata(const ApiParts& parts, const Request& request) {
  std::int64_t limit = -1;
  if (const std::string_view text = request.param("limit"); !text.empty()) {
    const std::optional<std::int64_t> number = parse_int(text);
    if (!number) return failure("bad_data", "limit must be a number");
    limit = *number;
  }
  std::vector<Matcher> matchers;
  if (const std::string_view text = request.param("match_target"); !text.empty()) {
    Result<std::vector<Matcher>> parsed = parse_selector(text);
    if (!parsed) return bad_parameter("match_target", parsed.error().what());
    matchers = *std::move(parsed);
  }
  JsonWriter json;
  json.begin_array();
  std::int64_t count = 0;
  for (const collector::TargetStatus& target : parts.scraper.targets()) {
    // As Prometheus counts: a target that was begun is told whole.
    if (limit >= 0 && count >= limit) break;
    if (!matches_all(matchers, target.labels)) continue;
    write_metadata(target, request.param("metric"), json, count);
  }
  json.end_array();
  return success(json.str());
}

void write_rule(JsonWriter& json, const collector::RelabelRule& rule) {
  json.begin_object();
  if (!rule.source_labels.empty()) {
    json.key("source_labels").begin_array();
    for (const std::string& name : rule.source_labels) json.value(name);
    json.end_array();
  }
  if (!rule.separator.empty()) json.field("separator", rule.separator);
  if (!rule.regex_text.empty()) json.field("regex", rule.regex_text);
  if (rule.modulus != 0) json.field("modulus", rule.modulus);
  if (!rule.target_label.empty()) json.field("target_label", rule.target_label);
  if (!rule.replacement.empty()) json.field("replacement", rule.replacement);
  json.field("action", std::string(to_string(rule.action))).end_object();
}

// What each rule of a job does to a set of discovered labels.
Response relabel_steps(const ApiParts& parts, const Request& request) {
  const std::string_view pool = request.param("scrapePool");
  const std::string_view text = request.param("labels");
  if (pool.empty()) return failure("bad_data", "no scrapePool parameter provided");
  if (text.empty()) return failure("bad_data", "no labels parameter provided");
  const Result<Json> parsed = Json::parse(text);
  if (!parsed || !parsed->is_object()) {
    return bad_parameter("labels", parsed ? "expected an object" : parsed.error().what());
  }
  LabelBuilder labels;
  for (const auto& [name, value] : parsed->members()) {
    if (!value.is_string()) return bad_parameter("labels", quote_go(name) + " is no string");
    labels.set(name, value.as_string());
  }
  for (const auto& job : parts.scraper.jobs()) {
    if (job->job_name != pool) continue;
    const auto steps = collector::relabel_steps(labels.build(), job->relabel_configs);
    JsonWriter json;
    json.begin_object().key("steps").begin_array();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      json.begin_object().key("rule");
      write_rule(json, job->relabel_configs[i]);
      json.key("output");
      write_labels(json, steps[i].output);
      json.field("keep", steps[i].keep).end_object();
    }
    json.end_array().end_object();
    return success(json.str());
  }
  return failure("bad_data", "scrape pool " + quote_go(pool) + " not found");
}

}  // namespace

void add_prometheus_targets(Router& router, const Parts& parts) {
  const auto get = [&](const std::string& path,
                       Response (*handle)(const ApiParts&, const Request&)) {
    router.add("GET", path, Pool::kFast,
               [parts, handle](const Request& r) { return handle(*parts, r); });
  };
  get("/api/v1/targets", targets);
  get("/api/v1/scrape_pools", scrape_pools);
  get("/api/v1/targets/metadata", targets_metadata);
  get("/api/v1/targets/relabel_steps", relabel_steps);
}

}  // namespace nines::web
