// The Alertmanager API v2: status, alerts, groups, receivers, silences. Errors are bare JSON
// strings.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {
namespace {

Response bare_error(const Error& error) {
  JsonWriter json;
  json.value(error.what());
  int status = 500;
  if (error.code() == ErrorCode::kInvalid) status = 400;
  if (error.code() == ErrorCode::kNotFound) status = 404;
  return json_response(status, json.take());
}

void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

void write_alert(JsonWriter& json, const notify::AlertStatus& status) {
  const alerts::Alert& alert = status.alert;
  json.begin_object().key("labels");
  write_labels(json, alert.labels);
  json.key("annotations");
  write_labels(json, alert.annotations);
  json.key("receivers").begin_array();
  for (const std::string& name : status.receivers)
    json.begin_object().field("name", name).end_object();
  json.end_array();
  const bool quiet = !status.silenced_by.empty() || !status.inhibited_by.empty();
  json.key("status").begin_object().field("state", quiet ? "suppressed" : "active");
  write_strings(json, "silencedBy", status.silenced_by);
  write_strings(json, "inhibitedBy", status.inhibited_by);
  write_strings(json, "mutedBy", {});
  json.end_object();
  json.field("startsAt", format_time(alert.fired_at))
      .field("updatedAt", format_time(alert.fired_at));
  json.field("endsAt",
             format_time(alert.resolved_at == Timestamp{} ? alert.fired_at + alert.valid_for
                                                          : alert.resolved_at));
  json.field("generatorURL", alert.generator_url)
      .field("fingerprint", hex(alert.fingerprint()))
      .end_object();
}

// Filters: name="value" matchers that all must hold.
Result<std::vector<Matcher>> filters_of(const Request& request) {
  std::vector<Matcher> out;
  for (const char* name : {"filter", "filter[]"}) {
    for (const std::string_view text : request.all(name)) {
      NINES_TRY(Matcher matcher, parse_matcher(text));
      out.push_back(std::move(matcher));
    }
  }
  return out;
}

// Which alerts a client wants to see.
struct Wanted {
  std::vector<Matcher> filters;
  std::shared_ptr<const Regex> receiver;  // null: any
  bool active = true, silenced = true, inhibited = true;

  static Result<Wanted> of(const Request& request) {
    Wanted wanted;
    NINES_TRY(wanted.filters, filters_of(request));
    if (!request.param("receiver").empty()) {
      NINES_TRY(wanted.receiver, Regex::compile(request.param("receiver"), RegexAnchor::kBoth));
    }
    wanted.active = request.param("active") != "false";
    wanted.silenced = request.param("silenced") != "false";
    wanted.inhibited = request.param("inhibited") != "false";
    return wanted;
  }
  bool has(const notify::AlertStatus& status) const {
    if (!silenced && !status.silenced_by.empty()) return false;
    if (!inhibited && !status.inhibited_by.empty()) return false;
    if (!active && status.silenced_by.empty() && status.inhibited_by.empty()) return false;
    return matches_all(filters, status.alert.labels);
  }
  bool sent_to(std::string_view name) const { return !receiver || receiver->matches(name); }
};

Response list_alerts(const AlertmanagerParts& parts, const Request& request) {
  const auto wanted = Wanted::of(request);
  if (!wanted) return bare_error(wanted.error());
  JsonWriter json;
  json.begin_array();
  for (const notify::AlertStatus& status : parts.notifier.alerts()) {
    const bool received = std::any_of(status.receivers.begin(), status.receivers.end(),
                                      [&](const auto& name) { return wanted->sent_to(name); });
    if ((received || !wanted->receiver) && wanted->has(status)) write_alert(json, status);
  }
  json.end_array();
  return json_response(200, json.take());
}

Response list_groups(const AlertmanagerParts& parts, const Request& request) {
  const auto wanted = Wanted::of(request);
  if (!wanted) return bare_error(wanted.error());
  JsonWriter json;
  json.begin_array();
  for (const notify::GroupView& group : parts.notifier.groups()) {
    std::vector<const notify::AlertStatus*> shown;
    for (const auto& status : group.alerts) {
      if (wanted->has(status)) shown.push_back(&status);
    }
    if (shown.empty() || !wanted->sent_to(group.receiver)) continue;
    json.begin_object().key("labels");
    write_labels(json, group.labels);
    json.key("receiver").begin_object().field("name", group.receiver).end_object();
    json.key("alerts").begin_array();
    for (const notify::AlertStatus* status : shown) write_alert(json, *status);
    json.end_array().end_object();
  }
  json.end_array();
  return json_response(200, json.take());
}

// As amtool asks: each filter must hold for the matcher of that name.
bool silence_has(const storage::Silence& silence, const std::vector<Matcher>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const Matcher& filter) {
    return std::any_of(silence.matchers.begin(), silence.matchers.end(), [&](const Matcher& m) {
      return m.name() == filter.name() && filter.matches(m.value());
    });
  });
}

