#pragma once
// A guard before YAML::LoadAll(), which gives the documents of a text.

#include <optional>
#include <string_view>

namespace nines {

struct YamlPlace {
  int line = 1;  // both from 1
  int column = 1;
  bool operator==(const YamlPlace&) const = default;
};

// Where a document begins at which the one before began, too: yaml-cpp does not move past a ','
// that belongs to no list, and its LoadAll() would give empty documents until there is
// no memory. Nothing for every other text, be it YAML or not. As long as LoadAll() takes, less the
// nodes.
std::optional<YamlPlace> endless_yaml(std::string_view text);

}  // namespace nines
