// /api/nines/v1/maintenance: planned work as a list; added and ended while nines runs.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text/text.h"
#include "rules/maintenance/encode.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {
namespace {

constexpr std::string_view kPath = "/api/nines/v1/maintenance";
constexpr Duration kAhead{400LL * 86'400'000};  // how far windows are looked for
constexpr std::size_t kUpcoming = 5;  // windows told after the first

bool is_dense(const maintenance::Maintenance& m) {
  return m.occurrences && m.occurrences->rule().frequency <= maintenance::Frequency::kHourly;
}

// The window that lasts and those that come, the soonest first. Of rules by the hour or less, of
// which 400 days may have hundreds of thousands, those of the first days that have any.
std::vector<maintenance::Span> next_windows(const maintenance::Maintenance& m, Timestamp now) {
  for (Duration ahead(86'400'000);; ahead *= 4) {
    auto found = windows(m, now, now + std::min(ahead, kAhead));
    const bool enough = found.size() > kUpcoming || (!found.empty() && is_dense(m));
    if (!enough && ahead < kAhead) continue;
    if (found.size() > kUpcoming + 1) found.resize(kUpcoming + 1);
    return found;
  }
}

void write_window(JsonWriter& json, const maintenance::Span& window) {
  json.begin_object().key("from");
  write_time_or_null(json, window.from);
  json.key("to");
  write_time_or_null(json, window.to);
  json.end_object();
}

void write_one(JsonWriter& json, const maintenance::Maintenance& m, bool configured,
               Timestamp now) {
  json.begin_object();
  write_fields(json, m);
  json.field("source", configured ? "configuration" : "added");
  const std::vector<maintenance::Span> found = next_windows(m, now);
  json.field("active", !found.empty() && found.front().from <= now).key("window");
  if (found.empty()) {
    json.null();
  } else {
    write_window(json, found.front());
  }
  json.key("upcoming").begin_array();
  for (std::size_t i = 1; i < found.size(); ++i) write_window(json, found[i]);
  json.end_array().end_object();
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
