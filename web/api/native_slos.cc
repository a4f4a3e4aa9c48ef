// /api/nines/v1/slos/*, as docs/slo.md describes it.
#include "web/api/internal/native_slos.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"
#include "web/api/internal/native_encode.h"

namespace nines::web {
namespace {

constexpr std::string_view kSlos = "/api/nines/v1/slos/";
constexpr std::size_t kIncidentsMax = 1'000;  // the newest are looked at

// How many alerts fire per SLO, from their `slo` label.
std::map<std::string, std::uint64_t> firing_by_slo(const ApiParts& parts) {
  std::map<std::string, std::uint64_t> out;
  for (const alerts::Alert& alert : parts.rules.active_alerts()) {
    if (alert.state == alerts::AlertState::kFiring && alert.labels.has("slo"))
      ++out[std::string(alert.labels.get("slo"))];
  }
  return out;
}

std::vector<slo::SloStatus> slos_by_budget(const ApiParts& parts) {
  std::vector<slo::SloStatus> all = parts.slos.status(parts.clock.now());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.budget_remaining < b.budget_remaining;
  });
  return all;
}

bool is_about(const LabelSet& labels, const slo::SloConfig& slo) {
  if (labels.get("slo") == slo.name) return true;
  if (labels.has("slo") || slo.service.empty() || labels.get("service") != slo.service)
    return false;
  // Of a grouped SLO: an incident that has the group's labels is about its group alone.
  return std::all_of(slo.group_by.begin(), slo.group_by.end(), [&](const std::string& label) {
    return !labels.has(label) || labels.get(label) == slo.group.get(label);
  });
}

Timestamp end_of(const ApiParts& parts, const storage::Incident& incident) {
  return incident.resolved_at != Timestamp{} ? incident.resolved_at : parts.clock.now();
}

