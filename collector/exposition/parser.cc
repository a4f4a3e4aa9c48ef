#include "collector/exposition/parser.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/text/text.h"
#include "collector/exposition/internal/bytes16.h"
#include "collector/exposition/internal/convert_classic.h"
#include "collector/exposition/internal/number_scan.h"
#include "collector/exposition/internal/protobuf.h"
#include "collector/exposition/internal/series_scan.h"
#include "collector/exposition/internal/unescape.h"
#include "collector/exposition/internal/value_scan.h"

namespace nines::collector {
namespace {

constexpr std::size_t kShownMax = 40;  // bytes of the target's text in a message
constexpr std::size_t kAhead = 1024;   // of the text, asked of memory before it is read

std::optional<MetricType> type_of(std::string_view word, bool open_metrics) {
  if (word == "counter") return MetricType::kCounter;
  if (word == "gauge") return MetricType::kGauge;
  if (word == "histogram") return MetricType::kHistogram;
  if (word == "summary") return MetricType::kSummary;
  if (!open_metrics) return word == "untyped" ? std::optional(MetricType::kUnknown) : std::nullopt;
  if (word == "gaugehistogram") return MetricType::kGaugeHistogram;
  if (word == "info") return MetricType::kInfo;
  if (word == "stateset") return MetricType::kStateSet;
  if (word == "unknown") return MetricType::kUnknown;
  return std::nullopt;
}

// The labels of an exemplar, and the first thing that is wrong with them.
struct ExemplarPieces {
  std::vector<Label> labels;
  const char* wrong_at = nullptr;
  const char* wrong = nullptr;

  void on_name(RawText) {}  // scan_labels() refuses a text without a value here
  void on_label(RawText name, RawText value) {
    if (wrong_at != nullptr) return;
    Label label{plain(name), plain(value)};
    const bool twice = std::any_of(labels.begin(), labels.end(),
                                   [&](const Label& one) { return one.name == label.name; });
    if (twice || !is_valid_utf8(name.text)) {
      wrong_at = name.text.data();
      wrong = twice ? "label of an exemplar stands twice" : "invalid UTF-8";
    } else if (!is_valid_utf8(value.text)) {
      wrong_at = value.text.data();
      wrong = "invalid UTF-8";
    }
    labels.push_back(std::move(label));
  }
  static std::string plain(RawText text) {
    return text.has_escapes ? unescape(text.text) : std::string(text.text);
  }
};

class Parser {
 public:
  Parser(std::string_view body, ExpositionFormat format, ExpositionVisitor& visitor)
      : body_(body.data()),
        rest_(body.data()),
        lead_(body.data()),
        body_end_(body.data() + body.size()),
        open_metrics_(format == ExpositionFormat::kOpenMetrics),
        visitor_(visitor) {}

  Result<void> run() {
    while (rest_ != body_end_) {
      if (!ended_) {
        if (rest_ == lead_) {
          if (!timed_ && take_lines()) {
            if (Result<void> r = visitor_.on_expected({values_.data(), taken_}, leads_); !r)
              return r;
            continue;
          }
          guess_ = visitor_.expected();
        }
        if ((rest_ == lead_ && take_expected(plain_)) || take_plain(plain_)) {
          if (Result<void> r = visitor_.on_sample(plain_); !r) {
            line_ = plain_.series.data();
            return refused(std::move(r).error(), line_);
          }
          continue;
        }
        if (*rest_ == '#' && take_comment()) continue;
      }
      line_ = rest_;
      const auto left = static_cast<std::size_t>(body_end_ - rest_);
      const auto* newline = static_cast<const char*>(std::memchr(rest_, '\n', left));
      end_ = newline == nullptr ? body_end_ : newline;
      rest_ = newline == nullptr ? body_end_ : newline + 1;
      if (ended_) return fail(line_, "text after # EOF");
      if (Result<void> r = line(); !r) return r;
    }
    if (open_metrics_ && !ended_) {
      line_ = end_ = body_end_;
      return fail(line_, "body does not end with # EOF");
    }
    return {};
  }

