#include "rules/promql/internal/series_notation.h"

#include <algorithm>
#include <utility>

#include "base/model/sample.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/lexer.h"

namespace nines::promql {
namespace {

constexpr std::size_t kRepeatMax = 1'000'000;

Error bad(const std::string& what) {
  return Error(ErrorCode::kInvalid, what);
}

// Labels up to the values: a name, or braces, or both.
Result<std::size_t> parse_labels(std::string_view line, SeriesLine& out) {
  std::size_t i = 0;
  while (i < line.size() && line[i] != '{' && line[i] != ' ' && line[i] != '\t' && line[i] != '@')
    ++i;
  std::vector<Label> labels;
  if (i > 0) labels.push_back({std::string(kMetricName), std::string(line.substr(0, i))});
  if (i < line.size() && line[i] == '{' && line.substr(i, 2) != "{{") {
    std::size_t end = i + 1;
    char quote = 0;
    for (; end < line.size() && (quote != 0 || line[end] != '}'); ++end) {
      if (quote != 0 && line[end] == '\\') {
        ++end;
      } else if (quote != 0) {
        if (line[end] == quote) quote = 0;
      } else if (line[end] == '"' || line[end] == '\'' || line[end] == '`') {
        quote = line[end];
      }
    }
    if (end >= line.size()) return bad("labels are not closed");
    const std::vector<Token> tokens = lex(line.substr(i, end + 1 - i));
    for (std::size_t t = 1; t < tokens.size() && tokens[t].type != Tok::kRightBrace;) {
      std::string name(tokens[t].text);
      const bool quoted = tokens[t].type == Tok::kString;
      if (quoted) {
        NINES_TRY(name, unquote(tokens[t].text));
      }
      if (quoted && (tokens[t + 1].type == Tok::kComma || tokens[t + 1].type == Tok::kRightBrace)) {
        if (!labels.empty() && labels[0].name == kMetricName) {
          return bad("metric name must not be set twice: " + quote_go(labels[0].value) + " or " +
                     quote_go(name));
        }
        labels.insert(labels.begin(), {std::string(kMetricName), name});
        ++t;
      } else {
        if (t + 2 >= tokens.size() || tokens[t + 1].type != Tok::kEqual ||
            tokens[t + 2].type != Tok::kString) {
          return bad("expected label=\"value\"");
        }
        NINES_TRY(std::string value, unquote(tokens[t + 2].text));
        labels.push_back({std::move(name), std::move(value)});
        t += 3;
      }
      if (t < tokens.size() && tokens[t].type == Tok::kComma) ++t;
    }
    i = end + 1;
  }
  if (line.substr(i, 3) == "@st") {
    out.start_times = true;
    i += 3;
  }
  out.labels = LabelSet::from(std::move(labels));
  return i;
}

// Words between white space; {{...}} may hold some.
std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t i = 0;
  while (i < text.size()) {
    while (i < text.size() && (text[i] == ' ' || text[i] == '\t')) ++i;
    const std::size_t start = i;
    bool inside = false;
    while (i < text.size() && (inside || (text[i] != ' ' && text[i] != '\t'))) {
      if (text.substr(i, 2) == "{{" || text.substr(i, 2) == "}}") {
        inside = text[i] == '{';
        ++i;
      }
      ++i;
    }
    if (i > start) out.push_back(text.substr(start, i - start));
  }
  return out;
}

Result<std::size_t> parse_times(std::string_view text) {
  const std::optional<std::int64_t> n = parse_int(text);
  if (!n || *n < 0 || static_cast<std::uint64_t>(*n) > kRepeatMax) {
    return bad("bad repetition " + quote_go(text));
  }
  return static_cast<std::size_t>(*n);
}

std::optional<double> parse_value(std::string_view text, bool durations) {
  if (!durations || text == "0") {
    // Go's literals are decimal here: 0x1 would be "0, once more".
    return parse_double(text);
  }
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const Result<Duration> d = parse_duration(text);
  if (!d) return std::nullopt;
  const auto ms = static_cast<double>(d->count());
  return negative ? -ms : ms;
}

// a, axN, a+bxN, a-bxN. The sign between is the last one that is no exponent's and not the first.
Result<void> parse_floats(std::string_view word, bool durations, std::vector<SeriesValue>& out) {
  const std::size_t x = word.rfind('x');
  std::string_view base = word;
  std::size_t times = 0;
  double step = 0;
  if (x != std::string_view::npos) {
    NINES_TRY(times, parse_times(word.substr(x + 1)));
    base = word.substr(0, x);
    for (std::size_t i = base.size(); i-- > 1;) {
      const char before = base[i - 1];
      const bool exponent = !durations && (before == 'e' || before == 'E');
      if ((base[i] != '+' && base[i] != '-') || exponent) continue;
      std::string_view tail = base.substr(i);
      if (tail.starts_with('+')) tail.remove_prefix(1);
      const std::optional<double> by = parse_value(tail, durations);
      if (!by) return bad("bad value " + quote_go(word));
      step = *by;
      base = base.substr(0, i);
      break;
    }
  }
  const std::optional<double> value = parse_value(base, durations);
  if (!value) return bad("bad value " + quote_go(word));
  double v = *value;
  for (std::size_t i = 0; i <= times; ++i) {
    out.push_back({false, v, nullptr, false});
    v += step;
  }
  return {};
}

Result<std::vector<double>> parse_numbers(std::string_view text) {
  std::vector<double> out;
  for (const std::string_view word : words(text)) {
    const std::optional<double> v = parse_double(word);
    if (!v) return bad("bad number " + quote_go(word) + " in a histogram");
    out.push_back(*v);
  }
  return out;
}

Result<void> set_hint(SeriesValue& out, Histogram& h, std::string_view value) {
  out.hint_given = true;
  if (value == "unknown") {
    h.reset_hint = ResetHint::kUnknown;
  } else if (value == "reset") {
    h.reset_hint = ResetHint::kReset;
  } else if (value == "not_reset") {
    h.reset_hint = ResetHint::kNotReset;
  } else if (value == "gauge") {
    h.reset_hint = ResetHint::kGauge;
  } else {
    return bad("unknown counter_reset_hint " + quote_go(value));
  }
  return {};
}

struct Fields {
  std::vector<double> positive, negative;
  std::int32_t offset = 0, negative_offset = 0;
};

Result<void> set_field(SeriesValue& out, Histogram& h, Fields& fields, std::string_view key,
                       std::string_view value) {
  if (key == "counter_reset_hint") return set_hint(out, h, value);
  NINES_TRY(const std::vector<double> numbers, parse_numbers(value));
  if (key == "buckets") {
    fields.positive = numbers;
    return {};
  }
  if (key == "n_buckets") {
    fields.negative = numbers;
    return {};
  }
  if (key == "custom_values") {
    h.custom_values = numbers;
    return {};
  }
  if (numbers.size() != 1) return bad("bad value of " + quote_go(key) + " in a histogram");
  const double v = numbers[0];
  if (key == "schema") {
    h.schema = static_cast<std::int32_t>(std::clamp(v, -100.0, 100.0));
  } else if (key == "sum") {
    h.sum = v;
  } else if (key == "count") {
    h.count = v;
  } else if (key == "z_bucket") {
    h.zero_count = v;
  } else if (key == "z_bucket_w") {
    h.zero_threshold = v;
  } else if (key == "offset" || key == "n_offset") {
    (key == "offset" ? fields.offset : fields.negative_offset) =
        static_cast<std::int32_t>(std::clamp(v, -1e6, 1e6));
  } else {
    return bad("bad histogram descriptor found: " + quote_go(key));
  }
  return {};
}

// What stands between {{ and }}.
Result<SeriesValue> parse_histogram(std::string_view text) {
  SeriesValue out;
  auto h = std::make_shared<Histogram>();
  Fields fields;
  std::size_t i = 0;
  for (;;) {
    while (i < text.size() && (text[i] == ' ' || text[i] == '\t')) ++i;
    if (i >= text.size()) break;
    const std::size_t colon = text.find(':', i);
    if (colon == std::string_view::npos) return bad("missing `:` for histogram descriptor");
    const std::string_view key = text.substr(i, colon - i);
    i = colon + 1;
    std::size_t end = i;
    std::string_view value;
    if (i < text.size() && text[i] == '[') {
      end = text.find(']', i);
      if (end == std::string_view::npos) return bad("buckets are not closed");
      value = text.substr(i + 1, end - i - 1);
      ++end;
    } else {
      while (end < text.size() && text[end] != ' ' && text[end] != '\t') ++end;
      value = text.substr(i, end - i);
    }
    if (Result<void> ok = set_field(out, *h, fields, key, value); !ok) return ok.error();
    i = end;
  }
  const auto place = [](const std::vector<double>& counts, std::int32_t offset,
                        std::vector<HistogramSpan>& spans, std::vector<double>& buckets) {
    if (!counts.empty()) spans = {{offset, static_cast<std::uint32_t>(counts.size())}};
    buckets = counts;
  };
  place(fields.positive, fields.offset, h->positive_spans, h->positive_buckets);
  place(fields.negative, fields.negative_offset, h->negative_spans, h->negative_buckets);
  out.histogram = std::move(h);
  return out;
}

// {{a}}, {{a}}xN, {{a}}+{{b}}xN, {{a}}-{{b}}xN.
Result<void> parse_histograms(std::string_view word, std::vector<SeriesValue>& out) {
  const std::size_t close = word.find("}}");
  if (close == std::string_view::npos) return bad("histogram is not closed");
  NINES_TRY(SeriesValue base, parse_histogram(word.substr(2, close - 2)));
  std::string_view rest = word.substr(close + 2);
  if (rest.empty()) {
    out.push_back(std::move(base));
    return {};
  }
  if (rest[0] == 'x') {
    NINES_TRY(const std::size_t times, parse_times(rest.substr(1)));
    out.insert(out.end(), times + 1, base);
    return {};
  }
  const bool plus = rest[0] == '+';
  const std::size_t end = rest.find("}}", 1);
  if ((!plus && rest[0] != '-') || rest.substr(1, 2) != "{{" || end == std::string_view::npos ||
      rest.substr(end + 2, 1) != "x") {
    return bad("bad histogram series " + quote_go(word));
  }
  NINES_TRY(const SeriesValue step, parse_histogram(rest.substr(3, end - 3)));
  NINES_TRY(const std::size_t times, parse_times(rest.substr(end + 3)));
  base.hint_given = step.hint_given;
  for (std::size_t i = 0;; ++i) {
    out.push_back(base);
    if (i == times) return {};
    auto next = std::make_shared<Histogram>(*base.histogram);
    const MergeOutcome merged =
        plus ? add(*next, *step.histogram) : subtract(*next, *step.histogram);
    if (merged.result == Merge::kIncompatible) return bad("histograms cannot be combined");
    base.histogram = std::move(next);
  }
}

}  // namespace

Result<SeriesLine> parse_series_line(std::string_view line) {
  SeriesLine out;
  NINES_TRY(const std::size_t after, parse_labels(line, out));
  for (const std::string_view word : words(line.substr(after))) {
    Result<void> ok;
    if (word == "_") {
      out.values.push_back({true, 0, nullptr, false});
    } else if (word.starts_with("_x")) {
      NINES_TRY(const std::size_t times, parse_times(word.substr(2)));
      out.values.insert(out.values.end(), times, SeriesValue{true, 0, nullptr, false});
    } else if (word == "stale") {
      out.values.push_back({false, stale_nan(), nullptr, false});
    } else if (word.starts_with("{{")) {
      ok = parse_histograms(word, out.values);
    } else {
      ok = parse_floats(word, out.start_times, out.values);
    }
    if (!ok) return ok.error();
  }
  return out;
}

}  // namespace nines::promql
