#pragma once
// Modules out of a tree of keys and values, whatever language it was written in.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"
#include "collector/probe/module.h"

namespace nines::collector {

// A TOML or YAML value with its place. Scalars are texts: whoever reads one knows what it must be.
struct ConfigMember;
struct ConfigNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;                   // of a scalar
  std::vector<ConfigNode> items;      // of a list
  std::vector<ConfigMember> members;  // of a map
  int line = 1, column = 1;
};
struct ConfigMember {
  std::string key;
  ConfigNode value;
};

struct ConfigProblem {
  int line = 1, column = 1;
  std::string what;
};

// Relative names of certificate files are taken from `folder`; *_file secrets are read by
// `read_secret`.
struct ModuleContext {
  std::string folder;
  std::function<std::optional<std::string>(const std::string&)> read_secret;
};

// The module a map describes, on top of `base`; everything wrong with it goes to `problems`.
ProbeModule read_probe_module(const ConfigNode& node, ProbeModule base,
                              const ModuleContext& context, std::vector<ConfigProblem>& problems);

// The modules of blackbox_exporter's file: `modules:` and under it one map a module.
ProbeModules parse_modules_yaml(std::string_view text, const ModuleContext& context,
                                std::vector<ConfigProblem>& problems);

// Those that are there without any file: http_2xx, http_post_2xx, tcp_connect, pop3s_banner, grpc,
// grpc_plain, ssh_banner, irc_banner, icmp, icmp_ttl5.
const ProbeModules& builtin_probe_modules();

}  // namespace nines::collector
