#pragma once
// Reading a map of configuration key by key: every key nobody asked for is reported.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/probe/module_config.h"

namespace nines::collector {

class NodeReader {
 public:
  // `name`: how messages call the map.
  NodeReader(const ConfigNode& node, std::string name, std::vector<ConfigProblem>& problems);
  ~NodeReader();  // reports unknown keys
  NodeReader(const NodeReader&) = delete;
  NodeReader& operator=(const NodeReader&) = delete;

  const ConfigNode* find(std::string_view key);  // null when absent or null
  // Absent keys leave `out` as it is.
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, int& out, int least, int most);
  void read(std::string_view key, Duration& out);
  void read_bytes(std::string_view key, std::uint64_t& out);
  void read(std::string_view key, std::vector<std::string>& out);  // one scalar is a list of one
  void read(std::string_view key, std::map<std::string, std::string>& out);
  void read(std::string_view key, std::vector<RegexPtr>& out);
  void read(std::string_view key, RegexPtr& out);
  void read_one_of(std::string_view key, std::string& out, std::vector<std::string_view> allowed);
  void table(std::string_view key, const std::function<void(NodeReader&)>& each);
  void tables(std::string_view key, const std::function<void(NodeReader&)>& each);
  void fail(std::string_view key, std::string what);
  std::vector<ConfigProblem>& problems() { return problems_; }

 private:
  void problem(const ConfigNode& at, std::string what);
  bool scalar(const ConfigNode& node, std::string_view key, std::string_view wanted);
  RegexPtr regex(const ConfigNode& node, std::string_view key);

  const ConfigNode& node_;
  const std::string name_;
  std::vector<ConfigProblem>& problems_;
  std::vector<std::string> known_;
};

}  // namespace nines::collector
