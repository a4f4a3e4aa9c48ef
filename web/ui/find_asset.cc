#include <algorithm>

#include "web/ui/assets.h"

namespace nines::web {

const Asset* find_asset(std::string_view path) {
  const std::span<const Asset> all = ui_assets();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [path](const Asset& asset) { return asset.path == path; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace nines::web
