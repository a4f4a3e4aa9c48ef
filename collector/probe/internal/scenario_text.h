#pragma once
// The texts of scenarios: variables put in, values taken out.

#include <map>
#include <string>

#include "base/net/http_client.h"
#include "collector/probe/module.h"

namespace nines::collector {

using Variables = std::map<std::string, std::string>;

// ${name} becomes the variable's value, $$ a dollar sign. kInvalid names an unknown variable.
Result<std::string> fill_in(const std::string& text, const Variables& variables);

// kNotFound: the answer has no such thing.
Result<std::string> take(const Capture& capture, const HttpResponse& response);

}  // namespace nines::collector
