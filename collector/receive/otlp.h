#pragma once
// Takes OpenTelemetry metrics: OTLP over HTTP, binary and JSON.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"

namespace nines::collector {

enum class OtlpTranslation : std::uint8_t {
  kUnderscoresWithSuffixes,     // "UnderscoreEscapingWithSuffixes"
  kUnderscoresWithoutSuffixes,  // "UnderscoreEscapingWithoutSuffixes"
  kUtf8WithSuffixes,            // "NoUTF8EscapingWithSuffixes"
  kNone,                        // "NoTranslation"
};

struct OtlpOptions {
  // [otlp], under Prometheus's names.
  OtlpTranslation translation = OtlpTranslation::kUnderscoresWithSuffixes;
  std::vector<std::string> promoted;         // resource attributes that every series gets
  bool promote_all = false;                  // all but `ignored`
  std::vector<std::string> ignored;          // with promote_all
  bool keep_identifying = false;             // service.* stay in target_info too
  bool promote_scope = false;                // otel_scope_name, _version, _schema_url, ...
  bool histograms_to_custom_buckets = false; // classic histograms become native ones
  // Limits.
  std::size_t decoded_bytes_max = 64u << 20;  // of one message, after gzip
  std::size_t json_bytes_max = 8u << 20;      // of one message in JSON, which costs more memory
  std::size_t parts_max = 2'000'000;          // points, attributes, buckets of one message
  std::size_t labels_max = 64;                // of one series
  std::size_t label_bytes_max = 4096;         // of one name or value
  std::size_t groups_max = 10'000;            // job and instance pairs with an open group
  Duration group_idle_max{3'600'000};         // a pair that sent nothing for so long is closed
  std::size_t delta_series_max = 100'000;     // whose deltas are added up
  Duration delta_idle_max{300'000};           // a sum that got nothing for so long is forgotten
  bool operator==(const OtlpOptions&) const = default;
};

struct OtlpParts {
  storage::Appender& appender;
  const Clock& clock;
  Log& log;
  Telemetry& telemetry;
};

struct OtlpAnswer {
  int status = 200;  // 200 (some points may be refused, see the body), 400, 413, 415, 503 try again
  std::string content_type;
  std::string body;  // ExportMetricsServiceResponse or google.rpc.Status, in the request's encoding
};

// Thread-safe. What is good in a message is kept even when points of it are refused; the answer
// then is a partial success that counts them. Deltas are added up, from the first one seen: after a
// restart, or when a sum was forgotten, the counter begins anew and says so by its start time.
class OtlpReceiver {
 public:
  OtlpReceiver(OtlpParts parts, OtlpOptions options);
  ~OtlpReceiver();
  OtlpReceiver(const OtlpReceiver&) = delete;
  OtlpReceiver& operator=(const OtlpReceiver&) = delete;

  // The values of the Content-Type and Content-Encoding headers, empty when absent, and the body.
  OtlpAnswer take(std::string_view content_type, std::string_view content_encoding,
                  std::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