// In whole minutes, also those in which it began and ended.
void write_cost(JsonWriter& json, const ApiParts& parts, const std::string& slo,
                const storage::Incident& incident) {
  const Duration minute(60'000);
  const auto spent = parts.slos.spent(
      slo, incident.started_at, end_of(parts, incident) + minute - Duration(1), parts.clock.now());
  if (!spent) {
    json.null();
    return;
  }
  json.begin_object().field("slo", slo).field("bad", spent->bad).field("valid", spent->valid);
  json.field("share", spent->share).end_object();
}

void write_grouped(JsonWriter& json, const slo::GroupedStatus& status) {
  json.begin_object().field("name", status.config.name).field("service", status.config.service);
  json.key("group_by").begin_array();
  for (const std::string& label : status.config.group_by) json.value(label);
  json.end_array()
      .field("groups", static_cast<std::uint64_t>(status.groups))
      .field("max_groups", static_cast<std::uint64_t>(status.config.max_groups));
  json.field("refused", status.refused).key("refused_examples").begin_array();
  for (const std::string& name : status.refused_examples) json.value(name);
  json.end_array().end_object();
}

Response list_slos(const ApiParts& parts, const Request&) {
  JsonWriter json;
  json.begin_object();
  write_slos(json, parts, std::size_t(-1));
  json.key("grouped").begin_array();
  for (const slo::GroupedStatus& status : parts.slos.grouped()) write_grouped(json, status);
  json.end_array().end_object();
  return json_response(200, json.take());
}

// A grouped SLO: what it is split by, and its groups.
std::optional<Response> one_grouped(const ApiParts& parts, const std::string& name) {
  for (const slo::GroupedStatus& status : parts.slos.grouped()) {
    if (status.config.name != name) continue;
    JsonWriter json;
    json.begin_object().key("grouped");
    write_grouped(json, status);
    write_slos(json, parts, std::size_t(-1), name);
    json.end_object();
    return json_response(200, json.take());
  }
  return std::nullopt;
}

Result<storage::TimeRange> range_of(const ApiParts& parts, const Request& request,
                                    Duration fallback) {
  NINES_TRY(const Timestamp to, time_param(request, "end", parts.clock.now()));
  NINES_TRY(const Timestamp from, time_param(request, "start", to - fallback));
  if (to < from) return Error(ErrorCode::kInvalid, "end is before start");
  return storage::TimeRange{from, to};
}

Response slo_budget(const ApiParts& parts, const Request& request, const slo::SloStatus& status) {
  const auto range = range_of(parts, request, status.config.window);
  if (!range) return native_error(range.error());
  const auto points = count_param(request, "points", 240);
  if (!points || *points == 0 || *points > 11'000)
    return native_error(Error(ErrorCode::kInvalid, "points must be between 1 and 11000"));
  const auto budget = parts.slos.budget(status.config.name, range->from, range->to, *points);
  if (!budget) return native_error(budget.error());
  JsonWriter json;
  json.begin_object().key("points").begin_array();
  for (const slo::BudgetPoint& point : *budget) {
    json.begin_object().key("t");
    write_seconds(json, point.at);
    json.field("good", point.good)
        .field("bad", point.bad)
        .field("remaining", point.remaining)
        .end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

Response slo_minutes(const ApiParts& parts, const Request& request, const slo::SloStatus& status) {
  const auto range = range_of(parts, request, Duration(3'600'000));
  if (!range) return native_error(range.error());
  const auto minutes = parts.slos.minutes(status.config.name, range->from, range->to);
  if (!minutes) return native_error(minutes.error());
  JsonWriter json;
  json.begin_object().key("minutes").begin_array();
  for (const storage::LedgerMinute& minute : *minutes) {
    json.begin_object()
        .field("t", minute.minute * 60)
        .field("good", minute.good)
        .field("valid", minute.valid);
    json.field("excluded", minute.excluded).field("is_excluded", minute.is_excluded).end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

struct Wanted {
  Result<slo::SloStatus> status;
  std::string name;
  std::string part;  // after the name: budget, minutes, incidents
};

// The names of groups may have slashes in them: the whole is tried first.
Wanted wanted(const ApiParts& parts, const Request& request) {
  Wanted out{Error(ErrorCode::kNotFound, ""), request.path.substr(kSlos.size()), ""};
  out.status = parts.slos.status(out.name, parts.clock.now());
  const std::size_t slash = out.name.rfind('/');
  if (out.status || slash == std::string::npos) return out;
  Result<slo::SloStatus> shorter = parts.slos.status(out.name.substr(0, slash), parts.clock.now());
  if (!shorter) return out;
  out.status = std::move(shorter);
  out.part = out.name.substr(slash + 1);
  out.name.resize(slash);
  return out;
}

// Those that were on in the SLO's window, with what was spent meanwhile.
Response slo_incidents(const ApiParts& parts, const Request& request,
                       const slo::SloStatus& status) {
  const auto limit = count_param(request, "limit", kIncidentsMax);
  if (!limit) return native_error(Error(ErrorCode::kInvalid, "limit: " + limit.error().what()));
  const auto incidents = parts.state.incidents(kIncidentsMax);
  if (!incidents) return native_error(incidents.error());
  JsonWriter json;
  json.begin_object().key("incidents").begin_array();
  std::size_t left = *limit;
  for (const storage::Incident& incident : *incidents) {
    if (left == 0) break;
    if (!is_about(incident.labels, status.config)) continue;
    const Timestamp to = end_of(parts, incident);
    if (to <= status.window_from) continue;
    --left;
    json.begin_object().key("incident");
    write_incident(json, incident, parts.notifier.acknowledgement(incident.episode));
    json.key("cost");
    write_cost(json, parts, status.config.name, incident);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

Response one_slo(const ApiParts& parts, const Request& request) {
  const Wanted asked = wanted(parts, request);
  if (!asked.status) {
    if (auto grouped = one_grouped(parts, asked.name)) return *std::move(grouped);
    return native_error(asked.status.error());
  }
  if (asked.part == "budget") return slo_budget(parts, request, *asked.status);
  if (asked.part == "minutes") return slo_minutes(parts, request, *asked.status);
  if (asked.part == "incidents") return slo_incidents(parts, request, *asked.status);
  if (!asked.part.empty()) {
    return native_error(
        Error(ErrorCode::kNotFound, "an SLO has budget, minutes and incidents, not " + asked.part));
  }
  const auto firing = firing_by_slo(parts);
  const auto it = firing.find(asked.name);
  JsonWriter json;
  write_slo(json, *asked.status, it == firing.end() ? 0 : it->second);
  return json_response(200, json.take());
}

Response contributors(const ApiParts& parts, const Request& request) {
  const std::string name(request.param("slo"));
  const auto status = parts.slos.status(name, parts.clock.now());
  if (!status) return native_error(status.error());
  const auto range = range_of(parts, request, parts.clock.now() - status->window_from);
  if (!range) return native_error(range.error());
  const auto limit = count_param(request, "limit", 5);
  if (!limit || *limit == 0 || *limit > 1'000)
    return native_error(Error(ErrorCode::kInvalid, "limit must be between 1 and 1000"));
  slo::ContributorsQuery query;
  query.from = range->from;
  query.to = range->to;
  query.label = request.param("by");
  query.values = *limit;
  const auto found = parts.slos.contributors(name, query);
  if (!found) return native_error(found.error());
  JsonWriter json;
  json.begin_object().field("slo", name).key("from");
  write_seconds(json, found->from);
  json.key("to");
  write_seconds(json, found->to);
  json.key("labels").begin_array();
  for (const slo::ContributorsOfLabel& of_label : found->labels) {
    json.begin_object().field("label", of_label.label).field("bad", of_label.bad);
    json.key("values").begin_array();
    for (const slo::Contributor& one : of_label.values) {
      json.begin_object()
          .field("value", one.value)
          .field("bad", one.bad)
          .field("valid", one.valid)
          .field("share", of_label.bad > 0 ? one.bad / of_label.bad : 0);
      json.field("budget_share", status->budget_total > 0 ? one.bad / status->budget_total : 0)
          .end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

// Where the window of an SLO, or of all groups of one, begins.
Result<Timestamp> window_from(const ApiParts& parts, const std::string& name) {
  const auto status = parts.slos.status(name, parts.clock.now());
  if (status) return status->window_from;
  for (const slo::GroupedStatus& grouped : parts.slos.grouped()) {
    if (grouped.config.name == name) return parts.clock.now() - grouped.config.window;
  }
  return status.error();
}

// Counts again from `start` on, by default from the window's beginning.
Response rebuild_slo(const ApiParts& parts, const Request& request) {
  std::string name = request.path.substr(kSlos.size());
  constexpr std::string_view kPart = "/rebuild";
  if (!name.ends_with(kPart))
    return native_error(Error(ErrorCode::kNotFound, "what can be asked of an SLO is /rebuild"));
  name.resize(name.size() - kPart.size());
  const auto begin = window_from(parts, name);
  if (!begin) return native_error(begin.error());
  const auto from = time_param(request, "start", *begin);
  if (!from) return native_error(from.error());
  if (auto done = parts.slos.rebuild(name, *from); !done) return native_error(done.error());
  JsonWriter json;
  json.begin_object().field("slo", name).field("from", format_time(*from)).end_object();
  return json_response(200, json.take());
}

}  // namespace

void write_slos(JsonWriter& json, const ApiParts& parts, std::size_t most,
                const std::string& grouped) {
  const auto firing = firing_by_slo(parts);
  json.key("slos").begin_array();
  for (const slo::SloStatus& status : slos_by_budget(parts)) {
    if (!grouped.empty() && status.config.grouped != grouped) continue;
    if (most-- == 0) break;
    const auto it = firing.find(status.config.name);
    write_slo(json, status, it == firing.end() ? 0 : it->second);
  }
  json.end_array();
}

void write_incident_costs(JsonWriter& json, const ApiParts& parts,
                          const storage::Incident& incident) {
  json.key("costs").begin_array();
  for (const slo::SloStatus& status : parts.slos.status(parts.clock.now())) {
    if (!is_about(incident.labels, status.config)) continue;
    write_cost(json, parts, status.config.name, incident);
  }
  json.end_array();
}

void add_native_slos(Router& router, const Parts& parts) {
  const auto handler = [&](Response (*handle)(const ApiParts&, const Request&)) {
    return Handler([parts, handle](const Request& r) { return handle(*parts, r); });
  };
  router.add("GET", "/api/nines/v1/slos", Pool::kFast, handler(list_slos));
  router.add("GET", "/api/nines/v1/slos/*", Pool::kFast, handler(one_slo));
  router.add("POST", "/api/nines/v1/slos/*", Pool::kFast, same_origin_only(handler(rebuild_slo)));
  // Reads samples, like a query.
  router.add("GET", "/api/nines/v1/contributors", Pool::kSlow, handler(contributors));
}

}  // namespace nines::web
