#pragma once
// Advice on what a target exposes: names, units, help texts.

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

}  // namespace nines::collector