void write_silence(JsonWriter& json, const storage::Silence& silence, Timestamp now) {
  const char* state = now < silence.starts_at ? "pending"
                      : now < silence.ends_at ? "active"
                                              : "expired";
  json.begin_object()
      .field("id", silence.id)
      .key("status")
      .begin_object()
      .field("state", state)
      .end_object();
  json.key("matchers").begin_array();
  for (const Matcher& matcher : silence.matchers) {
    const bool regex = matcher.op() == MatchOp::kRegex || matcher.op() == MatchOp::kNotRegex;
    const bool equal = matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex;
    json.begin_object().field("name", matcher.name()).field("value", matcher.value());
    json.field("isRegex", regex).field("isEqual", equal).end_object();
  }
  json.end_array()
      .field("startsAt", format_time(silence.starts_at))
      .field("endsAt", format_time(silence.ends_at));
  json.field("updatedAt", format_time(silence.updated_at)).field("createdBy", silence.created_by);
  json.field("comment", silence.comment).end_object();
}

Response list_silences(const AlertmanagerParts& parts, const Request& request) {
  const auto filters = filters_of(request);
  if (!filters) return bare_error(filters.error());
  JsonWriter json;
  json.begin_array();
  for (const storage::Silence& silence : parts.notifier.silences()) {
    if (silence_has(silence, *filters)) write_silence(json, silence, parts.clock.now());
  }
  json.end_array();
  return json_response(200, json.take());
}

Result<storage::Silence> read_silence(const std::string& body) {
  NINES_TRY(const Json json, Json::parse(body));
  storage::Silence silence;
  silence.id = json["id"].as_string();
  silence.created_by = json["createdBy"].as_string();
  silence.comment = json["comment"].as_string();
  if (!json["startsAt"].as_string().empty()) {
    NINES_TRY(silence.starts_at, parse_time(json["startsAt"].as_string()));
  }
  if (json["endsAt"].as_string().empty()) return Error(ErrorCode::kInvalid, "endsAt is missing");
  NINES_TRY(silence.ends_at, parse_time(json["endsAt"].as_string()));
  for (const Json& m : json["matchers"].items()) {
    const bool regex = m["isRegex"].as_bool();
    const bool equal = m["isEqual"].as_bool(true);
    const MatchOp op = regex ? (equal ? MatchOp::kRegex : MatchOp::kNotRegex)
                             : (equal ? MatchOp::kEqual : MatchOp::kNotEqual);
    NINES_TRY(Matcher matcher, Matcher::make(op, m["name"].as_string(), m["value"].as_string()));
    silence.matchers.push_back(std::move(matcher));
  }
  return silence;
}

Response post_silence(const AlertmanagerParts& parts, const Request& request) {
  Result<storage::Silence> silence = read_silence(request.body);
  if (!silence) return bare_error(silence.error());
  const Result<std::string> id = parts.notifier.set_silence(*std::move(silence));
  if (!id) return bare_error(id.error());
  JsonWriter json;
  json.begin_object().field("silenceID", *id).end_object();
  return json_response(200, json.take());
}

std::string id_of(const Request& request) {
  return request.path.substr(request.path.rfind('/') + 1);
}

Response get_silence(const AlertmanagerParts& parts, const Request& request) {
  for (const storage::Silence& silence : parts.notifier.silences()) {
    if (silence.id != id_of(request)) continue;
    JsonWriter json;
    write_silence(json, silence, parts.clock.now());
    return json_response(200, json.take());
  }
  return bare_error(Error(ErrorCode::kNotFound, "no silence " + id_of(request)));
}

Response delete_silence(const AlertmanagerParts& parts, const Request& request) {
  const Result<void> done = parts.notifier.expire_silence(id_of(request));
  return done ? json_response(200, "") : bare_error(done.error());
}

Response receivers(const AlertmanagerParts& parts, const Request&) {
  JsonWriter json;
  json.begin_array();
  for (const notify::Receiver& receiver : parts.notifier.config().receivers) {
    json.begin_object().field("name", receiver.name).end_object();
  }
  json.end_array();
  return json_response(200, json.take());
}

Response status(const AlertmanagerParts& parts, const Request&) {
  const RuntimeInfo info = parts.runtime();
  JsonWriter json;
  json.begin_object()
      .key("cluster")
      .begin_object()
      .field("status", "disabled")
      .key("peers")
      .begin_array()
      .end_array()
      .end_object();
  json.key("versionInfo")
      .begin_object()
      .field("version", "0.34.0")
      .field("revision", "")
      .field("branch", "");
  json.field("buildUser", "").field("buildDate", "").field("goVersion", "").end_object();
  json.key("config").begin_object().field("original", info.config_toml).end_object();
  json.field("uptime", format_time(info.started_at)).end_object();
  return json_response(200, json.take());
}

}  // namespace

void add_alertmanager(Router& router, const AlertmanagerParts& given) {
  const auto parts = std::make_shared<const AlertmanagerParts>(given);
  const auto add = [&](const char* method, const std::string& path,
                       Response (*handle)(const AlertmanagerParts&, const Request&)) {
    Handler handler = [parts, handle](const Request& r) { return handle(*parts, r); };
    const bool changes = std::string_view(method) != "GET";
    router.add(method, path, Pool::kFast,
               changes ? same_origin_only(std::move(handler)) : std::move(handler));
  };
  add("GET", "/api/v2/status", status);
  add("GET", "/api/v2/alerts", list_alerts);
  add("GET", "/api/v2/alerts/groups", list_groups);
  add("GET", "/api/v2/receivers", receivers);
  add("GET", "/api/v2/silences", list_silences);
  add("POST", "/api/v2/silences", post_silence);
  add("GET", "/api/v2/silence/*", get_silence);
  add("DELETE", "/api/v2/silence/*", delete_silence);
}

}  // namespace nines::web
