// Functions on query results (lists of {Labels, Value}), and the small collections beside them.

#include <algorithm>
#include <string>
#include <utility>

#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

std::string label_of(const TemplateValue& sample, std::string_view name) {
  const auto* fields = as_map(sample);
  if (fields == nullptr) return "";
  const TemplateValue labels = map_entry(*fields, "Labels");
  const auto* map = as_map(labels);
  if (map == nullptr) return "";
  const TemplateValue value = map_entry(*map, name);
  const auto* text = as_text(value);
  return text != nullptr ? *text : "";
}

Result<TemplateValue> call_first(const Arguments& arguments) {
  const auto* list = arguments.size() == 1 ? as_list(arguments[0]) : nullptr;
  if (list == nullptr) return invalid("first wants a query result");
  if (list->empty()) return invalid("first() called on vector with no elements");
  return list->front();
}

Result<TemplateValue> call_label(const Arguments& arguments) {
  auto counted = want_arguments(arguments, 2);
  if (!counted) return std::move(counted).error();
  NINES_TRY(const std::string name, text_argument(arguments, 0));
  if (as_map(arguments[1]) == nullptr) return invalid("label wants a sample");
  return TemplateValue(label_of(arguments[1], name));
}

Result<TemplateValue> call_value(const Arguments& arguments) {
  const auto* fields = arguments.size() == 1 ? as_map(arguments[0]) : nullptr;
  if (fields == nullptr) return invalid("value wants a sample");
  return map_entry(*fields, "Value");
}

Result<TemplateValue> call_text_value(const Arguments& arguments) {
  if (arguments.size() != 1 || as_map(arguments[0]) == nullptr) {
    return invalid("strvalue wants a sample");
  }
  return TemplateValue(label_of(arguments[0], "__value__"));
}

Result<TemplateValue> call_sort(const Arguments& arguments) {
  auto counted = want_arguments(arguments, 2);
  if (!counted) return std::move(counted).error();
  NINES_TRY(const std::string name, text_argument(arguments, 0));
  const auto* list = as_list(arguments[1]);
  if (list == nullptr) return invalid("sortByLabel wants a query result");
  std::vector<std::pair<std::string, TemplateValue>> keyed;
  for (const TemplateValue& sample : *list) keyed.emplace_back(label_of(sample, name), sample);
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  TemplateValue::List sorted;
  for (auto& [key, sample] : keyed) sorted.push_back(std::move(sample));
  return TemplateValue(std::move(sorted));
}

Result<TemplateValue> call_args(const Arguments& arguments) {
  // {{$x = args $x $x}} in a loop would make a value without end.
  constexpr std::size_t kValuesMax = 10'000;
  TemplateValue::Map map;
  std::size_t count = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    count += count_values(arguments[i], kValuesMax);
    if (count > kValuesMax) {
      return Error(ErrorCode::kLimit,
                   "args of more than " + std::to_string(kValuesMax) + " values");
    }
    map.emplace("arg" + std::to_string(i), arguments[i]);
  }
  return TemplateValue(std::move(map));
}

Result<TemplateValue> call_list(const Arguments& arguments) {
  TemplateValue::List list;
  for (const TemplateValue& argument : arguments) {
    if (as_text(argument) == nullptr) return invalid("stringSlice wants strings");
    list.push_back(argument);
  }
  return TemplateValue(std::move(list));
}

// join SEPARATOR LIST, as Alertmanager has it.
Result<TemplateValue> call_join(const Arguments& arguments) {
  auto counted = want_arguments(arguments, 2);
  if (!counted) return std::move(counted).error();
  NINES_TRY(const std::string separator, text_argument(arguments, 0));
  const auto* list = as_list(arguments[1]);
  if (list == nullptr) return invalid("join wants a separator and a list");
  if (separator.size() * list->size() > kPrintedBytesMax) {
    return Error(ErrorCode::kLimit, "join exceeds " + std::to_string(kPrintedBytesMax) + " bytes");
  }
  std::vector<std::string> parts;
  for (const TemplateValue& part : *list) parts.push_back(part.to_string());
  return TemplateValue(join(parts, separator));
}

}  // namespace

void add_sample_functions(TemplateFunctions& functions) {
  functions["first"] = call_first;
  functions["label"] = call_label;
  functions["value"] = call_value;
  functions["strvalue"] = call_text_value;
  functions["sortByLabel"] = call_sort;
  functions["args"] = call_args;
  functions["stringSlice"] = call_list;
  functions["join"] = call_join;
}

}  // namespace nines::internal
