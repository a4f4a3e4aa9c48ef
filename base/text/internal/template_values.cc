#include "base/text/internal/template_values.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"

namespace nines {
namespace internal {
namespace {

void append_value(std::string& out, const TemplateValue& value) {
  if (out.size() >= kPrintedBytesMax) return;
  if (const auto shown = named_text(value)) {
    out += *shown;
  } else if (const auto* list = as_list(value)) {
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
  } else if (const auto* record = as_record(value)) {
    out += '{';
    for (std::size_t i = 0; i < record->fields.size() && out.size() < kPrintedBytesMax; ++i) {
      if (i > 0) out += ' ';
      append_value(out, record->fields[i].value);
    }
    out += '}';
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

bool is_of(const TemplateValue& v, std::string_view type) {
  return v.type() != nullptr && v.type() == type;
}

}  // namespace

bool is_list_of_texts(const TemplateValue::List& list) {
  return std::all_of(list.begin(), list.end(),
                     [](const auto& entry) { return as_text(entry) != nullptr; });
}

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
  } else if (const auto* record = as_record(v)) {
    for (auto it = record->fields.begin(); it != record->fields.end() && count <= max; ++it) {
      count += count_values(it->value, max - count);
    }
  }
  return count;
}

const TemplateValue* field_of(const TemplateValue& v, std::string_view name) {
  if (const auto* map = as_map(v)) {
    const auto it = map->find(std::string(name));
    return it != map->end() ? &it->second : nullptr;
  }
  const auto* record = as_record(v);
  if (record == nullptr) return nullptr;
  const auto it = std::find_if(record->fields.begin(), record->fields.end(),
                               [name](const auto& field) { return field.name == name; });
  return it != record->fields.end() ? &it->value : nullptr;
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

const TemplateKind& template_kind(char letter) {
  // Labels and a value, and nothing else, as the data of an alert has.
  static constexpr auto kSample = [](const TemplateValue& v) {
    const auto* record = as_record(v);
    return field_of(v, "Labels") != nullptr && (record == nullptr || record->fields.size() == 2);
  };
  static constexpr auto kText = [](const TemplateValue& v) { return as_text(v) != nullptr; };
  static const TemplateKind kKinds[] = {
      {"string", false, kText},
      {"string", false, kText},
      {"time.Time", false, [](const TemplateValue& v) { return as_time(v) != nullptr; }},
      {"[]string", true,
       [](const TemplateValue& v) {
         return as_list(v) != nullptr && is_list_of_texts(*as_list(v));
       }},
      {"[]interface {}", true, [](const TemplateValue& v) { return as_list(v) != nullptr; }},
      {"template.queryResult", true,
       [](const TemplateValue& v) {
         const auto* list = as_list(v);
         return list != nullptr && std::all_of(list->begin(), list->end(), kSample);
       }},
      {"*template.sample", true, kSample},
      {"interface {}", true, [](const TemplateValue&) { return true; }}};
  const std::size_t found = std::string_view("srtlLqp").find(letter);
  return kKinds[std::min(found, std::size(kKinds) - 1)];
}

std::string_view type_name(const TemplateValue& v) {
  if (v.type() != nullptr) return v.type();
  if (const auto* record = as_record(v)) return record->type;
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
  if (const auto* html = std::get_if<TemplateHtml>(&v.data()); html != nullptr && html->address) {
    return "template.URL";
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

TemplateValue map_entry(const TemplateValue& map, std::string_view key) {
  const TemplateValue::Map& entries = *as_map(map);
  const auto it = entries.find(std::string(key));
  if (it != entries.end()) return it->second;
  const bool of_any = is_of(map, kMapOfAny);
  return !of_any && is_map_of_texts(entries) ? TemplateValue("") : TemplateValue();
}

}  // namespace internal

bool TemplateValue::truth() const {
  if (const auto* list = internal::as_list(*this)) return !list->empty();
  if (const auto* map = internal::as_map(*this)) return !map->empty();
  if (const auto* text = internal::as_text(*this)) return !text->empty();
  if (const auto* b = std::get_if<bool>(&data_)) return *b;
  if (internal::as_time(*this) != nullptr || internal::as_record(*this) != nullptr) return true;
  if (const auto* duration = internal::as_duration(*this)) return duration->count() != 0;
  const auto number = internal::as_number(*this);
  return number.has_value() && *number != 0;
}

std::string TemplateValue::to_string() const {
  return internal::print_values({*this}, false);
}

}  // namespace nines
