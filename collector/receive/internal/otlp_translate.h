#pragma once
// An OTLP request as series.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/model/sample.h"
#include "collector/receive/internal/delta_sums.h"
#include "collector/receive/internal/group_table.h"
#include "collector/receive/internal/otlp_message.h"
#include "collector/receive/otlp.h"

namespace nines::collector {

struct OtlpTranslated {
  std::vector<PushedSeries> series;
  std::map<std::string, Metadata> metadata;  // by family
  std::uint64_t points = 0;                  // translated
};

// One request, one thread. What cannot be translated is refused in `outcome`, point by point.
class OtlpTranslator {
 public:
  OtlpTranslator(const OtlpOptions& options, const GroupLimits& limits, DeltaSums& deltas,
                 PushOutcome& outcome)
      : options_(options), limits_(limits), deltas_(deltas), outcome_(outcome) {}

  OtlpTranslated run(OtlpRequest& request);

 private:
  using Names = std::map<std::string, std::string>;  // label name to value

  void resource(OtlpResource& resource);
  void scope(OtlpScope& scope);
  void metric(OtlpMetric& metric);
  void point(const OtlpMetric& metric, OtlpPoint& point);
  void number(const LabelSet& labels, const OtlpPoint& point);
  void histogram(const LabelSet& labels, const OtlpPoint& point);
  void custom_buckets(const LabelSet& labels, const OtlpPoint& point);
  void exponential(const LabelSet& labels, const OtlpPoint& point);
  void summary(const LabelSet& labels, const OtlpPoint& point);
  void target_info();

  // Attributes whose names become the same label share it, their values joined by semicolons.
  Names named(const OtlpAttributes& attributes) const;
  bool labels_of(const OtlpPoint& point, const std::string& name, LabelSet& out);
  void add(const LabelSet& base, std::string_view suffix, std::string_view label,
           std::string_view label_value, const OtlpPoint& point, double value);
  void add_histogram(const LabelSet& labels, const OtlpPoint& point, Histogram histogram);
  std::vector<Exemplar> exemplars_of(const OtlpPoint& point, double above, double up_to);

  const OtlpOptions& options_;
  const GroupLimits& limits_;
  DeltaSums& deltas_;
  PushOutcome& outcome_;
  OtlpTranslated out_;

  // Of the resource and the scope at hand.
  Names resource_labels_;  // job, instance, promoted attributes
  Names info_labels_;      // of target_info
  Names scope_labels_;
  std::set<std::int64_t> times_ms_;  // of the resource's points
};

}  // namespace nines::collector
