#include "collector/exposition/lint.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/text/text.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

struct Family {
  MetricType type = MetricType::kUnknown;
  bool typed = false;
  bool has_help = false;
  std::uint64_t series = 0;
  std::set<LabelSet> metrics;  // without le and quantile where they are part of the type
};

// Units and what they should be given in.
constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"amperes", "amperes"},    {"bytes", "bytes"},     {"celsius", "celsius"},
    {"grams", "grams"},        {"joules", "joules"},   {"kelvin", "kelvin"},
    {"meters", "meters"},      {"metres", "metres"},   {"seconds", "seconds"},
    {"volts", "volts"},        {"minutes", "seconds"}, {"hours", "seconds"},
    {"days", "seconds"},       {"weeks", "seconds"},   {"kelvins", "kelvin"},
    {"fahrenheit", "celsius"}, {"rankine", "celsius"}, {"inches", "meters"},
    {"yards", "meters"},       {"miles", "meters"},    {"bits", "bytes"},
    {"calories", "joules"},    {"pounds", "grams"},    {"ounces", "grams"}};
constexpr std::string_view kPrefixes[] = {
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi",
    "mega", "mibi", "giga",  "gibi",  "tera",  "tebi", "peta", "pebi",  ""};
constexpr std::string_view kAbbreviations[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                               "mb", "gb", "tb", "pb", "m",   "h", "d"};
constexpr std::string_view kTypeNames[] = {"counter", "gauge", "summary", "histogram",
                                           "gauge_histogram"};

bool is_camel(std::string_view name) {
  for (std::size_t i = 1; i < name.size(); ++i) {
    const char a = name[i - 1], b = name[i];
    if (a >= 'a' && a <= 'z' && b >= 'A' && b <= 'Z') return true;
  }
  return false;
}

// "_word" at the end of the name or before another "_".
bool has_part(const std::string& name, std::string_view word) {
  const std::string part = "_" + std::string(word);
  return name.ends_with(part) || name.find(part + "_") != std::string::npos;
}

class Reader final : public ExpositionVisitor {
 public:
  void on_type(std::string_view name, MetricType type) override {
    Family& family = families_[std::string(name)];
    if (family.typed || !family.metrics.empty()) {
      if (!twice_) twice_ = name;
    }
    family.type = type;
    family.typed = true;
  }
  void on_help(std::string_view name, std::string_view help) override {
    Family& family = families_[std::string(name)];
    family.has_help = family.has_help || !help.empty();
  }
  Result<void> on_sample(const ExposedSample& sample) override {
    NINES_TRY(const LabelSet labels, parse_series(sample.series));
    Family& family = family_of(std::string(labels.metric_name()));
    LabelBuilder own(labels);
    own.set(kMetricName, "");
    if (family.type == MetricType::kHistogram) own.set("le", "");
    if (family.type == MetricType::kSummary) own.set("quantile", "");
    family.metrics.insert(own.build());
    ++family.series;
    return {};
  }
  Result<void> whole() const {
    if (!twice_) return {};
    return Error(ErrorCode::kInvalid, "second TYPE line for metric name " + quote_go(*twice_) +
                                          ", or TYPE reported after samples");
  }
  const std::map<std::string, Family>& families() const { return families_; }

 private:
  Family& family_of(const std::string& name) {
    if (const auto known = families_.find(name); known != families_.end()) return known->second;
    for (const std::string_view suffix : {"_count", "_sum", "_bucket"}) {
      if (!name.ends_with(suffix)) continue;
      const auto base = families_.find(name.substr(0, name.size() - suffix.size()));
      if (base == families_.end()) continue;
      const MetricType type = base->second.type;
      if (type == MetricType::kHistogram || (type == MetricType::kSummary && suffix != "_bucket")) {
        return base->second;
      }
    }
    return families_[name];
  }

  std::map<std::string, Family> families_;
  std::optional<std::string> twice_;
};

