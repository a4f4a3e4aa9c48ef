// Any text as a Prometheus rule file: no crash; a mistake names its file; whoever looks past
// unknown keys reads what the strict reader reads; and the check of what was read names the rule.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/alerts/config.h"
#include "rules/alerts/lint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines::alerts;
  if (size > 16'384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto strict = parse_rules_yaml("f", text);
  const auto lenient = parse_rules_yaml("f", text, UnknownKeys::kIgnore);
  if (!strict && !strict.error().what().starts_with("f:")) __builtin_trap();
  if (!lenient && !lenient.error().what().starts_with("f:")) __builtin_trap();
  if (strict && (!lenient || *lenient != *strict)) __builtin_trap();
  if (!lenient) return 0;
  nines::promql::EngineOptions options;
  options.depth_max = 64;
  for (const GroupConfig& group : *lenient) {
    if (group.file != "f" || group.name.empty()) __builtin_trap();
    for (const std::string& problem : check_group(group, options)) {
      if (problem.empty()) __builtin_trap();
    }
  }
  return 0;
}
