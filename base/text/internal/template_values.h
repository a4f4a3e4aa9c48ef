#pragma once
// What templates know about values: printing, comparing, taking apart.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text/template.h"

namespace nines::internal {

using TemplateList = std::shared_ptr<const TemplateValue::List>;
using TemplateMap = std::shared_ptr<const TemplateValue::Map>;

inline bool is_nil(const TemplateValue& v) {
  return std::holds_alternative<std::monostate>(v.data());
}
// Of a text, or of HTML.
inline const std::string* as_text(const TemplateValue& v) {
  if (const auto* html = std::get_if<TemplateHtml>(&v.data())) return &html->text;
  return std::get_if<std::string>(&v.data());
}
inline const TemplateValue::List* as_list(const TemplateValue& v) {
  const auto* list = std::get_if<TemplateList>(&v.data());
  return list != nullptr ? list->get() : nullptr;
}
inline const TemplateValue::Map* as_map(const TemplateValue& v) {
  const auto* map = std::get_if<TemplateMap>(&v.data());
  return map != nullptr ? map->get() : nullptr;
}
inline const TemplateTime* as_time(const TemplateValue& v) {
  const auto* time = std::get_if<std::shared_ptr<const TemplateTime>>(&v.data());
  return time != nullptr ? time->get() : nullptr;
}
inline const std::chrono::nanoseconds* as_duration(const TemplateValue& v) {
  return std::get_if<std::chrono::nanoseconds>(&v.data());
}
inline const TemplateRecord* as_record(const TemplateValue& v) {
  const auto* record = std::get_if<std::shared_ptr<const TemplateRecord>>(&v.data());
  return record != nullptr ? record->get() : nullptr;
}
// Of a map or a record; null when it has none such.
const TemplateValue* field_of(const TemplateValue& v, std::string_view name);
std::optional<std::int64_t> as_integer(const TemplateValue& v);
std::optional<double> as_number(const TemplateValue& v);  // of a number only

// What TemplateFunction::takes() calls by a letter.
struct TemplateKind {
  std::string_view name;  // in Go
  bool nilable;
  bool (*fits)(const TemplateValue& value);
};
const TemplateKind& template_kind(char letter);

// Go's name of the type: string, float64, map[string]string ...
std::string_view type_name(const TemplateValue& v);

// Longest text a value prints as; longer ones are cut. A list that holds itself many times over is
// small in memory and endless on paper.
inline constexpr std::size_t kPrintedBytesMax = 4u << 20;

// Counts the values inside `v`, itself and repeats included, until there are more than `max`.
std::size_t count_values(const TemplateValue& v, std::size_t max);

// How a named type prints that has Go's method String; nothing for all others.
std::optional<std::string> named_text(const TemplateValue& v);

// fmt.Sprint and fmt.Sprintln.
std::string print_values(const std::vector<TemplateValue>& values, bool line);
// As fmt.Sprintf, with Go's words for misuse (%!d(string=x), %!s(MISSING), %!(EXTRA int=1)).
std::string format_values(std::string_view format, const TemplateValue* first, std::size_t count);
// As %.<precision>g.
std::string format_general(double v, int precision);

// A missing key of a map of texts reads as "", as Go's map[string]string does; of any other map,
// nil. `map` is a map.
TemplateValue map_entry(const TemplateValue& map, std::string_view key);
// Go's name of the maps that args and dict make, and of the lists of append and list.
inline constexpr const char* kMapOfAny = "map[string]interface {}";
// Whether all of the list are texts.
bool is_list_of_texts(const TemplateValue::List& list);

// As Go formats a time by a layout: "2006-01-02 15:04:05 MST".
std::string format_time_layout(const TemplateTime& time, std::string_view layout);
// As Go prints a time, a duration: 2015-06-23 13:19:44.128 +0000 UTC, 1h2m3.5s.
std::string print_time(const TemplateTime& time);
std::string print_duration(std::chrono::nanoseconds d);

// time.Month and time.Weekday; the names of those that are 1 to 12, and 0 to 6.
TemplateValue month_value(unsigned month);
TemplateValue weekday_value(unsigned day);
std::optional<std::string> time_name(const TemplateValue& v);

// The method `name` of the value, ready to be called; empty when it has none such. A time and a
// duration have Go's; Alertmanager's types have SortedPairs, Names, Values, Remove and String
// (template.KV), Names, Values and String (template.Pairs), Join (template.Strings), Firing and
// Resolved (template.Alerts).
TemplateFunction method_of(const TemplateValue& value, std::string_view name);
TemplateFunction time_method(const TemplateValue& value, std::string_view name);

}  // namespace nines::internal
