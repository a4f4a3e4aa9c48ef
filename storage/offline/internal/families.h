#pragma once
// Which metrics make up a family of OpenMetrics.

#include <map>
#include <string>
#include <vector>

#include "base/model/sample.h"

namespace nines::storage {

struct Family {
  std::string name;  // as OpenMetrics wants it: of a counter without _total
  Metadata data;
  // In the order their samples are written: _bucket, then _count, then _sum.
  std::vector<std::string> metrics;
};

// Every name of `metrics` (unique) lands in exactly one family; families in order of name, none
// twice. `metadata` is by family as it was exposed, in the text format or in OpenMetrics. A name
// whose family is not known, or could not be written as its type, is a family of type unknown.
std::vector<Family> plan_families(const std::vector<std::string>& metrics,
                                  const std::map<std::string, Metadata>& metadata);

}  // namespace nines::storage