 private:
  // As many lines as are what was expected, at most as many as there is room for their values.
  // False: not one, and nothing was consumed.
  bool take_lines() {
    const ExpectedLines guess = visitor_.expected_lines();
    const std::size_t most = std::min(guess.count, values_.size());
    const ExpectedLine* line = guess.lines;
    const char* p = rest_;
    taken_ = 0;
    leads_ = false;
    for (; taken_ != most; ++taken_, ++line) {
      const std::size_t lead = line->lead_bytes;
      const std::size_t size = line[1].begin - line->begin;
      if (static_cast<std::size_t>(body_end_ - p) < lead + size + kDecimalBytes) break;
      if (!same_bytes(p + lead, guess.text + line->begin, size)) break;
      if (lead != 0 && hash_of_lead(p, lead) != line->lead_hash) break;
      const char* const word = p + lead + size;
      __builtin_prefetch(word + kAhead);
      double& value = values_[taken_];
      const char* feed = scan_decimal(word, value);
      if (feed == nullptr) feed = scan_plain_value(word, body_end_, value);
      if (feed == nullptr) break;
      if (lead != 0) {
        comments_ = {p, lead};
        leads_ = true;
      }
      p = feed + 1;
    }
    if (taken_ == 0) return false;
    rest_ = lead_ = p;
    return true;
  }

  // A value and, in text 0.0.4, perhaps one blank and a timestamp, to the end of the line: where
  // that is. Null for anything else.
  const char* take_value(const char* p, ExposedSample& sample) {
    sample.time_ms.reset();
    timed_ = false;
    const bool room = static_cast<std::size_t>(body_end_ - p) >= kDecimalBytes;
    if (room) {
      if (const char* feed = scan_decimal(p, sample.value)) return feed;
    }
    if (const char* feed = scan_plain_value(p, body_end_, sample.value)) return feed;
    if (open_metrics_ || !room) return nullptr;
    const char* const last = body_end_ - kDecimalBytes;
    const char* end = p;
    while (end < last && *end != ' ' && *end != '\n') ++end;
    if (*end != ' ') return nullptr;
    const std::string_view word(p, static_cast<std::size_t>(end - p));
    std::uint64_t ms = 0;
    const char* const feed = scan_digits(end + 1, ms);
    if (feed == nullptr) return nullptr;
    const std::optional<double> value = scan_value(word);
    if (!value) return nullptr;
    sample.value = *value;
    sample.time_ms = static_cast<std::int64_t>(ms);
    timed_ = true;
    return feed;
  }

  // A line that is a series, one blank and a value, without blanks or escapes in surprising places:
  // nearly every one that is no comment. False: it may be fine all the same, and nothing was
  // consumed.
  bool take_plain(ExposedSample& sample) {
    const char* const word = skip_plain_series(rest_, body_end_);
    if (word == nullptr || static_cast<std::size_t>(body_end_ - word) < kDecimalBytes) return false;
    const char* const feed = take_value(word, sample);
    if (feed == nullptr) return false;
    sample.series = {rest_, static_cast<std::size_t>(word - 1 - rest_)};
    sample.as_expected = guess_.series == sample.series;
    sample.lead_known = false;
    sample.lead_bytes = static_cast<std::uint32_t>(rest_ - lead_);
    sample.lead_hash = sample.lead_bytes == 0 ? 0 : hash_of_lead(lead_, sample.lead_bytes);
    if (sample.lead_bytes != 0) comments_ = {lead_, sample.lead_bytes};
    sample.comments = comments_;
    rest_ = lead_ = feed + 1;
    return true;
  }

