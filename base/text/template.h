#pragma once
// Go's text/template, as far as Prometheus, Alertmanager and Loki templates use it: pipelines,
// range, with, if/else, define/template, variables, comparison functions, whitespace trimming.
// Source: pkg.go.dev/text/template (behaviour), prometheus.io template reference.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/text/time_zone.h"

namespace nines {

// An instant, as one zone's clocks show it. Prints as Go's time.Time; has its methods Format, Unix,
// UTC, Year, Month, Day, Hour, Minute, Second, Weekday, Add, AddDate, Sub, Before, After ...
// LogTime::min() is Go's zero time: no time is known.
struct TemplateTime {
  LogTime at{};
  TimeZone zone = TimeZone::utc();
};

// Text that is HTML, or an address, already: TemplateMode::kHtml writes it as it is where it
// belongs.
struct TemplateHtml {
  std::string text;
  bool address = false;  // what safeUrl gives
};

struct TemplateRecord;

// A value a template works on. Maps are sorted by key, as Go prints and ranges over them.
class TemplateValue {
 public:
  using List = std::vector<TemplateValue>;
  using Map = std::map<std::string, TemplateValue>;

  TemplateValue() = default;                                                    // nil
  TemplateValue(bool b) : data_(b) {}                                           // NOLINT: implicit
  TemplateValue(double d) : data_(d) {}                                         // NOLINT: implicit
  TemplateValue(std::int64_t i) : data_(i) {}                                   // NOLINT: implicit
  TemplateValue(int i) : data_(std::int64_t{i}) {}                              // NOLINT: implicit
  TemplateValue(std::string s) : data_(std::move(s)) {}                         // NOLINT: implicit
  TemplateValue(std::string_view s) : data_(std::string(s)) {}                  // NOLINT: implicit
  TemplateValue(const char* s) : data_(std::string(s)) {}                       // NOLINT: implicit
  TemplateValue(List l) : data_(std::make_shared<const List>(std::move(l))) {}  // NOLINT: implicit
  TemplateValue(Map m) : data_(std::make_shared<const Map>(std::move(m))) {}    // NOLINT: implicit

  TemplateValue(TemplateRecord r);  // NOLINT: implicit
  TemplateValue(TemplateTime t)     // NOLINT: implicit
      : data_(std::make_shared<const TemplateTime>(std::move(t))) {}
  TemplateValue(std::chrono::nanoseconds d) : data_(d) {}       // NOLINT: implicit; a duration
  TemplateValue(TemplateHtml html) : data_(std::move(html)) {}  // NOLINT: implicit

  // The same value as one of Go's named types, which error messages and %T tell and which may have
  // methods: template.KV (labels and annotations of a notification), template.Pairs,
  // template.Strings, template.Alerts, time.Month, time.Weekday. The name must outlive the value.
  TemplateValue as(const char* type) const {
    TemplateValue named = *this;
    named.type_ = type;
    return named;
  }
  const char* type() const { return type_; }  // null: the name follows from the value

  bool truth() const;             // Go's rule: false, 0, "", nil and empty collections are false
  std::string to_string() const;  // Go's %v
  const auto& data() const { return data_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<const List>,
               std::shared_ptr<const Map>, std::shared_ptr<const TemplateTime>,
               std::chrono::nanoseconds, TemplateHtml, std::shared_ptr<const TemplateRecord>>
      data_;
  const char* type_ = nullptr;
};

// What Go calls a struct: has these fields and no others, in their order. Prints as {a b}.
struct TemplateRecord {
  struct Field {
    std::string name;
    TemplateValue value;
    std::string json = {};  // its name in toJson, where that differs
  };
  std::string type;  // Go's name of it
  std::vector<Field> fields;
};

inline TemplateValue::TemplateValue(TemplateRecord r)
    : data_(std::make_shared<const TemplateRecord>(std::move(r))) {}

// `takes`: a letter an argument, `*` for any number of the last: a anything, v anything with all in
// it, s text, r regular expression, t time, l list of texts, L list, q query's result, p sample.
// Count and kinds are checked before the call, with Go's words.
class TemplateFunction {
 public:
  using Call = std::function<Result<TemplateValue>(const std::vector<TemplateValue>& arguments)>;

  TemplateFunction() = default;
  template <typename F>
  TemplateFunction(F call, std::string_view takes = "a*")  // NOLINT: implicit
      : call_(std::move(call)), takes_(takes) {}

  explicit operator bool() const { return static_cast<bool>(call_); }
  std::string_view takes() const { return takes_; }
  Result<TemplateValue> operator()(const std::vector<TemplateValue>& arguments) const {
    return call_(arguments);
  }

 private:
  Call call_;
  std::string takes_;
};
using TemplateFunctions = std::map<std::string, TemplateFunction, std::less<>>;

// toUpper, toLower, title, match, reReplaceAll, humanize, humanize1024, humanizeDuration,
// humanizePercentage, humanizeTimestamp, toTime, parseDuration, stripPort, stripDomain, join,
// safeHtml, args, first, label, value, strvalue, sortByLabel, trimSpace, stringSlice, date, tz,
// list, append, dict, toJson, urlUnescape ... : all that need no server and no clock. `tmpl NAME
// DOT`, which gives what {{template NAME DOT}} writes, belongs to the language.
TemplateFunctions standard_template_functions();

// Those of Alertmanager's notifications: `since` and `now` ask the clock, which must outlive them,
// and `title` makes small letters of all but the first of a word.
TemplateFunctions notification_template_functions(const Clock& clock);

// kHtml escapes every value that is written, but for what safeHtml gave. The address in a `href`,
// `src` or `action` is written as "#ZgotmplZ" when its scheme is none of http, https and mailto; a
// value inside <script> or <style> is refused.
enum class TemplateMode : std::uint8_t { kText, kHtml };

struct TemplateLimits {
  std::size_t output_bytes_max = 1u << 20;
  // Nodes executed, and one more for every 64 bytes or 8 values that a function is given: what
  // bounds the time.
  int steps_max = 1'000'000;
};

// A parsed template. Immutable, thread-safe.
class Template {
 public:
  // kInvalid: `name:line:col: message`. Functions must be known at parse time, as in Go.
  static Result<Template> parse(std::string_view name, std::string_view text,
                                const TemplateFunctions& functions,
                                TemplateMode mode = TemplateMode::kText);
  // kInvalid, as from parse(): the text uses a variable that it does not declare, so that it must
  // come with execute(). Where none comes, Go refuses such a text when it is parsed.
  Result<void> declares_its_variables() const;
  const std::string& name() const;  // as given to parse()
  // `data` is the dot; `variables` are $labels, $value, ... kLimit where a limit is met, kInvalid
  // (or the code of the function that failed) for other errors, both as `name:line:col: executing
  // "template" at <what>: why`. Templates may call each other 100 deep.
  Result<std::string> execute(const TemplateValue& data,
                              const std::map<std::string, TemplateValue>& variables = {},
                              const TemplateLimits& limits = {}) const;

 private:
  struct Rep;
  explicit Template(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  std::shared_ptr<const Rep> rep_;
};

}  // namespace nines
