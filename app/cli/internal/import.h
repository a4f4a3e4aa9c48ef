#pragma once
// `nines import`: SLO files of other tools as [[slos]].

#include <string>
#include <string_view>

#include "app/convert/convert.h"
#include "base/core/result.h"
#include "base/fs/fs.h"

namespace nines::app {

// Converts, letting nines's own configuration reader judge each SLO: what it refuses is left out,
// with its reason. `kind`: sloth, pyrra or openslo.
Result<convert::Converted> import_text(Fs& fs, const std::string& kind, const std::string& file,
                                       std::string_view text);

}  // namespace nines::app