  // # HELP or # TYPE as nearly all of them are written. False: nothing was consumed.
  bool take_comment() {
    constexpr std::size_t kMargin = 2 * kRunMax;
    if (static_cast<std::size_t>(body_end_ - rest_) <= kMargin) return false;
    const char* const last = body_end_ - kMargin;
    const bool help = std::memcmp(rest_, "# HELP ", 7) == 0;
    if (!help && std::memcmp(rest_, "# TYPE ", 7) != 0) return false;
    const char* const name = rest_ + 7;
    const char* p = scan_detail::skip_name_fast<true>(name, last);
    if (!scan_detail::is(*name, scan_detail::kNameStart | scan_detail::kColon)) return false;
    if (p > last || *p != ' ') return false;
    const std::string_view family(name, static_cast<std::size_t>(p - name));
    const char* const text = ++p;
    if (help) {
      if (is_blank(*p)) return false;
      for (unsigned n = kRunMax; n == kRunMax; p += n) {
        if (p > last) return false;
        n = plain_bytes<false>(p);
      }
      if (*p != '\n') return false;
      visitor_.on_help(family, {text, static_cast<std::size_t>(p - text)});
    } else {
      p = scan_detail::skip_name_fast<false>(p, last);
      if (*p != '\n') return false;
      const auto type = type_of({text, static_cast<std::size_t>(p - text)}, open_metrics_);
      if (!type) return false;
      visitor_.on_type(family, *type);
    }
    rest_ = p + 1;
    return true;
  }

  // The guess, when it is right to the byte and a plain value ends the line: then there is nothing
  // to take apart. False: nothing was consumed.
  bool take_expected(ExposedSample& sample) {
    const ExpectedSample& guess = guess_;
    const std::size_t size = guess.series.size();
    const auto left = static_cast<std::size_t>(body_end_ - rest_);
    if (size == 0 || guess.lead_bytes + size + 2 > left) return false;
    const char* const series = rest_ + guess.lead_bytes;
    if (series[size] != ' ' || std::memcmp(series, guess.series.data(), size) != 0) return false;
    if (guess.lead_bytes != 0 && hash_of_lead(lead_, guess.lead_bytes) != guess.lead_hash)
      return false;
    const char* const word = series + size + 1;
    const char* const end = take_value(word, sample);
    if (end == nullptr) return false;
    sample.series = {series, size};
    sample.lead_hash = guess.lead_hash;
    sample.lead_bytes = guess.lead_bytes;
    sample.as_expected = sample.lead_known = true;
    if (guess.lead_bytes != 0) comments_ = {lead_, guess.lead_bytes};
    sample.comments = comments_;
    rest_ = lead_ = end + 1;
    return true;
  }

  std::uint64_t hash_of_lead(const char* lead, std::size_t bytes) const {
    return hash64({lead, bytes}, open_metrics_ ? 1 : 0);
  }

  Result<void> line() {
    const char* p = open_metrics_ ? line_ : skip_blanks(line_, end_);
    if (p == end_) {
      if (open_metrics_) return fail(p, "blank line");
      return {};
    }
    return *p == '#' ? comment(p) : sample(p);
  }

  Result<void> sample(const char* p) {
    ExposedSample sample;
    const char* const start = p;
    const std::string_view expected = guess_.series;
    sample.lead_bytes = static_cast<std::uint32_t>(start - lead_);
    sample.lead_hash = sample.lead_bytes == 0 ? 0 : hash_of_lead(lead_, sample.lead_bytes);
    if (sample.lead_bytes != 0) comments_ = {lead_, sample.lead_bytes};
    sample.comments = comments_;
    const auto left = static_cast<std::size_t>(end_ - p);
    if (!expected.empty() && expected.size() < left &&
        std::memcmp(p, expected.data(), expected.size()) == 0 && is_blank(p[expected.size()])) {
      p = skip_blanks(p + expected.size(), end_);
      // "a {..." is another series than "a".
      sample.as_expected = p != end_ && *p != '{';
      sample.series = {start, expected.size()};
    }
    if (!sample.as_expected) {
      IgnorePieces none;
      const Scan scan = scan_series(start, end_, none);
      if (scan.error != nullptr) return fail(scan.at, scan.error);
      sample.series = {start, static_cast<std::size_t>(scan.at - start)};
      p = skip_blanks(scan.at, end_);
    }
    std::string_view word = token(p);
    const std::optional<double> value = scan_value(word);
    if (!value) return fail_at_word(p, "expected a value", word);
    sample.value = *value;
    p = skip_blanks(word.data() + word.size(), end_);
    if (p != end_ && !(open_metrics_ && *p == '#')) {
      word = token(p);
      sample.time_ms = open_metrics_ ? scan_time_seconds(word) : scan_time_ms(word);
      if (!sample.time_ms) return fail_at_word(p, "expected a timestamp", word);
      p = skip_blanks(word.data() + word.size(), end_);
    }
    if (open_metrics_ && p != end_ && *p == '#') {
      if (Result<void> r = exemplar(p); !r) return r;
      sample.exemplars = {&exemplar_, 1};
    }
    if (p != end_) return fail_at_word(p, "expected the end of the line", token(p));
    timed_ = sample.time_ms.has_value();
    lead_ = rest_;
    if (Result<void> r = visitor_.on_sample(sample); !r) return refused(std::move(r).error(), start);
    return {};
  }

