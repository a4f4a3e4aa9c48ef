#pragma once
// Text to tree.

#include <string_view>

#include "base/text/internal/template_ast.h"

namespace nines::internal {

// Deepest nesting of blocks and parentheses: both cost stack when parsed and when executed.
inline constexpr int kTemplateNestingMax = 100;

Result<TemplateTree> parse_template(std::string_view name, std::string_view text,
                                    const TemplateFunctions& functions);

}  // namespace nines::internal