class Linter {
 public:
  void family(const std::string& name, const Family& family) {
    name_ = &name;
    if (!family.has_help) add("no help text");
    units();
    suffixes(family);
    reserved_labels(family);
    type_in_name();
    if (name.find(':') != std::string::npos) add("metric names should not contain ':'");
    if (is_camel(name)) add("metric names should be written in 'snake_case' not 'camelCase'");
    for (const LabelSet& metric : family.metrics) {
      for (const Label& label : metric) {
        if (is_camel(label.name))
          add("label names should be written in 'snake_case' not 'camelCase'");
      }
    }
    abbreviations();
  }
  std::vector<ExpositionFinding> take() {
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) {
      return a.metric != b.metric ? a.metric < b.metric : a.text < b.text;
    });
    return std::move(found_);
  }

 private:
  void add(std::string text) { found_.push_back({*name_, std::move(text)}); }

  // The first word that is a unit, in one of its prefixed forms.
  void units() {
    for (const std::string_view word : split(*name_, '_')) {
      for (const auto& [unit, base] : kUnits) {
        if (!word.ends_with(unit)) continue;
        const std::string_view prefix = word.substr(0, word.size() - unit.size());
        if (std::find(std::begin(kPrefixes), std::end(kPrefixes), prefix) == std::end(kPrefixes))
          continue;
        if (word != base) {
          add("use base unit " + quote_go(base) + " instead of " + quote_go(word));
        }
        return;
      }
    }
  }

  void suffixes(const Family& family) {
    const bool untyped = family.type == MetricType::kUnknown;
    const bool counter = family.type == MetricType::kCounter;
    const bool total = name_->ends_with("_total");
    if (counter && !total) add("counter metrics should have \"_total\" suffix");
    if (untyped) return;
    if (!counter && total) add("non-counter metrics should not have \"_total\" suffix");
    const bool histogram = family.type == MetricType::kHistogram;
    const bool either = histogram || family.type == MetricType::kSummary;
    if (!histogram && name_->ends_with("_bucket"))
      add("non-histogram metrics should not have \"_bucket\" suffix");
    for (const char* suffix : {"_count", "_sum"}) {
      if (either || !name_->ends_with(suffix)) continue;
      add("non-histogram and non-summary metrics should not have \"" + std::string(suffix) +
          "\" suffix");
    }
  }

  void reserved_labels(const Family& family) {
    if (family.type == MetricType::kUnknown) return;
    for (const LabelSet& metric : family.metrics) {
      if (family.type != MetricType::kHistogram && metric.has("le"))
        add("non-histogram metrics should not have \"le\" label");
      if (family.type != MetricType::kSummary && metric.has("quantile"))
        add("non-summary metrics should not have \"quantile\" label");
    }
  }

  void type_in_name() {
    const std::string lower = to_lower(*name_);
    for (const std::string_view type : kTypeNames) {
      if (has_part(lower, type))
        add("metric name should not include type '" + std::string(type) + "'");
    }
  }

  void abbreviations() {
    const std::string lower = to_lower(*name_);
    const bool any = std::any_of(std::begin(kAbbreviations), std::end(kAbbreviations),
                                 [&](std::string_view word) { return has_part(lower, word); });
    if (any) add("metric names should not contain abbreviated units");
  }

  const std::string* name_ = nullptr;
  std::vector<ExpositionFinding> found_;
};

// The whole of a body, or why it is none.
Result<void> read_whole(std::string_view body, Reader& reader) {
  if (Result<void> read = parse_exposition(body, ExpositionFormat::kText004, reader); !read) {
    return read;
  }
  if (!body.empty() && !body.ends_with('\n')) {
    return Error(ErrorCode::kInvalid, "the last line has no end: a body ends with a line feed");
  }
  return reader.whole();
}

}  // namespace

Result<std::vector<ExpositionFinding>> lint_exposition(std::string_view body) {
  Reader reader;
  if (Result<void> read = read_whole(body, reader); !read) return std::move(read).error();
  Linter linter;
  for (const auto& [name, family] : reader.families()) {
    if (!family.metrics.empty()) linter.family(name, family);
  }
  return linter.take();
}

Result<std::vector<FamilySize>> family_sizes(std::string_view body) {
  Reader reader;
  if (Result<void> read = read_whole(body, reader); !read) return std::move(read).error();
  std::vector<FamilySize> out;
  for (const auto& [name, family] : reader.families()) {
    if (family.series != 0) out.push_back({name, family.series});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const FamilySize& a, const FamilySize& b) { return a.series > b.series; });
  return out;
}

}  // namespace nines::collector