  // # {label="value"} value [timestamp], into exemplar_. `p` ends behind it.
  Result<void> exemplar(const char*& p) {
    p = skip_blanks(p + 1, end_);
    if (p == end_ || *p != '{') return fail(p, "expected the labels of an exemplar");
    ExemplarPieces pieces;
    bool no_name_wanted = true;
    const Scan scan = scan_labels(p, end_, no_name_wanted, pieces);
    if (scan.error != nullptr) return fail(scan.at, scan.error);
    if (pieces.wrong_at != nullptr) return fail(pieces.wrong_at, pieces.wrong);
    exemplar_.labels = LabelSet::from(std::move(pieces.labels));
    p = skip_blanks(scan.at, end_);
    std::string_view word = token(p);
    const std::optional<double> value = scan_value(word);
    if (!value) return fail_at_word(p, "expected the value of an exemplar", word);
    exemplar_.value = *value;
    exemplar_.time_ms.reset();
    p = skip_blanks(word.data() + word.size(), end_);
    if (p == end_) return {};
    word = token(p);
    exemplar_.time_ms = scan_time_seconds(word);
    if (!exemplar_.time_ms) return fail_at_word(p, "expected the timestamp of an exemplar", word);
    p = skip_blanks(word.data() + word.size(), end_);
    return {};
  }

  Result<void> comment(const char* p) {
    const char* const start = p;
    p = skip_blanks(p + 1, end_);
    const std::string_view keyword = token(p);
    const bool blank_before = p != start + 1;
    const char* const after = p + keyword.size();
    if (blank_before && open_metrics_ && keyword == "EOF") {
      if (after != end_) return fail(after, "text after # EOF");
      ended_ = true;
      return {};
    }
    const bool known = blank_before && (keyword == "HELP" || keyword == "TYPE" ||
                                        (open_metrics_ && keyword == "UNIT"));
    if (!known) {
      if (open_metrics_) return fail_at_word(p, "expected HELP, TYPE, UNIT or EOF", keyword);
      return {};
    }
    p = skip_blanks(after, end_);
    std::string_view family;
    if (Result<void> r = family_name(p, family); !r) return r;
    // One separator belongs to the line, the rest of a help text to the text.
    if (p != end_ && !is_blank(*p)) return fail(p, "expected a metric name");
    if (keyword == "HELP") return help(family, p);
    p = skip_blanks(p, end_);
    const std::string_view word = token(p);
    if (const char* tail = skip_blanks(p + word.size(), end_); tail != end_) {
      return fail_at_word(tail, "expected the end of the line", token(tail));
    }
    return keyword == "TYPE" ? type(family, p, word) : unit(family, p, word);
  }

  Result<void> family_name(const char*& p, std::string_view& family) {
    if (p != end_ && *p == '"') {
      RawText raw;
      const Scan scan = scan_detail::scan_quoted(p + 1, end_, raw);
      if (scan.error != nullptr) return fail(scan.at, scan.error);
      p = scan.at;
      family_ = raw.has_escapes ? unescape(raw.text) : std::string(raw.text);
      family = family_;
    } else {
      const char* const start = p;
      p = scan_detail::skip_name(p, end_, scan_detail::kColon);
      family = {start, static_cast<std::size_t>(p - start)};
    }
    if (family.empty()) return fail(p, "expected a metric name");
    return {};
  }

