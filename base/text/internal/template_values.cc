#include "base/text/internal/template_values.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"

namespace nines {
namespace internal {
namespace {

void append_value(std::string& out, const TemplateValue& value) {
  if (out.size() >= kPrintedBytesMax) return;
  if (const auto* list = as_list(value)) {
    out += '[';
    for (std::size_t i = 0; i < list->size() && out.size() < kPrintedBytesMax; ++i) {
      if (i > 0) out += ' ';
      append_value(out, (*list)[i]);
    }
    out += ']';
  } else if (const auto* map = as_map(value)) {
    out += "map[";
    bool first = true;
    for (const auto& [key, entry] : *map) {
      if (out.size() >= kPrintedBytesMax) break;
      if (!std::exchange(first, false)) out += ' ';
      out += key;
      out += ':';
      append_value(out, entry);
    }
    out += ']';
  } else if (const auto* text = as_text(value)) {
    out += *text;
  } else if (const auto* b = std::get_if<bool>(&value.data())) {
    out += *b ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&value.data())) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&value.data())) {
    out += format_double_g(*number);
  } else if (const auto* time = as_time(value)) {
    out += print_time(*time);
  } else if (const auto* duration = as_duration(value)) {
    out += print_duration(*duration);
  } else {
    out += "<nil>";
  }
}

bool is_map_of_texts(const TemplateValue::Map& map) {
  return std::all_of(map.begin(), map.end(),
                     [](const auto& entry) { return as_text(entry.second) != nullptr; });
}

// The labels in Alertmanager's order: alertname first, then by name.
TemplateValue::List sorted_pairs(const TemplateValue::Map& map) {
  TemplateValue::List pairs;
  const auto add = [&pairs](const std::string& name, const TemplateValue& value) {
    pairs.emplace_back(TemplateValue::Map{{"Name", name}, {"Value", value}});
  };
  const auto first = map.find("alertname");
  if (first != map.end()) add(first->first, first->second);
  for (auto it = map.begin(); it != map.end(); ++it) {
    if (it != first) add(it->first, it->second);
  }
  return pairs;
}

// The field `name` of every element; nothing unless all are maps that have it.
std::optional<TemplateValue> column(const TemplateValue::List& list, const std::string& name) {
  TemplateValue::List out;
  for (const TemplateValue& element : list) {
    const auto* map = as_map(element);
    if (map == nullptr || !map->contains(name)) return std::nullopt;
    out.push_back(map->at(name));
  }
  return TemplateValue(std::move(out));
}

TemplateValue with_status(const TemplateValue::List& alerts, std::string_view status) {
  TemplateValue::List out;
  for (const TemplateValue& alert : alerts) {
    const auto* map = as_map(alert);
    if (map == nullptr) continue;
    const TemplateValue found = map_entry(*map, "Status");
    const auto* text = as_text(found);
    if (text != nullptr && *text == status) out.push_back(alert);
  }
  return TemplateValue(std::move(out));
}

std::optional<Result<TemplateValue>> list_method(const TemplateValue::List& list,
                                                 std::string_view method) {
  std::optional<TemplateValue> found;
  if (method == "Firing") found = with_status(list, "firing");
  if (method == "Resolved") found = with_status(list, "resolved");
  if (method == "Names") found = column(list, "Name");
  if (method == "Values") found = column(list, "Value");
  if (!found) return std::nullopt;
  return Result<TemplateValue>(*std::move(found));
}

Result<TemplateValue> without_names(const TemplateValue::Map& map,
                                    const std::vector<TemplateValue>& arguments) {
  const auto* names = arguments.size() == 1 ? as_list(arguments[0]) : nullptr;
  if (names == nullptr) return Error(ErrorCode::kInvalid, "Remove wants one list of names");
  TemplateValue::Map left = map;
  for (const TemplateValue& name : *names) left.erase(name.to_string());
  return TemplateValue(std::move(left));
}

}  // namespace

std::size_t count_values(const TemplateValue& v, std::size_t max) {
  std::size_t count = 1;
  if (const auto* list = as_list(v)) {
    for (auto it = list->begin(); it != list->end() && count <= max; ++it) {
      count += count_values(*it, max - count);
    }
  } else if (const auto* map = as_map(v)) {
    for (auto it = map->begin(); it != map->end() && count <= max; ++it) {
      count += count_values(it->second, max - count);
    }
  }
  return count;
}

std::optional<std::int64_t> as_integer(const TemplateValue& v) {
  const auto* integer = std::get_if<std::int64_t>(&v.data());
  return integer != nullptr ? std::optional(*integer) : std::nullopt;
}

std::optional<double> as_number(const TemplateValue& v) {
  if (const auto* number = std::get_if<double>(&v.data())) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&v.data())) {
    return static_cast<double>(*integer);
  }
  return std::nullopt;
}

std::string_view type_name(const TemplateValue& v) {
  static constexpr std::string_view kNames[] = {"<nil>",
                                                "bool",
                                                "int",
                                                "float64",
                                                "string",
                                                "[]interface {}",
                                                "map[string]interface {}",
                                                "time.Time",
                                                "time.Duration",
                                                "template.HTML"};
  if (const auto* map = as_map(v); map != nullptr && is_map_of_texts(*map)) {
    return "map[string]string";
  }
  return kNames[v.data().index()];
}

std::string print_values(const std::vector<TemplateValue>& values, bool line) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && out.size() < kPrintedBytesMax; ++i) {
    // Sprint puts a space between two operands when neither is a string.
    const bool space =
        i > 0 && (line || (as_text(values[i]) == nullptr && as_text(values[i - 1]) == nullptr));
    if (space) out += ' ';
    append_value(out, values[i]);
  }
  if (line) out += '\n';
  return out;
}

TemplateValue map_entry(const TemplateValue::Map& map, std::string_view key) {
  const auto it = map.find(std::string(key));
  if (it != map.end()) return it->second;
  return is_map_of_texts(map) ? TemplateValue("") : TemplateValue();
}

std::optional<Result<TemplateValue>> call_method(const TemplateValue& value,
                                                 std::string_view method,
                                                 const std::vector<TemplateValue>& arguments) {
  if (as_time(value) != nullptr || as_duration(value) != nullptr) {
    return call_time_method(value, method, arguments);
  }
  if (const auto* list = as_list(value)) {
    return arguments.empty() ? list_method(*list, method) : std::nullopt;
  }
  const auto* map = as_map(value);
  if (map == nullptr || map->contains(std::string(method)) || !is_map_of_texts(*map)) {
    return std::nullopt;
  }
  if (method == "Remove") return without_names(*map, arguments);
  if (!arguments.empty()) return std::nullopt;
  if (method == "SortedPairs") return Result<TemplateValue>(sorted_pairs(*map));
  if (method == "Names") return Result<TemplateValue>(*column(sorted_pairs(*map), "Name"));
  if (method == "Values") return Result<TemplateValue>(*column(sorted_pairs(*map), "Value"));
  return std::nullopt;
}

}  // namespace internal

bool TemplateValue::truth() const {
  if (const auto* list = internal::as_list(*this)) return !list->empty();
  if (const auto* map = internal::as_map(*this)) return !map->empty();
  if (const auto* text = internal::as_text(*this)) return !text->empty();
  if (const auto* b = std::get_if<bool>(&data_)) return *b;
  if (internal::as_time(*this) != nullptr) return true;
  if (const auto* duration = internal::as_duration(*this)) return duration->count() != 0;
  const auto number = internal::as_number(*this);
  return number.has_value() && *number != 0;
}

std::string TemplateValue::to_string() const {
  return internal::print_values({*this}, false);
}

}  // namespace nines
