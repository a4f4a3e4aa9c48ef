// POST and DELETE /api/nines/v1/incidents/EPISODE/acknowledgement: who works on an alert.
#include <string>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"
#include "web/api/internal/native_encode.h"

namespace nines::web {
namespace {

constexpr std::string_view kIncidents = "/api/nines/v1/incidents/";
constexpr std::string_view kPart = "/acknowledgement";

Result<std::string> episode_of(const Request& request) {
  std::string episode = request.path.substr(kIncidents.size());
  if (!episode.ends_with(kPart)) {
    return Error(ErrorCode::kNotFound, "what can be changed of an incident is /acknowledgement");
  }
  episode.resize(episode.size() - kPart.size());
  return episode;
}

// {"by": "ada", "comment": "on it", "expires_at": TIME} or "expires_in": "2h" in place of the last.
Result<notify::Acknowledgement> read_body(const Request& request, Timestamp now) {
  const Result<Json> body = Json::parse(request.body);
  if (!body || !body->is_object()) {
    return Error(ErrorCode::kInvalid,
                 R"(the body must be an object such as {"by":"ada","comment":"on it"})");
  }
  notify::Acknowledgement out;
  for (const auto& [name, value] : body->members()) {
    if (!value.is_string()) return Error(ErrorCode::kInvalid, "`" + name + "` must be a text");
    if (name == "by") {
      out.by = value.as_string();
    } else if (name == "comment") {
      out.comment = value.as_string();
    } else if (name == "expires_at") {
      const Result<Timestamp> at = parse_time(value.as_string());
      if (!at) return Error(ErrorCode::kInvalid, "`expires_at`: " + at.error().what());
      out.expires_at = *at;
    } else if (name == "expires_in") {
      const Result<Duration> after = parse_duration(value.as_string());
      if (!after) return Error(ErrorCode::kInvalid, "`expires_in`: " + after.error().what());
      out.expires_at = now + *after;
    } else {
      return Error(ErrorCode::kInvalid,
                   "unknown field `" + name + "`; known are by, comment, expires_at, expires_in");
    }
  }
  return out;
}

Response show(const notify::Notifier& notifier, const std::string& episode) {
  JsonWriter json;
  json.begin_object().field("episode", episode).key("acknowledged");
  write_acknowledgement(json, notifier.acknowledgement(episode));
  json.end_object();
  return json_response(200, json.take());
}

Response acknowledge(const AcknowledgeParts& parts, const Request& request) {
  const Result<std::string> episode = episode_of(request);
  if (!episode) return native_error(episode.error());
  Result<notify::Acknowledgement> wanted = read_body(request, parts.clock.now());
  if (!wanted) return native_error(wanted.error());
  if (auto done = parts.notifier.acknowledge(*episode, *std::move(wanted)); !done)
    return native_error(done.error());
  return show(parts.notifier, *episode);
}

Response withdraw(const AcknowledgeParts& parts, const Request& request) {
  const Result<std::string> episode = episode_of(request);
  if (!episode) return native_error(episode.error());
  const std::string by(request.param("by"));
  if (auto done = parts.notifier.withdraw_acknowledgement(*episode, by); !done)
    return native_error(done.error());
  return show(parts.notifier, *episode);
}

}  // namespace

void add_acknowledge(Router& router, AcknowledgeParts parts) {
  const std::string path = std::string(kIncidents) + "*";
  router.add("POST", path, Pool::kFast,
             same_origin_only([parts](const Request& r) { return acknowledge(parts, r); }));
  router.add("DELETE", path, Pool::kFast,
             same_origin_only([parts](const Request& r) { return withdraw(parts, r); }));
}

}  // namespace nines::web
