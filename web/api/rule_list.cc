#include "web/api/internal/rule_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/encode.h"

namespace nines::web {
namespace {

// What has not happened is Go's zero time to the clients of this API.
std::string go_time(Timestamp at) {
  return at == Timestamp{} ? "0001-01-01T00:00:00Z" : format_time(at);
}

// 1.5e+00, as alerts show their values.
std::string exponent_form(double value) {
  if (!std::isfinite(value)) return format_double(value);
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return std::string(text.data(), end.ptr);
}

void write_alert(JsonWriter& json, const alerts::Alert& alert) {
  json.begin_object().key("labels");
  write_labels(json, alert.labels);
  json.key("annotations");
  write_labels(json, alert.annotations);
  json.field("state", alerts::to_string(alert.state))
      .field("activeAt", format_time(alert.active_at));
  if (alert.keep_firing_since != Timestamp{})
    json.field("keepFiringSince", format_time(alert.keep_firing_since));
  json.field("value", exponent_form(alert.value)).field("incident", alert.episode()).end_object();
}

void write_string_map(JsonWriter& json, const std::map<std::string, std::string>& map) {
  json.begin_object();
  for (const auto& [name, value] : map) json.field(name, value);
  json.end_object();
}

// The rule's labels, and those of its group that it does not set itself.
std::map<std::string, std::string> labels_of(const alerts::GroupStatus& group,
                                             const alerts::RuleStatus& rule) {
  std::map<std::string, std::string> out = rule.config.labels;
  out.insert(group.config.labels.begin(), group.config.labels.end());
  return out;
}

const std::string& name_of(const alerts::RuleStatus& rule) {
  return rule.config.alert.empty() ? rule.config.record : rule.config.alert;
}

void write_rule(JsonWriter& json, const alerts::GroupStatus& group, const alerts::RuleStatus& rule,
                bool with_alerts) {
  const bool alerting = !rule.config.alert.empty();
  json.begin_object();
  if (alerting) json.field("state", alerts::to_string(rule.state));
  json.field("name", name_of(rule)).field("query", rule.query);
  if (alerting) {
    json.field("duration", to_seconds(rule.config.hold))
        .field("keepFiringFor", to_seconds(rule.config.keep_firing_for));
  }
  json.key("labels");
  write_string_map(json, labels_of(group, rule));
  if (alerting) {
    json.key("annotations");
    write_string_map(json, rule.config.annotations);
    json.key("alerts").begin_array();
    if (with_alerts) {
      for (const alerts::Alert& alert : rule.alerts) write_alert(json, alert);
    }
    json.end_array();
  }
  json.field("health", rule.health);
  if (!rule.last_error.empty()) json.field("lastError", rule.last_error);
  json.field("evaluationTime", rule.evaluation_seconds);
  json.field("lastEvaluation", go_time(rule.last_evaluation))
      .field("type", alerting ? "alerting" : "recording");
  json.end_object();
}

void write_group(JsonWriter& json, const alerts::GroupStatus& group,
                 const std::vector<const alerts::RuleStatus*>& rules, bool with_alerts) {
  json.begin_object()
      .field("name", group.config.name)
      .field("file", group.config.file)
      .key("rules")
      .begin_array();
  for (const alerts::RuleStatus* rule : rules) write_rule(json, group, *rule, with_alerts);
  json.end_array()
      .field("interval", to_seconds(group.interval))
      .field("limit", static_cast<std::uint64_t>(group.config.limit));
  json.field("evaluationTime", group.evaluation_seconds)
      .field("lastEvaluation", go_time(group.last_evaluation));
  json.end_object();
}

bool wanted(const Request& request, std::string_view name, const std::string& value) {
  const auto all = request.all(name);
  return all.empty() || std::find(all.begin(), all.end(), value) != all.end();
}

std::string token_of(const alerts::GroupStatus& group) {
  return sha256_hex(group.config.file + ";" + group.config.name);
}

// Go's words about a text that is no number of 32 bits; null for one that is.
std::optional<std::string> number_problem(std::string_view text, std::int64_t& out) {
  const std::string_view digits =
      text.starts_with('+') || text.starts_with('-') ? text.substr(1) : text;
  const bool written = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
  const char* why = "invalid syntax";
  if (written) {
    const auto parsed = parse_int(text.starts_with('+') ? digits : text);
    if (parsed && *parsed >= INT32_MIN && *parsed <= INT32_MAX) {
      out = *parsed;
      return std::nullopt;
    }
    why = "value out of range";
  }
  return "strconv.ParseInt: parsing " + quote_go(text) + ": " + why;
}

// What a request asks for.
struct Wish {
  std::string type;
  bool with_alerts = true;
  std::vector<std::vector<Matcher>> selectors;
  std::int64_t groups_max = 0;  // 0: all
  std::string next;             // the token of the first group
};

std::optional<Response> read_wish(const Request& request, Wish& out) {
  for (const std::string_view text : request.all("match[]")) {
    Result<std::vector<Matcher>> selector = parse_selector(text);
    if (!selector) return failure("bad_data", selector.error().what());
    out.selectors.push_back(*std::move(selector));
  }
  out.type = to_lower(request.param("type"));
  if (!out.type.empty() && out.type != "alert" && out.type != "record")
    return bad_parameter("type", "not supported value " + quote_go(out.type));
  const std::string exclude = to_lower(request.param("exclude_alerts"));
  if (exclude == "1" || exclude == "t" || exclude == "true") {
    out.with_alerts = false;
  } else if (!exclude.empty() && exclude != "0" && exclude != "f" && exclude != "false") {
    return bad_parameter("exclude_alerts",
                         "error converting exclude_alerts: strconv.ParseBool: parsing " +
                             quote_go(exclude) + ": invalid syntax");
  }
  const std::string_view limit = request.param("group_limit");
  out.next = request.param("group_next_token");
  if (limit.empty()) {
    if (out.next.empty()) return std::nullopt;
    return bad_parameter("group_next_token",
                         "group_limit needs to be present in order to paginate over the groups");
  }
  if (const auto problem = number_problem(limit, out.groups_max))
    return bad_parameter("group_limit", "group_limit needs to be a valid number: " + *problem);
  if (out.groups_max <= 0)
    return bad_parameter("group_limit", "group_limit needs to be greater than 0");
  return std::nullopt;
}

bool matches_any(const std::vector<std::vector<Matcher>>& selectors,
                 const alerts::GroupStatus& group, const alerts::RuleStatus& rule) {
  if (selectors.empty()) return true;
  std::vector<Label> labels;
  for (const auto& [name, value] : labels_of(group, rule)) labels.push_back({name, value});
  const LabelSet all = LabelSet::from(std::move(labels));
  return std::any_of(selectors.begin(), selectors.end(),
                     [&](const auto& matchers) { return matches_all(matchers, all); });
}

std::vector<const alerts::RuleStatus*> wanted_rules(const Request& request, const Wish& wish,
                                                    const alerts::GroupStatus& group) {
  std::vector<const alerts::RuleStatus*> out;
  if (!wanted(request, "rule_group[]", group.config.name) ||
      !wanted(request, "file[]", group.config.file))
    return out;
  for (const alerts::RuleStatus& rule : group.rules) {
    const bool alerting = !rule.config.alert.empty();
    if (wish.type == (alerting ? "record" : "alert")) continue;
    if (!wanted(request, "rule_name[]", name_of(rule))) continue;
    if (matches_any(wish.selectors, group, rule)) out.push_back(&rule);
  }
  return out;
}

}  // namespace

Response list_rules(std::vector<alerts::GroupStatus> groups, const Request& request) {
  Wish wish;
  if (std::optional<Response> refused = read_wish(request, wish)) return *std::move(refused);
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return std::tie(a.config.file, a.config.name) < std::tie(b.config.file, b.config.name);
  });
  auto group = groups.begin();
  if (!wish.next.empty()) {
    group = std::find_if(groups.begin(), groups.end(),
                         [&](const auto& one) { return token_of(one) == wish.next; });
    if (group == groups.end()) {
      return bad_parameter("group_next_token", "invalid group_next_token '" + wish.next +
                                                   "'. were rule groups changed?");
    }
  }
  JsonWriter json;
  json.begin_object().key("groups").begin_array();
  std::string next;
  for (std::int64_t shown = 0; group != groups.end(); ++group) {
    const std::vector<const alerts::RuleStatus*> rules = wanted_rules(request, wish, *group);
    if (rules.empty()) continue;
    if (wish.groups_max > 0 && shown == wish.groups_max) {
      next = token_of(*group);
      break;
    }
    write_group(json, *group, rules, wish.with_alerts);
    ++shown;
  }
  json.end_array();
  if (!next.empty()) json.field("groupNextToken", next);
  json.end_object();
  return success(json.str());
}

Response list_alerts(const std::vector<alerts::Alert>& alerts) {
  JsonWriter json;
  json.begin_object().key("alerts").begin_array();
  for (const alerts::Alert& alert : alerts) write_alert(json, alert);
  json.end_array().end_object();
  return success(json.str());
}

}  // namespace nines::web
