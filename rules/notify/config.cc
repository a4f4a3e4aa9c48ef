#include "rules/notify/config.h"

#include <set>

#include "base/text/text.h"

namespace nines::notify {
namespace {

void check_route(const Route& route, bool is_root, const std::set<std::string>& receivers,
                 std::vector<std::string>& problems) {
  if (is_root) {
    if (route.receiver.empty()) problems.emplace_back("[route] needs a `receiver`");
    if (!route.matchers.empty()) {
      problems.emplace_back("[route] takes every alert: `matchers` belong to [[route.routes]]");
    }
    if (route.continue_matching) problems.emplace_back("[route] has no sibling to `continue` with");
  }
  if (!route.receiver.empty() && !receivers.contains(route.receiver)) {
    problems.push_back("route names receiver " + quote_go(route.receiver) +
                       ", which is not among [[receivers]]");
  }
  if (route.group_interval && *route.group_interval <= Duration(0)) {
    problems.emplace_back("`group_interval` must be above 0s");
  }
  if (route.repeat_interval && *route.repeat_interval <= Duration(0)) {
    problems.emplace_back("`repeat_interval` must be above 0s");
  }
  if (route.group_by) {
    std::set<std::string> seen;
    for (const std::string& name : *route.group_by) {
      if (!seen.insert(name).second)
        problems.push_back("`group_by` names " + quote_go(name) + " twice");
      if (name == "..." && route.group_by->size() > 1) {
        problems.emplace_back("`group_by` = [\"...\"] groups by every label: it stands alone");
      }
    }
  }
  for (const Route& child : route.routes) check_route(child, false, receivers, problems);
}

}  // namespace

std::vector<std::string> check_config(const Config& config) {
  std::vector<std::string> problems;
  std::set<std::string> receivers;
  for (const Receiver& receiver : config.receivers) {
    if (receiver.name.empty()) {
      problems.emplace_back("a receiver needs a `name`");
    } else if (!receivers.insert(receiver.name).second) {
      problems.push_back("receiver " + quote_go(receiver.name) + " is defined twice");
    }
  }
  if (config.route) check_route(*config.route, true, receivers, problems);
  for (const InhibitRule& rule : config.inhibit_rules) {
    if (rule.source_matchers.empty() || rule.target_matchers.empty()) {
      problems.emplace_back("an inhibit rule needs `source_matchers` and `target_matchers`");
    }
  }
  return problems;
}

}  // namespace nines::notify
