// Verbs that ask a running nines over HTTP.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/verbs.h"
#include "base/core/real_clock.h"
#include "base/net/http_client.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

Answer send(const ClientOptions& client, HttpRequest request) {
  const auto http = make_curl_http_client({1, 10, std::string("nines-cli/") + kVersion});
  request.timeout = Duration(130'000);  // longer than the server's own limit for queries
  request.body_bytes_max = 256u << 20;
  Answer answer;
  Result<HttpResponse> response = send_and_wait(*http, std::move(request));
  if (!response) {
    fmt::print(stderr, "nines: cannot reach {}: {} (is it running? --server names another)\n",
               client.server, response.error().what());
    answer.exit_code = kExitUnreachable;
    return answer;
  }
  answer.text = std::move(response->body);
  Result<Json> json = Json::parse(answer.text);
  if (json) answer.json = *std::move(json);
  if (response->status / 100 == 2) return answer;
  std::string why = answer.json["error"].as_string();
  if (why.empty()) why = std::string(trim(answer.text));
  fmt::print(stderr, "nines: {} answered {}: {}\n", client.server, response->status, why);
  answer.exit_code = response->status == 404 ? kExitNotFound : kExitFailure;
  return answer;
}

}  // namespace

Answer ask(const ClientOptions& client, const std::string& method, const std::string& path,
           const Params& params) {
  HttpRequest request;
  request.method = method;
  request.url = client.server + path;
  std::string form;
  for (const auto& [name, value] : params) {
    form += (form.empty() ? "" : "&") + url_encode(name) + "=" + url_encode(value);
  }
  if (!form.empty()) request.url += "?" + form;
  return send(client, std::move(request));
}

Answer ask_with_body(const ClientOptions& client, const std::string& method,
                     const std::string& path, std::string body) {
  HttpRequest request;
  request.method = method;
  request.url = client.server + path;
  request.body = std::move(body);
  request.headers.emplace_back("Content-Type", "application/json");
  return send(client, std::move(request));
}

namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

void print_rows(const ClientOptions& client, const Row& head, const std::vector<Row>& rows) {
  if (client.output == "csv") {
    const auto line = [](const Row& row) {
      Row quoted;
      for (const std::string& cell : row) quoted.push_back(csv_field(cell));
      fmt::print("{}\n", join(quoted, ","));
    };
    line(head);
    for (const Row& row : rows) line(row);
    return;
  }
  std::vector<std::size_t> widths(head.size());
  for (std::size_t i = 0; i < head.size(); ++i) widths[i] = head[i].size();
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const auto line = [&](const Row& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i + 1 == row.size()) {
        fmt::print("{}\n", row[i]);
      } else {
        fmt::print("{:<{}}  ", row[i], widths[i]);
      }
    }
  };
  line(head);
  for (const Row& row : rows) line(row);
}

namespace {

std::string series_name(const Json& metric) {
  std::vector<Label> labels;
  for (const auto& [name, value] : metric.members()) labels.push_back({name, value.as_string()});
  return LabelSet::from(std::move(labels)).to_string();
}

std::string point_time(const Json& point) {
  return format_time(
      from_millis(static_cast<std::int64_t>(point[std::size_t{0}].as_double() * 1000)));
}

void print_warnings(const Json& answer) {
  for (const char* kind : {"warnings", "infos"}) {
    for (const Json& text : answer[kind].items()) fmt::print(stderr, "{}\n", text.as_string());
  }
}

int print_query(const ClientOptions& client, const Answer& answer) {
  if (answer.exit_code != kExitOk) return answer.exit_code;
  print_warnings(answer.json);
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  const Json& data = answer.json["data"];
  const std::string& type = data["resultType"].as_string();
  std::vector<Row> rows;
  if (type == "scalar" || type == "string") {
    rows.push_back({point_time(data["result"]), data["result"][1].as_string()});
    print_rows(client, {"TIME", "VALUE"}, rows);
    return kExitOk;
  }
  for (const Json& series : data["result"].items()) {
    const std::string name = series_name(series["metric"]);
    if (series["value"].is_array()) {
      rows.push_back({name, point_time(series["value"]), series["value"][1].as_string()});
    }
    for (const Json& point : series["values"].items()) {
      rows.push_back({name, point_time(point), point[1].as_string()});
    }
  }
  print_rows(client, {"SERIES", "TIME", "VALUE"}, rows);
  return kExitOk;
}

}  // namespace

int check_ready(const ClientOptions& client) {
  const Answer answer = ask(client, "GET", "/-/ready", {});
  if (answer.exit_code == kExitOk) fmt::print("{}\n", trim(answer.text));
  return answer.exit_code;
}

int query_instant(const ClientOptions& client, const std::string& expr, const std::string& time) {
  Params params = {{"query", expr}};
  if (!time.empty()) params.emplace_back("time", time);
  return print_query(client, ask(client, "GET", "/api/v1/query", params));
}

int query_range(const ClientOptions& client, const std::string& expr, const std::string& start,
                const std::string& end, const std::string& step) {
  const auto clock = make_real_clock();
  const auto until = end.empty() ? Result<Timestamp>(clock->now()) : parse_time(end);
  if (!until) {
    fmt::print(stderr, "nines: --end: {}\n", until.error().what());
    return kExitUsage;
  }
  const auto from =
      start.empty() ? Result<Timestamp>(*until - Duration(3'600'000)) : parse_time(start);
  if (!from) {
    fmt::print(stderr, "nines: --start: {}\n", from.error().what());
    return kExitUsage;
  }
  return print_query(client, ask(client, "GET", "/api/v1/query_range",
                                 {{"query", expr},
                                  {"start", format_time(*from)},
                                  {"end", format_time(*until)},
                                  {"step", step}}));
}

int query_series(const ClientOptions& client, const std::vector<std::string>& matchers) {
  Params params;
  for (const std::string& matcher : matchers) params.emplace_back("match[]", matcher);
  const Answer answer = ask(client, "GET", "/api/v1/series", params);
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  std::vector<Row> rows;
  for (const Json& series : answer.json["data"].items()) rows.push_back({series_name(series)});
  print_rows(client, {"SERIES"}, rows);
  return kExitOk;
}

int query_labels(const ClientOptions& client, const std::string& name) {
  const std::string path =
      name.empty() ? "/api/v1/labels" : "/api/v1/label/" + url_encode(name) + "/values";
  const Answer answer = ask(client, "GET", path, {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  std::vector<Row> rows;
  for (const Json& value : answer.json["data"].items()) rows.push_back({value.as_string()});
  print_rows(client, {name.empty() ? "LABEL" : "VALUE"}, rows);
  return kExitOk;
}

int list_alerts(const ClientOptions& client) {
  const Answer answer = ask(client, "GET", "/api/v1/alerts", {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  if (client.output == "json") {
    fmt::print("{}\n", answer.text);
    return kExitOk;
  }
  std::vector<Row> rows;
  for (const Json& a : answer.json["data"]["alerts"].items()) {
    rows.push_back({a["state"].as_string(), a["activeAt"].as_string(), series_name(a["labels"]),
                    a["annotations"]["summary"].as_string()});
  }
  print_rows(client, {"STATE", "SINCE", "ALERT", "SUMMARY"}, rows);
  return kExitOk;
}

int reload(const ClientOptions& client) {
  const Answer answer = ask(client, "POST", "/-/reload", {});
  if (answer.exit_code == kExitOk) fmt::print(stderr, "reloaded\n");
  return answer.exit_code;
}

}  // namespace nines::app
