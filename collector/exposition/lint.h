#pragma once
// Advice on what a target exposes: names, units, help texts.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines::collector {

struct ExpositionFinding {
  std::string metric;
  std::string text;
};

// The findings of `promtool check metrics` on a body in Prometheus's text format, in its words and
// its order: by metric, then by text. kInvalid: it is no such body; beside what a scrape refuses, a
// last line without its end, and a family with a second TYPE line, or one after its samples.
//
// Source of the rules: prometheus.io/docs/practices/naming and prometheus.io/docs/instrumenting/
// writing_exporters.
Result<std::vector<ExpositionFinding>> lint_exposition(std::string_view body);

// How many series each family of such a body has: each bucket, quantile, sum and count is one. The
// largest first, equal ones by name; families without series are left out.
struct FamilySize {
  std::string family;
  std::uint64_t series = 0;
};
Result<std::vector<FamilySize>> family_sizes(std::string_view body);

}  // namespace nines::collector
