#include "rules/promql/internal/script_compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"
#include "rules/promql/internal/histogram_math.h"

namespace nines::promql {
namespace {

constexpr double kTolerance = 1e-6;

bool almost(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double size = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double kLeast = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || size < kLeast) return difference < kTolerance * kLeast;
  return difference / std::min(size, std::numeric_limits<double>::max()) < kTolerance;
}

bool almost(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return almost(x, y); });
}

bool same_histogram(const SeriesValue& expected, const Histogram& actual) {
  Histogram want = *expected.histogram;
  Histogram got = actual;
  compact(want);
  compact(got);
  return want.schema == got.schema && almost(want.count, got.count) && almost(want.sum, got.sum) &&
         want.custom_values == got.custom_values && want.zero_threshold == got.zero_threshold &&
         almost(want.zero_count, got.zero_count) && want.positive_spans == got.positive_spans &&
         want.negative_spans == got.negative_spans &&
         almost(want.positive_buckets, got.positive_buckets) &&
         almost(want.negative_buckets, got.negative_buckets) &&
         (!expected.hint_given || want.reset_hint == got.reset_hint);
}

std::string hint_text(ResetHint hint) {
  switch (hint) {
    case ResetHint::kUnknown:
      return " unknown";
    case ResetHint::kReset:
      return " reset";
    case ResetHint::kNotReset:
      return " not_reset";
    case ResetHint::kGauge:
      return " gauge";
  }
  return {};
}

std::string value_text(double value, const Histogram* h) {
  if (h == nullptr) return format_double_g(value);
  return to_text(*h) + " schema " + std::to_string(h->schema) + " zero width " +
         format_double_g(h->zero_threshold) + hint_text(h->reset_hint);
}

std::string differs(const LabelSet& labels, std::int64_t time, const SeriesValue& want,
                    double value, const Histogram* h) {
  const bool same = want.histogram ? h != nullptr && same_histogram(want, *h)
                                   : h == nullptr && almost(want.value, value);
  if (same) return {};
  return "expected " + value_text(want.value, want.histogram.get()) + " for " + labels.to_string() +
         " at " + std::to_string(time) + " ms but got " + value_text(value, h);
}

std::string compare_vector(const EvalCommand& command, const Vector& vector) {
  if (command.scalar) return "expected a scalar, got a vector of " + std::to_string(vector.size());
  std::unordered_map<LabelSet, std::size_t> expected;
  for (std::size_t i = 0; i < command.series.size(); ++i) expected[command.series[i].labels] = i;
  std::vector<bool> seen(command.series.size());
  for (std::size_t pos = 0; pos < vector.size(); ++pos) {
    const VectorSample& sample = vector[pos];
    const auto at = expected.find(sample.labels);
    if (at == expected.end()) {
      return "unexpected series " + sample.labels.to_string() + " with " +
             value_text(sample.value, sample.histogram.get());
    }
    if (command.ordered && at->second != pos) {
      return "expected " + sample.labels.to_string() + " at place " +
             std::to_string(at->second + 1) + ", it is at " + std::to_string(pos + 1);
    }
    const SeriesLine& line = command.series[at->second];
    if (line.values.size() != 1) return "an instant evaluation expects one value per series";
    std::string text =
        differs(sample.labels, command.from, line.values[0], sample.value, sample.histogram.get());
    if (!text.empty()) return text;
    seen[at->second] = true;
  }
  for (const auto& [labels, i] : expected) {
    if (!seen[i]) return "expected series " + labels.to_string() + " is missing";
  }
  return {};
}

