#pragma once
// The route tree with every inherited setting resolved, and the walk that finds an alert's routes.

#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/model/labels.h"
#include "rules/notify/config.h"

namespace nines::notify {

struct RouteNode {
  std::string key;  // Alertmanager's: "{}", "{}/{severity=\"page\"}", ...
  std::string receiver;
  std::vector<Matcher> matchers;
  std::vector<std::string> group_by;
  bool group_by_all = false;
  Duration group_wait{30'000};
  Duration group_interval{300'000};
  Duration repeat_interval{4LL * 3'600'000};
  bool continue_matching = false;
  std::vector<std::unique_ptr<RouteNode>> children;
};

std::unique_ptr<RouteNode> build_route_tree(const Route& root);

// Depth first: the deepest matching nodes; the first match ends the search among siblings unless it
// says continue; a node is the answer when none of its children matched.
std::vector<const RouteNode*> matching_routes(const RouteNode& root, const LabelSet& labels);

LabelSet group_labels(const RouteNode& route, const LabelSet& labels);

}  // namespace nines::notify
