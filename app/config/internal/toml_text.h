#pragma once
// Text to a TOML table, within limits.

#include <string>
#include <string_view>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/core/result.h"

namespace nines::config {

// kInvalid: `name:line:col: message`; too large a file, too long a line or too deep a key included.
Result<toml::table> parse_toml(const std::string& name, std::string_view text);

}  // namespace nines::config
