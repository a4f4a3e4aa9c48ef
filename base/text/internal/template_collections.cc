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
  const auto* list = as_list(arguments[0]);
  TemplateValue::List longer = list != nullptr ? *list : TemplateValue::List();
  longer.insert(longer.end(), arguments.begin() + 1, arguments.end());
  return bounded(std::move(longer), "append");
}

Result<TemplateValue> call_dict(const Arguments& arguments) {
  if (arguments.size() % 2 != 0)
    return invalid("dict requires an even number of arguments: a key and a value each");
  TemplateValue::Map map;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const auto* key = as_text(arguments[i]);
    if (key == nullptr) return invalid("dict keys must be strings");
    map.insert_or_assign(*key, arguments[i + 1]);
  }
  return bounded(TemplateValue(std::move(map)).as(kMapOfAny), "dict");
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
  } else if (const auto* record = as_record(value)) {
    json.begin_object();
    for (const TemplateRecord::Field& field : record->fields) {
      json.key(field.json.empty() ? field.name : field.json);
      if (auto done = write_json(json, field.value, depth + 1); !done) return done;
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

// As Go writes JSON: what means something in HTML, or ends a line in a script, is escaped. Such
// stands in texts only.
std::string for_pages(std::string_view json) {
  std::string out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view three = json.substr(i, 3);
    if (json[i] == '<') {
      out += "\\u003c";
    } else if (json[i] == '>') {
      out += "\\u003e";
    } else if (json[i] == '&') {
      out += "\\u0026";
    } else if (three == "\u2028" || three == "\u2029") {
      out += three == "\u2028" ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += json[i];
    }
  }
  return out;
}

Result<TemplateValue> call_json(const Arguments& arguments) {
  JsonWriter json;
  if (auto done = write_json(json, arguments[0], 0); !done) return std::move(done).error();
  return TemplateValue(for_pages(json.take()));
}

}  // namespace

void add_collection_functions(TemplateFunctions& functions) {
  functions["list"] = {call_list, "v*"};
  functions["append"] = {call_append, "Lv*"};
  functions["dict"] = {call_dict, "v*"};
  functions["toJson"] = {call_json, "v"};
}

}  // namespace nines::internal
