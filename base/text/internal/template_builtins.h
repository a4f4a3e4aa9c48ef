#pragma once
// The functions every Go template has, but `and` and `or`, which the executor itself knows.

#include "base/text/template.h"

namespace nines::internal {

const TemplateFunctions& template_builtins();

}  // namespace nines::internal
