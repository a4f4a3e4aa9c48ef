// list, append, dict, toJson: values put together, and written as JSON.

#include <cmath>
#include <string>

#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/json.h"
#include "base/text/numbers.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

// {{$x = list $x $x}} in a loop would make a value without end.
constexpr std::size_t kValuesMax = 10'000;
constexpr int kJsonDepthMax = 100;

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

Result<TemplateValue> bounded(TemplateValue value, const char* function) {
  if (count_values(value, kValuesMax) > kValuesMax) {
    return Error(ErrorCode::kLimit,
                 std::string(function) + " of more than " + std::to_string(kValuesMax) + " values");
  }
  return value;
}

Result<TemplateValue> call_list(const Arguments& arguments) {
  return bounded(TemplateValue::List(arguments), "list");
}

Result<TemplateValue> call_append(const Arguments& arguments) {
  const auto* list = arguments.empty() ? nullptr : as_list(arguments[0]);
  if (list == nullptr) return invalid("append wants a list first");
  TemplateValue::List longer = *list;
  longer.insert(longer.end(), arguments.begin() + 1, arguments.end());
  return bounded(std::move(longer), "append");
}

Result<TemplateValue> call_dict(const Arguments& arguments) {
  if (arguments.size() % 2 != 0) return invalid("dict wants pairs of a key and a value");
  TemplateValue::Map map;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const auto* key = as_text(arguments[i]);
    if (key == nullptr) return invalid("a key of dict must be a string");
    map.insert_or_assign(*key, arguments[i + 1]);
  }
  return bounded(std::move(map), "dict");
}

Result<void> write_json(JsonWriter& json, const TemplateValue& value, int depth) {
  if (depth > kJsonDepthMax) return invalid("toJson of a value that is nested too deeply");
  if (const auto* text = as_text(value)) {
    json.value(*text);
  } else if (const auto* list = as_list(value)) {
    json.begin_array();
    for (const TemplateValue& one : *list) {
      if (auto done = write_json(json, one, depth + 1); !done) return done;
    }
    json.end_array();
  } else if (const auto* map = as_map(value)) {
    json.begin_object();
    for (const auto& [key, one] : *map) {
      json.key(key);
      if (auto done = write_json(json, one, depth + 1); !done) return done;
    }
    json.end_object();
  } else if (const auto* b = std::get_if<bool>(&value.data())) {
    json.value(*b);
  } else if (const auto integer = as_integer(value)) {
    json.value(*integer);
  } else if (const auto number = as_number(value)) {
    if (!std::isfinite(*number)) return invalid("json: unsupported value: " + value.to_string());
    json.value(*number);
  } else if (const auto* time = as_time(value)) {
    json.value(format_time_layout(*time, "2006-01-02T15:04:05.999999999Z07:00"));
  } else if (const auto* duration = as_duration(value)) {
    json.value(static_cast<std::int64_t>(duration->count()));
  } else {
    json.null();
  }
  return {};
}

Result<TemplateValue> call_json(const Arguments& arguments) {
  auto counted = want_arguments(arguments, 1);
  if (!counted) return std::move(counted).error();
  JsonWriter json;
  if (auto done = write_json(json, arguments[0], 0); !done) return std::move(done).error();
  return TemplateValue(json.take());
}

}  // namespace

void add_collection_functions(TemplateFunctions& functions) {
  functions["list"] = call_list;
  functions["append"] = call_append;
  functions["dict"] = call_dict;
  functions["toJson"] = call_json;
}

}  // namespace nines::internal
