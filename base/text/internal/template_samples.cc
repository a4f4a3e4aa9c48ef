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
  const TemplateValue* labels = field_of(sample, "Labels");
  const auto* map = labels != nullptr ? as_map(*labels) : nullptr;
  if (map == nullptr) return "";
  const TemplateValue value = map_entry(*labels, name);
  const auto* text = as_text(value);
  return text != nullptr ? *text : "";
}

Result<TemplateValue> call_first(const Arguments& arguments) {
  const auto* list = as_list(arguments[0]);
  if (list == nullptr || list->empty()) return invalid("first() called on vector with no elements");
  return list->front();
}

Result<TemplateValue> call_label(const Arguments& arguments) {
  return TemplateValue(label_of(arguments[1], *as_text(arguments[0])));
}

Result<TemplateValue> call_value(const Arguments& arguments) {
  const auto* value = field_of(arguments[0], "Value");
  if (value == nullptr) return invalid("value of nothing");
  return *value;
}

Result<TemplateValue> call_text_value(const Arguments& arguments) {
  return TemplateValue(label_of(arguments[0], "__value__"));
}

Result<TemplateValue> call_sort(const Arguments& arguments) {
  const std::string& name = *as_text(arguments[0]);
  const auto* list = as_list(arguments[1]);
  if (list == nullptr) return arguments[1];
  std::vector<std::pair<std::string, TemplateValue>> keyed;
  for (const TemplateValue& sample : *list) keyed.emplace_back(label_of(sample, name), sample);
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  TemplateValue::List sorted;
  for (auto& [key, sample] : keyed) sorted.push_back(std::move(sample));
  return TemplateValue(std::move(sorted)).as(arguments[1].type());
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
  return TemplateValue(std::move(map)).as(kMapOfAny);
}

Result<TemplateValue> call_texts(const Arguments& arguments) {
  return TemplateValue(TemplateValue::List(arguments)).as("[]string");
}

// join SEPARATOR LIST, as Alertmanager has it.
Result<TemplateValue> call_join(const Arguments& arguments) {
  const std::string& separator = *as_text(arguments[0]);
  const auto* list = as_list(arguments[1]);
  if (list == nullptr) return TemplateValue("");
  if (separator.size() * list->size() > kPrintedBytesMax) {
    return Error(ErrorCode::kLimit, "join exceeds " + std::to_string(kPrintedBytesMax) + " bytes");
  }
  std::vector<std::string> parts;
  for (const TemplateValue& part : *list) parts.push_back(part.to_string());
  return TemplateValue(join(parts, separator));
}

}  // namespace

void add_sample_functions(TemplateFunctions& functions) {
  functions["first"] = {call_first, "q"};
  functions["label"] = {call_label, "sp"};
  functions["value"] = {call_value, "p"};
  functions["strvalue"] = {call_text_value, "p"};
  functions["sortByLabel"] = {call_sort, "sq"};
  functions["args"] = {call_args, "v*"};
  functions["stringSlice"] = {call_texts, "s*"};
  functions["join"] = {call_join, "sl"};
}

}  // namespace nines::internal
