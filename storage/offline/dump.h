#pragma once
// Samples of a store as text: for `nines storage dump`.

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/matcher.h"
#include "storage/api/querier.h"

namespace nines::storage {

enum class DumpFormat : std::uint8_t {
  // OpenMetrics 1.0 with a timestamp on each sample, families in order of name, `# EOF` at the end;
  // Prometheus's `promtool tsdb create-blocks-from openmetrics` reads it. A family whose metadata
  // does not fit OpenMetrics's naming rules is of type unknown. Native histograms and staleness
  // markers have no place in it: they are left out and counted. Names beyond [a-zA-Z0-9_:] are
  // quoted as Prometheus 3 does.
  kOpenMetrics,
  // One JSON object a line and series: {"metric":{...},"values":[...],"timestamps":[...]} with
  // milliseconds, as VictoriaMetrics exports it. What is no JSON number is a text: "NaN", "+Inf",
  // "-Inf", and "stale" for a staleness marker. Native histograms stand in "histograms" and
  // "histogram_timestamps".
  kJson,
};

struct DumpOptions {
  std::vector<Matcher> matchers;  // empty: every series with a name
  TimeRange range;
  DumpFormat format = DumpFormat::kOpenMetrics;
};

struct DumpReport {
  std::uint64_t series = 0, samples = 0;      // written
  std::uint64_t stale_markers_left_out = 0;   // see DumpFormat
  std::uint64_t histograms_left_out = 0;      // samples
  std::uint64_t damaged_series = 0;           // something of them could not be read
};

// Gets the text piece by piece; an error ends the dump with it.
using DumpSink = std::function<Result<void>(std::string_view)>;

// Errors as Querier::select(), and the sink's.
Result<DumpReport> dump(const Querier& querier, const DumpOptions& options, const DumpSink& sink);

}  // namespace nines::storage
