// /api/nines/v1/maintenance: planned work as a list; added and ended while nines runs.
#include <optional>
#include <string>
#include <utility>

#include "base/text/text.h"
#include "rules/maintenance/encode.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {
namespace {

constexpr std::string_view kPath = "/api/nines/v1/maintenance";
constexpr Duration kAhead{400LL * 86'400'000};  // how far the next window is looked for

// The window that lasts, or the next.
std::optional<maintenance::Span> next_window(const maintenance::Maintenance& m, Timestamp now) {
  for (Duration ahead(86'400'000); ahead < 4 * kAhead; ahead *= 4) {
    const auto found = windows(m, now, now + std::min(ahead, kAhead));
    if (!found.empty()) return found.front();
  }
  return std::nullopt;
}

void write_one(JsonWriter& json, const maintenance::Maintenance& m, bool configured,
               Timestamp now) {
  json.begin_object();
  write_fields(json, m);
  json.field("source", configured ? "configuration" : "added");
  const auto window = next_window(m, now);
  json.field("active", window && window->from <= now).key("window");
  if (window) {
    json.begin_object().key("from");
    write_time_or_null(json, window->from);
    json.key("to");
    write_time_or_null(json, window->to);
    json.end_object();
  } else {
    json.null();
  }
  json.end_object();
}

Response list(const MaintenanceParts& parts, const Request&) {
  const Timestamp now = parts.clock.now();
  JsonWriter json;
  json.begin_object().key("maintenance").begin_array();
  for (const auto& one : parts.calendar.configured()) write_one(json, one, true, now);
  for (const auto& one : parts.calendar.added()) write_one(json, one, false, now);
  json.end_array().end_object();
  return json_response(200, json.take());
}

// What has been kept takes effect now, or else with the next reload or start.
Response shown(const MaintenanceParts& parts, const maintenance::Maintenance& one) {
  if (auto applied = parts.changed(); !applied) return native_error(applied.error());
  JsonWriter json;
  write_one(json, one, false, parts.clock.now());
  return json_response(200, json.take());
}

Response add(const MaintenanceParts& parts, const Request& request) {
  const auto body = Json::parse(request.body);
  auto wanted = maintenance::read_fields(body ? *body : Json(), parts.clock.now());
  if (!wanted) return native_error(wanted.error());
  if (wanted->ended_at) {
    return native_error(Error(ErrorCode::kInvalid,
                              "`ended_at` is not for a new maintenance: "
                              "`duration` says how long it lasts"));
  }
  if (maintenance::is_over(*wanted, parts.clock.now()))
    return native_error(Error(ErrorCode::kInvalid, "all its windows are over already"));
  if (auto added = parts.calendar.add(*wanted); !added) return native_error(added.error());
  return shown(parts, *wanted);
}

Response end(const MaintenanceParts& parts, const Request& request) {
  const auto ended = parts.calendar.end(request.path.substr(kPath.size() + 1));
  return ended ? shown(parts, *ended) : native_error(ended.error());
}

}  // namespace

void add_maintenance(Router& router, MaintenanceParts parts) {
  const std::string path(kPath);
  router.add("GET", path, Pool::kFast, [parts](const Request& r) { return list(parts, r); });
  router.add("POST", path, Pool::kFast,
             same_origin_only([parts](const Request& r) { return add(parts, r); }));
  router.add("DELETE", path + "/*", Pool::kFast,
             same_origin_only([parts](const Request& r) { return end(parts, r); }));
}

}  // namespace nines::web
