// Content negotiation.
#include <string>

#include "base/text/text.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

const std::string_view kAcceptHeader =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

std::optional<ExpositionFormat> exposition_format(std::string_view content_type) {
  const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
  if (type == "application/openmetrics-text") return ExpositionFormat::kOpenMetrics;
  if (type == "text/plain") return ExpositionFormat::kText004;
  return std::nullopt;
}

}  // namespace nines::collector
