// What the named types of Alertmanager's data can do. Source:
// prometheus.io/docs/alerting/latest/notifications.

#include <string>
#include <utility>

#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

constexpr const char* kLabels = "template.KV";
constexpr const char* kPairs = "template.Pairs";
constexpr const char* kStrings = "template.Strings";
constexpr const char* kAlerts = "template.Alerts";

// The labels in Alertmanager's order: alertname first, then by name.
TemplateValue sorted_pairs(const TemplateValue::Map& map) {
  TemplateValue::List pairs;
  const auto add = [&pairs](const std::string& name, const TemplateValue& value) {
    pairs.emplace_back(TemplateRecord{"template.Pair", {{"Name", name}, {"Value", value}}});
  };
  const auto first = map.find("alertname");
  if (first != map.end()) add(first->first, first->second);
  for (auto it = map.begin(); it != map.end(); ++it) {
    if (it != first) add(it->first, it->second);
  }
  return TemplateValue(std::move(pairs)).as(kPairs);
}

// The field `name` of all pairs.
TemplateValue column(const TemplateValue& pairs, std::string_view name) {
  TemplateValue::List out;
  for (const TemplateValue& pair : *as_list(pairs)) {
    const TemplateValue* field = field_of(pair, name);
    out.push_back(field != nullptr ? *field : TemplateValue(""));
  }
  return TemplateValue(std::move(out)).as(kStrings);
}

TemplateValue with_status(const TemplateValue::List& alerts, std::string_view status) {
  TemplateValue::List out;
  for (const TemplateValue& alert : alerts) {
    const TemplateValue* field = field_of(alert, "Status");
    const auto* text = field != nullptr ? as_text(*field) : nullptr;
    if (text != nullptr && *text == status) out.push_back(alert);
  }
  return TemplateValue(std::move(out)).as("[]template.Alert");
}

std::string pairs_text(const TemplateValue& pairs) {
  std::vector<std::string> parts;
  for (const TemplateValue& pair : *as_list(pairs)) {
    const TemplateValue* name = field_of(pair, "Name");
    const TemplateValue* value = field_of(pair, "Value");
    if (name == nullptr || value == nullptr) continue;
    parts.push_back(name->to_string() + "=" + value->to_string());
  }
  return join(parts, ", ");
}

TemplateValue without_names(const TemplateValue::Map& map, const TemplateValue& names) {
  TemplateValue::Map left = map;
  if (const auto* list = as_list(names)) {
    for (const TemplateValue& name : *list) left.erase(name.to_string());
  }
  return TemplateValue(std::move(left)).as(kLabels);
}

std::string joined(const TemplateValue& strings, const TemplateValue& separator) {
  std::vector<std::string> parts;
  for (const TemplateValue& part : *as_list(strings)) parts.push_back(part.to_string());
  return join(parts, separator.to_string());
}

using Method = TemplateValue (*)(const TemplateValue& self, const Arguments& arguments);

struct NamedMethod {
  std::string_view type, name, takes;
  Method run;
};

constexpr NamedMethod kMethods[] = {
    {kLabels, "SortedPairs", "",
     [](const TemplateValue& self, const Arguments&) { return sorted_pairs(*as_map(self)); }},
    {kLabels, "Names", "",
     [](const TemplateValue& self, const Arguments&) {
       return column(sorted_pairs(*as_map(self)), "Name");
     }},
    {kLabels, "Values", "",
     [](const TemplateValue& self, const Arguments&) {
       return column(sorted_pairs(*as_map(self)), "Value");
     }},
    {kLabels, "String", "",
     [](const TemplateValue& self, const Arguments&) {
       return TemplateValue(pairs_text(sorted_pairs(*as_map(self))));
     }},
    {kLabels, "Remove", "l",
     [](const TemplateValue& self, const Arguments& arguments) {
       return without_names(*as_map(self), arguments[0]);
     }},
    {kPairs, "Names", "",
     [](const TemplateValue& self, const Arguments&) { return column(self, "Name"); }},
    {kPairs, "Values", "",
     [](const TemplateValue& self, const Arguments&) { return column(self, "Value"); }},
    {kPairs, "String", "",
     [](const TemplateValue& self, const Arguments&) { return TemplateValue(pairs_text(self)); }},
    {kStrings, "Join", "s",
     [](const TemplateValue& self, const Arguments& arguments) {
       return TemplateValue(joined(self, arguments[0]));
     }},
    {kAlerts, "Firing", "",
     [](const TemplateValue& self, const Arguments&) {
       return with_status(*as_list(self), "firing");
     }},
    {kAlerts, "Resolved", "",
     [](const TemplateValue& self, const Arguments&) {
       return with_status(*as_list(self), "resolved");
     }},
};

}  // namespace

TemplateFunction method_of(const TemplateValue& value, std::string_view name) {
  if (as_time(value) != nullptr || as_duration(value) != nullptr || time_name(value)) {
    return time_method(value, name);
  }
  if (value.type() == nullptr) return {};
  for (const NamedMethod& method : kMethods) {
    if (method.type != value.type() || method.name != name) continue;
    return {[self = value, run = method.run](const Arguments& arguments) {
              return Result<TemplateValue>(run(self, arguments));
            },
            method.takes};
  }
  return {};
}

std::optional<std::string> named_text(const TemplateValue& v) {
  if (v.type() == nullptr) return std::nullopt;
  const std::string_view type = v.type();
  if (type == kLabels) return pairs_text(sorted_pairs(*as_map(v)));
  if (type == kPairs) return pairs_text(v);
  return time_name(v);
}

}  // namespace nines::internal
