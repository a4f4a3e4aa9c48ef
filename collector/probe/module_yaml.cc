#include <algorithm>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "base/text/text.h"
#include "collector/probe/internal/node_reader.h"
#include "collector/probe/module_config.h"

namespace nines::collector {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kNodesMax = 100'000;  // aliases can make a small file a large tree

void convert(const YAML::Node& from, int depth, std::size_t& nodes, ConfigNode& to) {
  if (depth > kDepthMax) throw YAML::Exception(from.Mark(), "nested too deeply");
  if (++nodes > kNodesMax) throw YAML::Exception(from.Mark(), "too many values");
  if (!from.Mark().is_null()) {
    to.line = from.Mark().line + 1;
    to.column = from.Mark().column + 1;
  }
  if (from.IsScalar()) {
    to.kind = ConfigNode::Kind::kScalar;
    to.text = from.Scalar();
  } else if (from.IsSequence()) {
    to.kind = ConfigNode::Kind::kList;
    for (const YAML::Node& item : from) convert(item, depth + 1, nodes, to.items.emplace_back());
  } else if (from.IsMap()) {
    to.kind = ConfigNode::Kind::kMap;
    for (const auto& entry : from) {
      if (!entry.first.IsScalar()) throw YAML::Exception(entry.first.Mark(), "a key must be a text");
      auto& [key, value] = to.members.emplace_back(ConfigMember{entry.first.Scalar(), {}});
      convert(entry.second, depth + 1, nodes, value);
    }
  }
}

// yaml-cpp goes down by recursion: what is nested too deeply is refused before it gets there.
bool too_deep(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') depth = std::max(0, depth - 1);
    if (depth > 4 * kDepthMax) return true;
  }
  for (const std::string_view line : split(text, '\n')) {
    if (std::min(line.find_first_not_of(" -?:"), line.size()) > 16 * kDepthMax) return true;
  }
  return false;
}

constexpr std::string_view kBuiltin = R"YAML(modules:
  http_2xx: {prober: http}
  http_post_2xx: {prober: http, http: {method: POST}}
  tcp_connect: {prober: tcp}
  pop3s_banner: {prober: tcp, tcp: {query_response: [{expect: "^[+]OK"}], tls: true}}
  grpc: {prober: grpc, grpc: {tls: true, preferred_ip_protocol: ip4}}
  grpc_plain: {prober: grpc, grpc: {tls: false, service: service1}}
  ssh_banner: {prober: tcp, tcp: {query_response: [{expect: "^SSH-2.0-"}, {send: "SSH-2.0-nines-ssh-check"}]}}
  irc_banner:
    prober: tcp
    tcp:
      query_response:
      - {send: "NICK prober"}
      - {send: "USER prober prober prober :prober"}
      - {expect: "PING :([^ ]+)", send: "PONG ${1}"}
      - {expect: "^:[^ ]+ 001"}
  icmp: {prober: icmp}
  icmp_ttl5: {prober: icmp, timeout: 5s, icmp: {ttl: 5}}
)YAML";

}  // namespace

ProbeModules parse_modules_yaml(std::string_view text, const ModuleContext& context,
                                std::vector<ConfigProblem>& problems) {
  ProbeModules modules;
  ConfigNode root;
  if (too_deep(text)) {
    problems.push_back({1, 1, "nested too deeply"});
    return modules;
  }
  try {
    std::size_t nodes = 0;
    convert(YAML::Load(std::string(text)), 0, nodes, root);
  } catch (const YAML::Exception& error) {
    const bool placed = !error.mark.is_null();
    problems.push_back({placed ? error.mark.line + 1 : 1, placed ? error.mark.column + 1 : 1,
                        error.msg});
    return modules;
  }
  NodeReader t(root, "the file of modules", problems);
  const ConfigNode* all = t.find("modules");
  if (all == nullptr) return modules;
  for (const auto& [name, node] : all->members) {
    modules[name] =
        std::make_shared<const ProbeModule>(read_probe_module(node, {}, context, problems));
  }
  return modules;
}

const ProbeModules& builtin_probe_modules() {
  static const ProbeModules modules = [] {
    std::vector<ConfigProblem> none;
    return parse_modules_yaml(kBuiltin, {}, none);
  }();
  return modules;
}

}  // namespace nines::collector
