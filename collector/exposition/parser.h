#pragma once
// Reads what targets expose: Prometheus text 0.0.4 and 1.0.0, OpenMetrics 1.0, and Prometheus's
// protobuf messages.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/sample.h"

namespace nines::collector {

// kProtobuf: io.prometheus.client.MetricFamily messages, each behind its length as a varint.
enum class ExpositionFormat : std::uint8_t { kText004, kOpenMetrics, kProtobuf };

// What a target may be asked to speak, under Prometheus's names for it.
enum class ScrapeProtocol : std::uint8_t {
  kPrometheusText004,   // PrometheusText0.0.4
  kPrometheusText100,   // PrometheusText1.0.0: names may be any UTF-8
  kOpenMetricsText001,  // OpenMetricsText0.0.1
  kOpenMetricsText100,  // OpenMetricsText1.0.0
  kPrometheusProto,     // PrometheusProto
};
std::string_view to_string(ScrapeProtocol protocol) noexcept;
std::optional<ScrapeProtocol> scrape_protocol(std::string_view name);
ExpositionFormat format_of(ScrapeProtocol protocol) noexcept;
// Every name, for messages.
std::span<const std::string_view> scrape_protocol_names() noexcept;

// How a target should write names that its format's older versions cannot hold.
enum class NameEscaping : std::uint8_t { kAllowUtf8, kUnderscores, kDots, kValues };
std::string_view to_string(NameEscaping escaping) noexcept;  // "allow-utf-8", "underscores", ...
std::optional<NameEscaping> name_escaping(std::string_view name);

// Prometheus's default order of preference; only protobuf carries native histograms, so it is the
// first when they are wanted.
std::vector<ScrapeProtocol> default_scrape_protocols(bool native_histograms = false);

// The Accept header that asks for these, the first of them most.
std::string accept_header(std::span<const ScrapeProtocol> protocols,
                          NameEscaping escaping = NameEscaping::kAllowUtf8);

// From a Content-Type header, as Prometheus 3 does: a media type that names an exposition counts
// whatever its parameters say. A header that is missing, cannot be read or names anything else is
// read as `fallback`; without one it is kInvalid, and the text says what stood there and which
// option helps.
Result<ExpositionFormat> exposition_format(std::string_view content_type,
                                           std::optional<ScrapeProtocol> fallback);

// # {trace_id="abc"} 0.5 1700000000.25 behind a sample.
struct ExposedExemplar {
  LabelSet labels;
  double value = 0;
  std::optional<std::int64_t> time_ms;
};

struct ExposedSample {
  std::string_view series;  // the text up to the value, byte for byte: a cache key
  double value = 0;
  std::optional<std::int64_t> time_ms;
  // When set, `value` means nothing. Both live during the call.
  const Histogram* histogram = nullptr;
  std::span<const ExposedExemplar> exemplars = {};
  std::int64_t start_ms = 0;  // when its counter began to count, where the format says so; else 0
  std::string_view comments;  // the last lead that was not empty: see declared_family()
  bool as_expected = false;   // `series` is what ExpositionVisitor::expected() had named
  // The lead: comments and blanks between the line of the sample before and `series`. `lead_known`:
  // it is the one that expected() had described, and its comments were not reported again.
  std::uint64_t lead_hash = 0;  // of the format, too: what is a comment depends on it
  std::uint32_t lead_bytes = 0;
  bool lead_known = false;
};

// What will probably come next, as an earlier on_sample() gave it.
struct ExpectedSample {
  std::string_view series;  // empty: no guess
  std::uint64_t lead_hash = 0;
  std::uint32_t lead_bytes = 0;
};

// Lines that will probably come next, many at a time. `text` has the series of each with one blank
// behind it, from its line's `begin` to the next one's; one more line than `count` says where the
// last ends. kReadPast bytes behind that can be read, too.
struct ExpectedLine {
  std::uint32_t begin = 0;
  std::uint32_t lead_bytes = 0;  // as in ExposedSample
  std::uint64_t lead_hash = 0;
  bool operator==(const ExpectedLine&) const = default;
};
struct ExpectedLines {
  static constexpr std::size_t kReadPast = 16;
  const char* text = nullptr;
  const ExpectedLine* lines = nullptr;
  std::size_t count = 0;
};

// What a body says, in its order. Views live during the call.
class ExpositionVisitor {
 public:
  virtual ~ExpositionVisitor() = default;
  virtual Result<void> on_sample(const ExposedSample& sample) = 0;
  // A line that begins with the series of the guess is not taken apart again, and neither are the
  // comments of its lead. A wrong guess costs time, nothing else. Asked before each sample.
  virtual ExpectedSample expected() const { return {}; }
  // The same for many lines; asked first by the text formats. So many of them as came at once, each
  // with the lead it was expected with and a plain value, are given to on_expected() in place of
  // on_sample(). `leads`: some had one.
  virtual ExpectedLines expected_lines() const { return {}; }
  virtual Result<void> on_expected(std::span<const double> /*values*/, bool /*leads*/) {
    return {};
  }
  virtual void on_type(std::string_view /*family*/, MetricType /*type*/) {}
  virtual void on_help(std::string_view /*family*/, std::string_view /*help, unescaped*/) {}
  virtual void on_unit(std::string_view /*family*/, std::string_view /*unit*/) {}
};

// What becomes of histograms.
struct ExpositionOptions {
  bool native_histograms = false;  // those of protobuf; otherwise only their classic buckets
  // Classic buckets become a native histogram with these bounds; not beside one that is there.
  bool convert_classic = false;
  bool keep_classic = false;  // classic series stay beside the native histogram of the same name
};

// kInvalid: `line 3, column 17: expected a value, got "abc"`. The visitor may have seen samples
// before the error; a scrape is all or nothing, so its caller discards them. OpenMetrics bodies
// must end in # EOF. A visitor's kInvalid gets its sample's place, too; its other errors come back as
// they are. Of protobuf: `metric family 3 "up", metric 2, byte 410: ...`. Sources:
// prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0 specification,
// io/prometheus/client/metrics.proto of client_model.
Result<void> parse_exposition(std::string_view body, ExpositionFormat format,
                              ExpositionVisitor& visitor, const ExpositionOptions& options = {});

// The family that comments give a type last, as in ExposedSample::comments; nothing when they give
// none.
struct DeclaredFamily {
  std::string name;
  MetricType type = MetricType::kUnknown;
};
std::optional<DeclaredFamily> declared_family(std::string_view comments, ExpositionFormat format);

// The labels of a series text as ExposedSample gives it: name{a="b",...} or {"a name",a="b",...},
// with escapes undone. kInvalid, beside the grammar: no name, a label twice, text that is not
// UTF-8.
Result<LabelSet> parse_series(std::string_view series);

}  // namespace nines::collector
