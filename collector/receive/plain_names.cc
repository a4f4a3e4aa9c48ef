#include "collector/receive/internal/plain_names.h"

namespace nines::collector {
namespace {

std::string plain(std::string_view name, bool colons) {
  std::string out(name);
  for (char& c : out) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || (colons && c == ':');
    if (!fine) c = '_';
  }
  if (!out.empty() && out.front() >= '0' && out.front() <= '9') out.insert(0, "_");
  return out;
}

}  // namespace

std::string plain_label_name(std::string_view name) {
  return plain(name, false);
}

std::string plain_metric_name(std::string_view name) {
  return plain(name, true);
}

}  // namespace nines::collector
