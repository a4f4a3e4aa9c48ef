// `nines incident ...`: what fired, and who works on it.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/people_verbs.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

const std::string kPath = "/api/nines/v1/incidents";

std::string instant(const Json& seconds) {
  if (!seconds.is_number()) return "";
  return format_time(from_millis(static_cast<std::int64_t>(seconds.as_double() * 1000)));
}

std::string labels(const Json& all) {
  std::string out;
  for (const auto& [name, value] : all.members()) {
    if (name == "alertname") continue;
    out += (out.empty() ? "" : ",") + name + "=" + quote_go(value.as_string());
  }
  return all["alertname"].as_string() + "{" + out + "}";
}

std::string acknowledged(const Json& ack) {
  if (!ack.is_object()) return "nobody";
  std::string out = ack["by"].as_string() + " since " + instant(ack["at"]);
  if (ack["expires_at"].is_number()) out += " until " + instant(ack["expires_at"]);
  if (!ack["comment"].as_string().empty()) out += ": " + ack["comment"].as_string();
  return out;
}

std::string path_of(const std::string& episode) {
  return kPath + "/" + url_encode(episode);
}

int show_acknowledgement(const ClientOptions& client, const Answer& answer) {
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
  } else {
    print_rows(client, {"INCIDENT", "ACKNOWLEDGED BY"},
               {{answer.json["episode"].as_string(), acknowledged(answer.json["acknowledged"])}});
  }
  return kExitOk;
}

}  // namespace

int incident_list(const ClientOptions& client, int limit, bool only_open) {
  const Answer answer =
      ask(client, "GET", kPath,
          {{"limit", std::to_string(limit)}, {"state", only_open ? "open" : "all"}});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  std::vector<Row> rows;
  for (const Json& one : answer.json["incidents"].items()) {
    rows.push_back({one["episode"].as_string(), one["state"].as_string(),
                    instant(one["started_at"]), instant(one["resolved_at"]),
                    one["acknowledged"]["by"].as_string(), labels(one["labels"])});
  }
  print_rows(client, {"INCIDENT", "STATE", "SINCE", "UNTIL", "ACKNOWLEDGED BY", "ALERT"}, rows);
  return kExitOk;
}

int incident_show(const ClientOptions& client, const std::string& episode) {
  const Answer answer = ask(client, "GET", path_of(episode), {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  const Json& incident = answer.json["incident"];
  std::vector<Row> rows{{instant(incident["started_at"]), "", labels(incident["labels"])},
                        {"", "acknowledged by", acknowledged(answer.json["acknowledged"])}};
  for (const Json& event : answer.json["events"].items())
    rows.push_back({instant(event["at"]), event["kind"].as_string(), event["text"].as_string()});
  print_rows(client, {"TIME", "WHAT", "TEXT"}, rows);
  return kExitOk;
}

int incident_acknowledge(const ClientOptions& client, const AcknowledgeOptions& options) {
  JsonWriter json;
  json.begin_object().field("by", options.by);
  if (!options.comment.empty()) json.field("comment", options.comment);
  if (!options.expires_in.empty()) json.field("expires_in", options.expires_in);
  json.end_object();
  return show_acknowledgement(
      client,
      ask_with_body(client, "POST", path_of(options.episode) + "/acknowledgement", json.take()));
}

int incident_unacknowledge(const ClientOptions& client, const AcknowledgeOptions& options) {
  return show_acknowledgement(
      client,
      ask(client, "DELETE", path_of(options.episode) + "/acknowledgement", {{"by", options.by}}));
}

}  // namespace nines::app
