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
std::optional<std::int64_t> as_integer(const TemplateValue& v);
std::optional<double> as_number(const TemplateValue& v);  // of a number only

// Go's name of the type: string, float64, map[string]string ...
std::string_view type_name(const TemplateValue& v);

// Longest text a value prints as; longer ones are cut. A list that holds itself many times over is
// small in memory and endless on paper.
inline constexpr std::size_t kPrintedBytesMax = 4u << 20;

// Counts the values inside `v`, itself and repeats included, until there are more than `max`.
std::size_t count_values(const TemplateValue& v, std::size_t max);

// fmt.Sprint and fmt.Sprintln.
std::string print_values(const std::vector<TemplateValue>& values, bool line);
// As fmt.Sprintf, with Go's words for misuse (%!d(string=x), %!s(MISSING), %!(EXTRA int=1)).
std::string format_values(std::string_view format, const TemplateValue* first, std::size_t count);
// As %.<precision>g.
std::string format_general(double v, int precision);

// A missing key of a map of texts reads as "", as Go's map[string]string does; of any other map,
// nil.
TemplateValue map_entry(const TemplateValue::Map& map, std::string_view key);

// As Go formats a time by a layout: "2006-01-02 15:04:05 MST".
std::string format_time_layout(const TemplateTime& time, std::string_view layout);
// As Go prints a time, a duration: 2015-06-23 13:19:44.128 +0000 UTC, 1h2m3.5s.
std::string print_time(const TemplateTime& time);
std::string print_duration(std::chrono::nanoseconds d);

// The methods of a time and of a duration. Nothing when there is no such method.
std::optional<Result<TemplateValue>> call_time_method(const TemplateValue& value,
                                                      std::string_view method,
                                                      const std::vector<TemplateValue>& arguments);

// The methods Alertmanager gives its data: SortedPairs, Names, Values and Remove of a map of texts,
// Names and Values of its pairs, Firing and Resolved of a list of alerts. Nothing when `value` has
// no such method.
std::optional<Result<TemplateValue>> call_method(const TemplateValue& value,
                                                 std::string_view method,
                                                 const std::vector<TemplateValue>& arguments);

}  // namespace nines::internal