  Result<void> help(std::string_view family, const char* p) {
    p = skip_blanks(p, end_);
    const std::string_view text(p, static_cast<std::size_t>(end_ - p));
    if (text.find('\\') == text.npos) {
      visitor_.on_help(family, text);
      return {};
    }
    help_ = unescape(text);
    visitor_.on_help(family, help_);
    return {};
  }

  Result<void> type(std::string_view family, const char* p, std::string_view word) {
    const std::optional<MetricType> type = type_of(word, open_metrics_);
    if (!type) return fail_at_word(p, "expected a metric type", word);
    visitor_.on_type(family, *type);
    return {};
  }

  Result<void> unit(std::string_view family, const char* p, std::string_view word) {
    const bool suffix = family.size() > word.size() && family.ends_with(word) &&
                        family[family.size() - word.size() - 1] == '_';
    if (!word.empty() && !suffix) {
      return fail_at_word(p, "expected a unit that ends the metric's name", word);
    }
    visitor_.on_unit(family, word);
    return {};
  }

  // From `p` to the next blank or the end of the line.
  std::string_view token(const char* p) const {
    const char* q = p;
    while (q != end_ && !is_blank(*q)) ++q;
    return {p, static_cast<std::size_t>(q - p)};
  }

  // Of the line at line_.
  std::string place_of(const char* at) const {
    auto number = std::count(body_, line_, '\n') + 1;
    if (line_ == body_end_ && line_ != body_ && line_[-1] != '\n') ++number;  // the one missing
    return "line " + std::to_string(number) + ", column " + std::to_string(at - line_ + 1);
  }
  Error fail(const char* at, std::string_view why) const {
    return {ErrorCode::kInvalid, place_of(at) + ": " + std::string(why)};
  }
  // What the visitor says of a sample; a limit is the page's as a whole.
  Error refused(Error error, const char* at) const {
    if (error.code() != ErrorCode::kInvalid) return error;
    return std::move(error).in(place_of(at));
  }
  Error fail_at_word(const char* at, std::string_view why, std::string_view got) const {
    if (got.empty()) return fail(at, std::string(why) + ", got the end of the line");
    return fail(at, std::string(why) + ", got " + quote_go(got.substr(0, kShownMax)));
  }

  const char* const body_;
  const char* rest_;
  const char* lead_;           // where the lead of the next sample begins
  std::string_view comments_;  // the last lead that was not empty
  const char* const body_end_;
  const bool open_metrics_;
  ExpositionVisitor& visitor_;
  ExpectedSample guess_;  // of the sample whose lead began last
  const char* line_ = nullptr;
  const char* end_ = nullptr;  // of the line
  bool ended_ = false;         // # EOF was seen
  ExposedExemplar exemplar_;   // of the sample at hand
  ExposedSample plain_;        // of a plain line: what such a line does not have stays unset
  std::string family_, help_;  // unescaped copies, when one is needed
  // What take_lines() took.
  std::array<double, 64> values_;
  std::size_t taken_ = 0;
  bool leads_ = false;
  bool timed_ = false;  // the last sample had a time of its own, and so may the next
};

}  // namespace

Result<void> parse_exposition(std::string_view body, ExpositionFormat format,
                              ExpositionVisitor& visitor, const ExpositionOptions& options) {
  if (format == ExpositionFormat::kProtobuf) return parse_protobuf(body, visitor, options);
  if (!options.convert_classic) return Parser(body, format, visitor).run();
  ConvertClassic convert(visitor, options.keep_classic);
  if (Result<void> r = Parser(body, format, convert).run(); !r) return r;
  return convert.finish();
}

std::optional<DeclaredFamily> declared_family(std::string_view comments, ExpositionFormat format) {
  struct Finder final : ExpositionVisitor {
    Result<void> on_sample(const ExposedSample&) override { return {}; }
    void on_type(std::string_view name, MetricType type) override {
      found = DeclaredFamily{std::string(name), type};
    }
    std::optional<DeclaredFamily> found;
  } finder;
  // They were parsed before; an OpenMetrics end is all they lack.
  (void)Parser(comments, format, finder).run().has_value();
  return finder.found;
}

}  // namespace nines::collector
