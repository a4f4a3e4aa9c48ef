// /api/nines/v1/*, as docs/api.md describes it.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"
#include "web/api/internal/native_encode.h"
#include "web/api/internal/native_slos.h"

namespace nines::web {
namespace {

constexpr std::string_view kIncidents = "/api/nines/v1/incidents/";
constexpr std::size_t kOverviewIncidents = 10;

std::vector<collector::TargetStatus> all_targets(const ApiParts& parts) {
  std::vector<collector::TargetStatus> targets = parts.scraper.targets();
  for (collector::TargetStatus& target : parts.prober.targets())
    targets.push_back(std::move(target));
  if (parts.host) {
    const collector::HostStatus status = parts.host->status();
    const collector::HostConfig& config = parts.host->config();
    collector::TargetStatus host;
    host.pool = config.job_name;
    host.kind = "host";
    host.url = config.proc_path;
    host.labels = LabelSet{{"job", config.job_name}, {"instance", config.instance}};
    host.health = status.up                               ? collector::TargetHealth::kUp
                  : status.last_collection == Timestamp{} ? collector::TargetHealth::kUnknown
                                                          : collector::TargetHealth::kDown;
    host.last_error = status.last_error;
    host.last_scrape = status.last_collection;
    host.last_duration = status.last_duration;
    host.last_samples = status.last_samples;
    host.interval = config.interval;
    targets.push_back(std::move(host));
  }
  return targets;
}

std::optional<double> number(const ApiParts& parts, const std::string& expr) {
  const auto query = promql::Query::parse(expr);
  if (!query) return std::nullopt;
  const auto result = parts.promql.instant(*query, parts.clock.now());
  if (!result) return std::nullopt;
  const auto* vector = std::get_if<promql::Vector>(&result->value);
  if (!vector || vector->empty() || !std::isfinite(vector->front().value)) return std::nullopt;
  return vector->front().value;
}

void write_host(JsonWriter& json, const ApiParts& parts) {
  json.key("host");
  if (!parts.host) {
    json.null();
    return;
  }
  const std::string job = "{job=" + quote_go(parts.host->config().job_name);
  json.begin_object();
  const auto tile = [&](std::string_view name, const std::string& expr) {
    json.key(name);
    const auto value = number(parts, expr);
    if (value) {
      json.value(*value);
    } else {
      json.null();
    }
  };
  tile("cpu_busy_ratio", "1 - avg(rate(node_cpu_seconds_total" + job + ",mode=\"idle\"}[1m]))");
  tile("memory_used_ratio", "max(1 - node_memory_MemAvailable_bytes" + job +
                                "} / node_memory_MemTotal_bytes" + job + "})");
  tile("filesystem_used_ratio",
       "max(1 - node_filesystem_avail_bytes" + job + "} / node_filesystem_size_bytes" + job + "})");
  tile("load1", "max(node_load1" + job + "})");
  json.end_object();
}

void write_incidents(JsonWriter& json, const ApiParts& parts,
                     const std::vector<storage::Incident>& incidents) {
  json.key("incidents").begin_array();
  for (const storage::Incident& incident : incidents)
    write_incident(json, incident, parts.notifier.acknowledgement(incident.episode));
  json.end_array();
}

// Those that are not over first, however many began after them; the newest first among equals.
Result<std::vector<storage::Incident>> most_urgent(storage::IncidentStore& store, std::size_t most) {
  NINES_TRY(std::vector<storage::Incident> out, store.open_incidents(most));
  NINES_TRY(const std::vector<storage::Incident> newest, store.incidents(most));
  for (const storage::Incident& one : newest) {
    if (out.size() == most) break;
    if (one.resolved_at != Timestamp{}) out.push_back(one);
  }
  return out;
}

Response overview(const ApiParts& parts, const Request&) {
  const RuntimeInfo info = parts.runtime();
  std::uint64_t up = 0, down = 0, unknown = 0;
  for (const auto& target : all_targets(parts)) {
    ++(target.health == collector::TargetHealth::kUp     ? up
       : target.health == collector::TargetHealth::kDown ? down
                                                         : unknown);
  }
  std::uint64_t firing = 0, pending = 0;
  for (const auto& alert : parts.rules.active_alerts()) {
    ++(alert.state == alerts::AlertState::kFiring ? firing : pending);
  }
  std::uint64_t queued = 0, given_up = 0;
  for (const storage::Delivery& d : parts.notifier.deliveries(500)) {
    queued += d.state == storage::DeliveryState::kQueued ? 1 : 0;
    given_up += d.state == storage::DeliveryState::kGivenUp ? 1 : 0;
  }
  const Result<std::vector<storage::Incident>> incidents =
      most_urgent(parts.state, kOverviewIncidents);
  if (!incidents) return native_error(incidents.error());
  JsonWriter json;
  json.begin_object().field("version", info.version).key("started_at");
  write_seconds(json, info.started_at);
  json.key("now");
  write_seconds(json, parts.clock.now());
  json.key("targets")
      .begin_object()
      .field("up", up)
      .field("down", down)
      .field("unknown", unknown)
      .end_object();
  json.key("alerts").begin_object().field("firing", firing).field("pending", pending).end_object();
  write_slos(json, parts, 5);
  write_incidents(json, parts, *incidents);
  json.key("deliveries")
      .begin_object()
      .field("queued", queued)
      .field("given_up", given_up)
      .end_object();
  json.field("paging_configured", parts.notifier.config().route.has_value());
  const auto remediations = parts.remediator.status();
  int running = 0;
  for (const auto& r : remediations) running += r.running;
  json.key("remediation")
      .begin_object()
      .field("stopped", parts.remediator.stopped())
      .field("running", running);
  json.field("configured", static_cast<std::uint64_t>(remediations.size()))
      .end_object()
      .key("storage");
  write_storage(json, parts.store_status.status(0));
  write_host(json, parts);
  json.key("reload");
  write_reload(json, info);
  json.end_object();
  return json_response(200, json.take());
}

Response list_incidents(const ApiParts& parts, const Request& request) {
  const auto limit = count_param(request, "limit", 50);
  if (!limit) return native_error(Error(ErrorCode::kInvalid, "limit: " + limit.error().what()));
  const std::string_view state = request.param("state");
  if (!state.empty() && state != "open" && state != "all") {
    return native_error(
        Error(ErrorCode::kInvalid, "state: " + quote_go(state) + " is neither open nor all"));
  }
  const Result<std::vector<storage::Incident>> incidents =
      state == "open" ? parts.state.open_incidents(*limit) : parts.state.incidents(*limit);
  if (!incidents) return native_error(incidents.error());
  JsonWriter json;
  json.begin_object();
  write_incidents(json, parts, *incidents);
  json.end_object();
  return json_response(200, json.take());
}

Response one_incident(const ApiParts& parts, const Request& request) {
  const std::string episode = request.path.substr(kIncidents.size());
  const auto incident = parts.state.incident(episode);
  if (!incident) return native_error(incident.error());
  const auto events = parts.state.events(episode);
  if (!events) return native_error(events.error());
  const auto acknowledgement = parts.notifier.acknowledgement(episode);
  JsonWriter json;
  json.begin_object().key("incident");
  write_incident(json, *incident, acknowledgement);
  json.key("acknowledged");
  write_acknowledgement(json, acknowledgement);
  json.key("events").begin_array();
  for (const storage::IncidentEvent& event : *events) write_event(json, event);
  json.end_array();
  write_incident_costs(json, parts, *incident);
  json.end_object();
  return json_response(200, json.take());
}

Response list_deliveries(const ApiParts& parts, const Request& request) {
  const auto limit = count_param(request, "limit", 50);
  if (!limit) return native_error(Error(ErrorCode::kInvalid, "limit: " + limit.error().what()));
  JsonWriter json;
  json.begin_object().key("deliveries").begin_array();
  for (const storage::Delivery& delivery : parts.notifier.deliveries(*limit))
    write_delivery(json, delivery);
  json.end_array().end_object();
  return json_response(200, json.take());
}

Response remediations(const ApiParts& parts, const Request&) {
  constexpr const char* kModes[] = {"off", "dry_run", "approve", "auto"};
  JsonWriter json;
  json.begin_object()
      .field("stopped", parts.remediator.stopped())
      .key("remediations")
      .begin_array();
  for (const remediation::RemediationStatus& r : parts.remediator.status()) {
    json.begin_object()
        .field("name", r.config.name)
        .field("mode", kModes[static_cast<std::size_t>(r.config.mode)]);
    json.key("matchers").begin_array();
    for (const Matcher& matcher : r.config.matchers) json.value(matcher.to_string());
    json.end_array().field("running", r.running).field("runs_last_hour", r.runs_last_hour);
    json.field("last_reason", r.last_reason).end_object();
  }
  json.end_array().key("runs").begin_array();
  for (const storage::RemediationRun& run : parts.remediator.runs(100)) write_run(json, run);
  json.end_array().end_object();
  return json_response(200, json.take());
}

Response stop_remediation(const ApiParts& parts, const Request& request) {
  const auto body = Json::parse(request.body);
  if (!body || (*body)["stopped"].type() != Json::Type::kBool) {
    return native_error(
        Error(ErrorCode::kInvalid, R"(the body must be {"stopped":true} or {"stopped":false})"));
  }
  const auto done = parts.remediator.set_stopped((*body)["stopped"].as_bool(), request.remote);
  return done ? remediations(parts, request) : native_error(done.error());
}

Response list_targets(const ApiParts& parts, const Request&) {
  JsonWriter json;
  json.begin_object().key("targets").begin_array();
  for (const auto& target : all_targets(parts)) write_target(json, target);
  json.end_array().end_object();
  return json_response(200, json.take());
}

Response list_tails(const ApiParts& parts, const Request&) {
  JsonWriter json;
  json.begin_object().key("tails").begin_array();
  for (const collector::TailStatus& tail : parts.tailer.status()) {
    json.begin_object()
        .field("job", tail.job)
        .field("path", tail.path)
        .field("offset", tail.offset)
        .field("size", tail.size);
    json.field("lines", tail.lines)
        .field("rotations", tail.rotations)
        .field("last_error", tail.last_error)
        .key("last_line");
    write_time_or_null(json, tail.last_line);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

Response storage_status(const ApiParts& parts, const Request&) {
  JsonWriter json;
  write_storage(json, parts.store_status.status(10));
  return json_response(200, json.take());
}

Response flush_storage(const ApiParts& parts, const Request& request) {
  if (const Result<void> done = parts.flush(); !done) {
    return text_response(500, "cannot write the open pages: " + done.error().what() + "\n");
  }
  return storage_status(parts, request);
}

Response config(const ApiParts& parts, const Request&) {
  const RuntimeInfo info = parts.runtime();
  JsonWriter json;
  json.begin_object().field("file", info.config_file).field("toml", info.config_toml).key("reload");
  write_reload(json, info);
  json.end_object();
  return json_response(200, json.take());
}

}  // namespace

void add_native(Router& router, const Parts& parts) {
  const auto add = [&](const char* method, const std::string& path,
                       Response (*handle)(const ApiParts&, const Request&)) {
    Handler handler = [parts, handle](const Request& r) { return handle(*parts, r); };
    const bool changes = std::string_view(method) != "GET";
    router.add(method, "/api/nines/v1/" + path, Pool::kFast,
               changes ? same_origin_only(std::move(handler)) : std::move(handler));
  };
  add("GET", "overview", overview);
  add("GET", "incidents", list_incidents);
  add("GET", "incidents/*", one_incident);
  add("GET", "deliveries", list_deliveries);
  add("GET", "remediations", remediations);
  add("POST", "remediations/stop", stop_remediation);
  add("GET", "targets", list_targets);
  add("GET", "tails", list_tails);
  add("GET", "storage", storage_status);
  add("POST", "storage/flush", flush_storage);
  add("GET", "config", config);
}

}  // namespace nines::web
