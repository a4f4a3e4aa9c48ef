#pragma once
// `name{label="x"} 1+2x3 _ stale {{count:1 sum:2 buckets:[1 2]}}x4`: series as scripts write them.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/histogram.h"
#include "base/model/labels.h"

namespace nines::promql {

struct SeriesValue {
  bool omitted = false;
  double value = 0;
  HistogramPtr histogram;
  bool hint_given = false;  // counter_reset_hint was written: then it is compared too
};

struct SeriesLine {
  LabelSet labels;
  bool start_times = false;  // `series@st`: durations from each sample's time
  std::vector<SeriesValue> values;
};

Result<SeriesLine> parse_series_line(std::string_view line);

}  // namespace nines::promql
