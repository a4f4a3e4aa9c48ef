#pragma once
// Counters made from lines: one per metric and combination of its `by` groups.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/text/json.h"
#include "base/text/regex.h"
#include "collector/tail/tailer.h"

namespace nines::collector {

inline constexpr std::size_t kCombinationsMax = 1000;  // per metric

class LineCounters {
 public:
  // kInvalid: a regex, or a group that it does not have.
  static Result<LineCounters> make(const LogConfig& config);

  void count(std::string_view line);
  // Each counter with its labels, metric name included.
  std::map<LabelSet, double> values() const;
  std::uint64_t refused() const { return refused_; }

  void save(JsonWriter& json) const;  // a value
  void restore(const Json& json);

 private:
  struct Metric {
    LogMetric config;
    std::shared_ptr<const Regex> regex;
    std::vector<std::size_t> by;  // group numbers
    std::size_t value = 0;        // group number; 0: count one
    std::map<std::vector<std::string>, double> counts;
  };
  std::vector<Metric> metrics_;
  LabelSet base_;
  std::uint64_t refused_ = 0;
};

}  // namespace nines::collector
