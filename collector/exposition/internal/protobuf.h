#pragma once
// Prometheus's protobuf exposition.

#include <string_view>

#include "base/core/result.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

Result<void> parse_protobuf(std::string_view body, ExpositionVisitor& visitor,
                            const ExpositionOptions& options);

}  // namespace nines::collector
