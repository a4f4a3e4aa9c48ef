#pragma once
// The groups of a push gateway: read from pushes, and kept as JSON.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "collector/exposition/parser.h"
#include "collector/receive/internal/group_table.h"
#include "collector/receive/push_gateway.h"

namespace nines::collector {

struct PushedValue {
  LabelSet labels;  // with the grouping key's, and the name
  double value = 0;
  HistogramPtr histogram = nullptr;  // when set, `value` means nothing; a group and its copy share it
};

struct PushedFamily {
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::int64_t pushed_ms = 0;
  std::vector<PushedValue> values;
};

struct PushGroup {
  LabelSet key;
  std::map<std::string, PushedFamily> families;
  std::int64_t pushed_ms = 0, failed_ms = 0;  // 0: never

  std::size_t series() const;
};

// "job/nightly/instance/a". kInvalid, in Pushgateway's words where it has some.
Result<LabelSet> parse_grouping_key(std::string_view path, const GroupLimits& limits);

// The families of a push, each value under the labels of `key`. A native histogram is one value;
// classic buckets beside it are kept, too. kInvalid: not an exposition, a sample with a time, a
// series twice.
Result<std::map<std::string, PushedFamily>> parse_push(std::string_view body,
                                                       ExpositionFormat format, const LabelSet& key,
                                                       std::int64_t now_ms,
                                                       const GroupLimits& limits);

std::string group_to_json(const PushGroup& group);
Result<PushGroup> group_from_json(std::string_view text);

}  // namespace nines::collector
