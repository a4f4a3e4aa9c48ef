#pragma once
// Runs a parsed template.

#include <map>
#include <string>
#include <string_view>

#include "base/text/internal/template_ast.h"

namespace nines::internal {

// Deepest chain of {{template}} calls, each of which costs stack.
inline constexpr int kTemplateCallsMax = 100;

// The function that only the executor can run.
inline constexpr std::string_view kInvokeFunction = "tmpl";

Result<std::string> execute_template(const TemplateTree& tree, const TemplateValue& data,
                                     const std::map<std::string, TemplateValue>& variables,
                                     const TemplateLimits& limits);

}  // namespace nines::internal
