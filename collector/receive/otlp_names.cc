#include "collector/receive/internal/otlp_names.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"d", "days"},        {"h", "hours"},        {"min", "minutes"},    {"s", "seconds"},
    {"ms", "milliseconds"}, {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},
    {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"}, {"GiBy", "gibibytes"}, {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"}, {"MBy", "megabytes"},  {"GBy", "gigabytes"},  {"TBy", "terabytes"},
    {"m", "meters"},      {"V", "volts"},        {"A", "amperes"},      {"J", "joules"},
    {"W", "watts"},       {"g", "grams"},        {"Cel", "celsius"},    {"Hz", "hertz"},
    {"1", ""},            {"%", "percent"}};

constexpr std::pair<std::string_view, std::string_view> kPerUnits[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
    {"w", "week"},   {"mo", "month"}, {"y", "year"}};

template <typename Table>
std::string in_words(std::string_view unit, const Table& table) {
  const auto* const found = std::find_if(std::begin(table), std::end(table),
                                         [&](const auto& entry) { return entry.first == unit; });
  return std::string(found == std::end(table) ? unit : found->second);
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The runs of characters that `keeps` likes.
template <typename Keeps>
std::vector<std::string> tokens_of(std::string_view text, Keeps keeps) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    while (i < text.size() && keeps(text[i])) ++i;
    if (i > begin) out.emplace_back(text.substr(begin, i - begin));
    while (i < text.size() && !keeps(text[i])) ++i;
  }
  return out;
}

struct UnitWords {
  std::string main, per;  // "meters", "per_second"
};

UnitWords unit_words(std::string_view unit) {
  UnitWords out;
  const std::size_t slash = unit.find('/');
  const std::string_view main = trim(unit.substr(0, slash));
  if (!main.empty() && main.find_first_of("{}") == std::string_view::npos)
    out.main = in_words(main, kUnits);
  if (slash != std::string_view::npos) {
    const std::string_view per = trim(unit.substr(slash + 1));
    if (!per.empty() && per.find_first_of("{}") == std::string_view::npos)
      out.per = "per_" + in_words(per, kPerUnits);
  }
  return out;
}

std::string cleaned(std::string_view text) {
  return join(tokens_of(text, is_plain), "_");
}

bool is_total(const OtlpMetric& metric) {
  return metric.kind == OtlpKind::kSum && metric.monotonic;
}

bool is_ratio(const OtlpMetric& metric) {
  return metric.kind == OtlpKind::kGauge && metric.unit == "1";
}

// The token at the end of the name, once.
void move_to_end(std::vector<std::string>& tokens, const std::string& token) {
  std::erase(tokens, token);
  tokens.push_back(token);
}

std::string underscored_with_suffixes(const OtlpMetric& metric) {
  std::vector<std::string> tokens =
      tokens_of(metric.name, [](char c) { return is_plain(c) || c == ':'; });
  const UnitWords unit = unit_words(metric.unit);
  const auto has = [&](const std::string& token) {
    return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
  };
  const std::string main = cleaned(unit.main);
  if (!main.empty() && !has(main)) tokens.push_back(main);
  if (const std::string per = cleaned(unit.per); per.size() > 4) {  // more than "per_"
    if (!has(per.substr(4))) {
      tokens.emplace_back("per");
      tokens.push_back(per.substr(4));
    }
  }
  if (is_total(metric)) move_to_end(tokens, "total");
  if (is_ratio(metric)) move_to_end(tokens, "ratio");
  return join(tokens, "_");
}

void cut_suffix(std::string& name, std::string_view word) {
  if (name.size() <= word.size() + 1 || !name.ends_with(word)) return;
  if (name[name.size() - word.size() - 1] != '_') return;
  name.resize(name.size() - word.size() - 1);
}

std::string utf8_with_suffixes(const OtlpMetric& metric) {
  std::string name = metric.name;
  const UnitWords unit = unit_words(metric.unit);
  if (is_total(metric)) cut_suffix(name, "total");
  if (is_ratio(metric)) cut_suffix(name, "ratio");
  if (!unit.per.empty()) cut_suffix(name, unit.per);
  if (!unit.main.empty() && !name.ends_with(unit.main)) name += "_" + unit.main;
  if (!unit.per.empty()) name += "_" + unit.per;
  if (is_ratio(metric)) name += "_ratio";
  if (is_total(metric)) name += "_total";
  return name;
}

std::string not_from_a_digit(std::string name) {
  if (!name.empty() && is_digit(name.front())) name.insert(0, "_");
  return name;
}

}  // namespace

std::string otlp_metric_name(const OtlpMetric& metric, OtlpTranslation translation) {
  switch (translation) {
    case OtlpTranslation::kUnderscoresWithSuffixes:
      return not_from_a_digit(underscored_with_suffixes(metric));
    case OtlpTranslation::kUnderscoresWithoutSuffixes:
      return not_from_a_digit(join(
          tokens_of(metric.name, [](char c) { return is_plain(c) || c == ':' || c == '_'; }), "_"));
    case OtlpTranslation::kUtf8WithSuffixes:
      return metric.name.empty() ? "" : utf8_with_suffixes(metric);
    case OtlpTranslation::kNone:
      break;
  }
  return metric.name;
}

std::string otlp_label_name(std::string_view attribute, OtlpTranslation translation) {
  if (translation == OtlpTranslation::kUtf8WithSuffixes || translation == OtlpTranslation::kNone) {
    return std::string(attribute);
  }
  // One underscore for each character that may not stand, not for each of its bytes.
  std::string name;
  for (const char c : attribute) {
    if (is_plain(c) || c == '_') {
      name += c;
    } else if ((static_cast<unsigned char>(c) & 0xC0u) != 0x80u) {
      name += '_';
    }
  }
  if (name.empty()) return name;
  if (is_digit(name.front())) return "key_" + name;
  if (name.starts_with('_') && !name.starts_with("__")) return "key" + name;
  return name;
}

std::string otlp_unit(std::string_view unit) {
  const UnitWords words = unit_words(unit);
  std::string out = words.main;
  if (!words.per.empty()) out += (out.empty() ? "" : "_") + words.per;
  return out;
}

}  // namespace nines::collector
