#pragma once
// What a target says about its metrics: type, help and unit of each family.

#include <string>
#include <vector>

#include "base/model/sample.h"

namespace nines::collector {

struct FamilyDescription {
  std::string family;
  Metadata metadata;
  bool operator==(const FamilyDescription&) const = default;
};
using FamilyDescriptions = std::vector<FamilyDescription>;  // in order of their names, each once

}  // namespace nines::collector
