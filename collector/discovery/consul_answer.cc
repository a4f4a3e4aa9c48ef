#include "collector/discovery/internal/consul_answer.h"

#include <algorithm>
#include <utility>

#include "base/text/json.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

const std::string kMeta = "__meta_consul_";

Error invalid(const char* why) {
  return {ErrorCode::kInvalid, why};
}

// What a label's name cannot hold becomes an underscore.
std::string label_name(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fine) c = '_';
  }
  return out;
}

// The worst of all checks; maintenance is worse than any.
std::string health_of(const Json& checks) {
  bool maintenance = false, critical = false, warning = false;
  for (const Json& check : checks.items()) {
    const std::string& id = check["CheckID"].as_string();
    if (id == "_node_maintenance" || id.starts_with("_service_maintenance:")) {
      maintenance = true;
      continue;
    }
    const std::string& status = check["Status"].as_string();
    critical = critical || status == "critical";
    warning = warning || status == "warning";
    if (status != "critical" && status != "warning" && status != "passing") return "";
  }
  return maintenance ? "maintenance" : critical ? "critical" : warning ? "warning" : "passing";
}

void add_all(const Json& object, const std::string& prefix,
             std::map<std::string, std::string>& labels) {
  for (const auto& [name, value] : object.members()) {
    if (value.is_string()) labels[kMeta + prefix + label_name(name)] = value.as_string();
  }
}

StaticConfig group_of(const Json& instance, const std::string& tag_separator) {
  const Json& node = instance["Node"];
  const Json& service = instance["Service"];
  StaticConfig group;
  std::map<std::string, std::string>& labels = group.labels;
  const std::string port = std::to_string(service["Port"].as_int());
  // One that is registered through another node has an address of its own.
  const std::string& own = service["Address"].as_string();
  const std::string& host = own.empty() ? node["Address"].as_string() : own;
  const bool v6 = host.find(':') != std::string::npos;
  group.targets = {(v6 ? "[" + host + "]" : host) + ":" + port};
  std::string tags = tag_separator;  // around all of them: a regex need not mind the ends
  for (const Json& tag : service["Tags"].items()) tags += tag.as_string() + tag_separator;
  if (service["Tags"].items().empty()) tags += tag_separator;
  labels[kMeta + "address"] = node["Address"].as_string();
  labels[kMeta + "node"] = node["Node"].as_string();
  labels[kMeta + "namespace"] = service["Namespace"].as_string();
  labels[kMeta + "partition"] = service["Partition"].as_string();
  labels[kMeta + "tags"] = tags;
  labels[kMeta + "service_address"] = own;
  labels[kMeta + "service_port"] = port;
  labels[kMeta + "service_id"] = service["ID"].as_string();
  labels[kMeta + "health"] = health_of(instance["Checks"]);
  add_all(node["Meta"], "metadata_", labels);
  add_all(service["Meta"], "service_metadata_", labels);
  add_all(node["TaggedAddresses"], "tagged_address_", labels);
  return group;
}

}  // namespace

Result<std::map<std::string, std::vector<std::string>>> read_consul_services(
    std::string_view text) {
  NINES_TRY(const Json json, Json::parse(text));
  if (!json.is_object()) return invalid("the catalog of services is no object");
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& [name, tags] : json.members()) {
    std::vector<std::string>& all = out[name];
    for (const Json& tag : tags.items()) all.push_back(tag.as_string());
  }
  return out;
}

Result<std::string> read_consul_datacenter(std::string_view text) {
  NINES_TRY(const Json json, Json::parse(text));
  const std::string& name = json["Config"]["Datacenter"].as_string();
  if (name.empty()) return invalid("the agent names no datacenter; set `datacenter`");
  return name;
}

Result<TargetGroups> read_consul_instances(std::string_view text, const std::string& service,
                                           const std::string& datacenter,
                                           const std::string& tag_separator) {
  NINES_TRY(const Json json, Json::parse(text));
  if (!json.is_array()) return invalid("the instances of a service are no list");
  TargetGroups out;
  for (const Json& instance : json.items()) {
    if (!instance["Node"].is_object() || !instance["Service"].is_object()) {
      return invalid("an instance of a service lacks its `Node` or `Service`");
    }
    StaticConfig group = group_of(instance, tag_separator);
    group.labels[kMeta + "service"] = service;
    group.labels[kMeta + "dc"] = datacenter;
    out.push_back(std::move(group));
  }
  // Consul gives them in any order; that is no change.
  std::sort(out.begin(), out.end(), [](const StaticConfig& a, const StaticConfig& b) {
    if (a.targets != b.targets) return a.targets < b.targets;
    return a.labels < b.labels;
  });
  return out;
}

}  // namespace nines::collector
