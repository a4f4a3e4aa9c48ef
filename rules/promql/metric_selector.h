#pragma once
// Series selectors alone, as match[] parameters have them.

#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/matcher.h"

namespace nines::promql {

// The matchers of up{job="a"}, the name's among them; all of them may match the empty string.
// kInvalid: `1:3: parse error: unexpected ...` with Prometheus's texts.
Result<std::vector<Matcher>> parse_metric_selector(std::string_view text);

}  // namespace nines::promql
