#pragma once
// A thin layer over yaml-cpp: mappings with known keys, and errors that say where.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/alerts/config.h"

namespace nines::alerts {

struct YamlField {
  std::string key;
  YAML::Node value;
  YAML::Mark mark;  // of the key
};

// Functions may throw YAML::Exception on nodes of the wrong kind; the caller at the module's border
// turns it into an Error.
class YamlReader {
 public:
  explicit YamlReader(std::string file, UnknownKeys unknown = UnknownKeys::kRefuse)
      : file_(std::move(file)), unknown_(unknown) {}

  Error error(const YAML::Mark& mark, std::string_view message) const;

  // The fields of a mapping: keys from `known` only (empty: any), each at most once; others are an
  // error, or left out. A null node has no fields. Merge keys (`<<`) are resolved; the mapping's
  // own keys win.
  Result<std::vector<YamlField>> fields(const YAML::Node& node, std::string_view what,
                                        std::span<const std::string_view> known) const;
  // An empty list for null.
  Result<std::vector<YAML::Node>> items(const YamlField& field) const;
  Result<std::string> text(const YamlField& field) const;
  Result<Duration> duration(const YamlField& field) const;
  Result<std::size_t> count(const YamlField& field) const;
  Result<std::map<std::string, std::string>> texts(const YamlField& field) const;

 private:
  Result<void> add_fields(const YAML::Node& node, std::string_view what, int depth, bool merged,
                          std::vector<YamlField>& out) const;
  std::string file_;
  UnknownKeys unknown_;
};

}  // namespace nines::alerts