// The points of one series against its line.
std::string compare_points(const EvalCommand& command, const SeriesLine& line,
                           const SampleColumns& samples) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < line.values.size(); ++i) {
    const std::int64_t time = command.from + static_cast<std::int64_t>(i) * command.step;
    if (time > command.to) return "more values are expected than the range has steps";
    if (line.values[i].omitted) continue;
    if (next >= samples.size() || samples.times[next] != time) {
      return "expected a value for " + line.labels.to_string() + " at " + std::to_string(time) +
             " ms, there is none, or an earlier one too many";
    }
    const Histogram* h = samples.histograms.empty() ? nullptr : samples.histograms[next].get();
    std::string text = differs(line.labels, time, line.values[i], samples.values[next], h);
    if (!text.empty()) return text;
    ++next;
  }
  if (next == samples.size()) return {};
  const Histogram* h = samples.histograms.empty() ? nullptr : samples.histograms[next].get();
  return "unexpected value for " + line.labels.to_string() + " at " +
         std::to_string(samples.times[next]) + " ms: " + value_text(samples.values[next], h);
}

std::string compare_matrix(const EvalCommand& command, const Matrix& matrix) {
  if (command.ordered) return "expected an ordered result, but the query gave a range";
  if (command.scalar) return "expected a scalar, got a range vector";
  std::unordered_map<LabelSet, const SeriesLine*> expected;
  for (const SeriesLine& line : command.series) expected[line.labels] = &line;
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    if (i > 0 && !(matrix[i - 1].labels < matrix[i].labels))
      return "series are not sorted by labels";
    const auto at = expected.find(matrix[i].labels);
    if (at == expected.end()) {
      const Histogram* h =
          matrix[i].samples.histograms.empty() ? nullptr : matrix[i].samples.histograms[0].get();
      return "unexpected series " + matrix[i].labels.to_string() + " beginning with " +
             value_text(matrix[i].samples.values[0], h);
    }
    std::string text = compare_points(command, *at->second, matrix[i].samples);
    if (!text.empty()) return text;
    expected.erase(at);
  }
  for (const auto& [labels, line] : expected)
    return "expected series " + labels.to_string() + " is missing";
  return {};
}

bool matches(const Expected& expected, const std::string& actual) {
  if (expected.any) return true;
  if (!expected.is_regex) return expected.text == actual;
  const auto regex = Regex::compile(expected.text, RegexAnchor::kNone);
  return regex && (*regex)->matches(actual);
}

std::string compare_kind(const std::vector<Expected>& expected, bool none,
                         const std::vector<std::string>& actual, const std::string& kind) {
  if (none && !actual.empty()) return "unexpected " + kind + ": " + actual[0];
  if (expected.empty()) return {};
  for (const Expected& e : expected) {
    const bool found = std::any_of(actual.begin(), actual.end(),
                                   [&](const std::string& a) { return matches(e, a); });
    if (!found) return "expected " + kind + " " + quote_go(e.text) + ", got " + join(actual, "; ");
  }
  for (const std::string& a : actual) {
    const bool wanted = std::any_of(expected.begin(), expected.end(),
                                    [&](const Expected& e) { return matches(e, a); });
    if (!wanted) return "unexpected " + kind + ": " + a;
  }
  return {};
}

}  // namespace

std::string compare_value(const EvalCommand& command, const Value& value) {
  if (const auto* vector = std::get_if<Vector>(&value)) return compare_vector(command, *vector);
  if (const auto* matrix = std::get_if<Matrix>(&value)) return compare_matrix(command, *matrix);
  if (const auto* scalar = std::get_if<Scalar>(&value)) {
    if (!command.scalar)
      return "expected a vector, got the scalar " + format_double_g(scalar->value);
    if (almost(*command.scalar, scalar->value)) return {};
    return "expected " + format_double_g(*command.scalar) + ", got " +
           format_double_g(scalar->value);
  }
  const std::string& text = std::get<StringValue>(value).value;
  if (command.text.value_or("") == text) return {};
  return "expected string " + quote_go(command.text.value_or("")) + ", got " + quote_go(text);
}

std::string compare_annotations(const EvalCommand& command, const QueryResult& result) {
  std::string text =
      compare_kind(command.warnings, command.no_warnings, result.warnings, "warning");
  if (!text.empty()) return text;
  return compare_kind(command.infos, command.no_infos, result.infos, "info");
}

std::string compare_failure(const EvalCommand& command, const std::string& error) {
  if (matches(*command.fail, error)) return {};
  return "expected failure " + quote_go(command.fail->text) + ", got " + quote_go(error);
}

}  // namespace nines::promql
