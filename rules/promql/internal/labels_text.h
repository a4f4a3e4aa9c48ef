#pragma once
// Label sets as Prometheus's messages have them: the name is one of the labels.

#include <string>

#include "base/model/labels.h"
#include "base/text/text.h"

namespace nines::promql {

inline std::string labels_text(const LabelSet& labels) {
  std::string out = "{";
  for (const Label& label : labels) {
    if (out.size() > 1) out += ", ";
    out += is_legacy_label_name(label.name) ? std::string(label.name) : quote_go(label.name);
    out += "=" + quote_go(label.value);
  }
  return out + "}";
}

}  // namespace nines::promql
