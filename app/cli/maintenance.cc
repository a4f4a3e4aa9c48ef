// `nines maintenance ...`: planned work.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/people_verbs.h"
#include "app/config/config.h"
#include "base/core/real_clock.h"
#include "base/fs/fs.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

const std::string kPath = "/api/nines/v1/maintenance";
constexpr Duration kShown{30LL * 86'400'000};

std::string instant(const Json& seconds) {
  return format_time(from_millis(static_cast<std::int64_t>(seconds.as_double() * 1000)));
}

std::string listed(const Json& texts) {
  std::vector<std::string> out;
  for (const Json& one : texts.items()) out.push_back(one.as_string());
  return join(out, " ");
}

Row row(const Json& m) {
  const Json& window = m["window"];
  const std::string state = m["active"].as_bool() ? "active"
                            : window.is_object()  ? "planned"
                                                  : "over";
  return {m["name"].as_string(),
          state,
          window.is_object() ? instant(window["from"]) : "",
          window.is_object() ? instant(window["to"]) : "",
          m["source"].as_string(),
          listed(m["effects"]),
          listed(m["matchers"]),
          m["comment"].as_string()};
}

int show(const ClientOptions& client, const Answer& answer, const std::vector<Row>& rows) {
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  print_rows(client, {"NAME", "STATE", "FROM", "TO", "SOURCE", "EFFECTS", "MATCHERS", "COMMENT"},
             rows);
  return kExitOk;
}

void write_list(JsonWriter& json, const char* name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

}  // namespace

int maintenance_list(const ClientOptions& client) {
  const Answer answer = ask(client, "GET", kPath, {});
  std::vector<Row> rows;
  for (const Json& one : answer.json["maintenance"].items()) rows.push_back(row(one));
  return show(client, answer, rows);
}

int maintenance_create(const ClientOptions& client, const MaintenanceOptions& options) {
  JsonWriter json;
  json.begin_object().field("name", options.name).field("duration", options.duration);
  for (const auto& [name, value] :
       {std::pair{"starts_at", &options.start}, std::pair{"time_zone", &options.zone},
        std::pair{"rrule", &options.rrule}, std::pair{"comment", &options.comment},
        std::pair{"created_by", &options.by}}) {
    if (!value->empty()) json.field(name, *value);
  }
  write_list(json, "matchers", options.matchers);
  write_list(json, "effects", options.effects);
  write_list(json, "rdate", options.rdate);
  write_list(json, "exdate", options.exdate);
  json.end_object();
  const Answer answer = ask_with_body(client, "POST", kPath, json.take());
  return show(client, answer, {row(answer.json)});
}

int maintenance_end(const ClientOptions& client, const std::string& name) {
  const Answer answer = ask(client, "DELETE", kPath + "/" + url_encode(name), {});
  return show(client, answer, {row(answer.json)});
}

int maintenance_windows(const ClientOptions& client, const std::string& file,
                        const std::string& from, const std::string& to) {
  const auto fs = make_posix_fs();
  const auto config = config::load_file(*fs, file);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().what());
    return kExitFailure;
  }
  const auto begin = from.empty() ? Result<Timestamp>(make_real_clock()->now()) : parse_time(from);
  if (!begin) {
    fmt::print(stderr, "nines: --from: {}\n", begin.error().what());
    return kExitUsage;
  }
  const auto end = to.empty() ? Result<Timestamp>(*begin + kShown) : parse_time(to);
  if (!end) {
    fmt::print(stderr, "nines: --to: {}\n", end.error().what());
    return kExitUsage;
  }
  std::vector<Row> rows;
  JsonWriter json;
  json.begin_array();
  for (const maintenance::Maintenance& one : config->maintenance) {
    for (const maintenance::Span& span : windows(one, *begin, *end)) {
      rows.push_back({one.name, format_time(span.from), format_time(span.to)});
      json.begin_object().field("name", one.name).field("from", rows.back()[1]);
      json.field("to", rows.back()[2]).end_object();
    }
  }
  json.end_array();
  if (client.output == "json") {
    fmt::print("{}\n", json.str());
  } else {
    print_rows(client, {"NAME", "FROM", "TO"}, rows);
  }
  return kExitOk;
}

}  // namespace nines::app
