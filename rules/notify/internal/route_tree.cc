#include "rules/notify/internal/route_tree.h"

#include <algorithm>

namespace nines::notify {
namespace {

std::string matchers_key(const std::vector<Matcher>& matchers) {
  std::vector<std::string> texts;
  for (const Matcher& matcher : matchers) texts.push_back(matcher.to_string());
  std::sort(texts.begin(), texts.end());
  std::string key = "{";
  for (std::size_t i = 0; i < texts.size(); ++i) key += (i == 0 ? "" : ",") + texts[i];
  return key + "}";
}

std::unique_ptr<RouteNode> build(const Route& route, const RouteNode* parent) {
  auto node = std::make_unique<RouteNode>();
  if (parent) {
    node->receiver = parent->receiver;
    node->group_by = parent->group_by;
    node->group_by_all = parent->group_by_all;
    node->group_wait = parent->group_wait;
    node->group_interval = parent->group_interval;
    node->repeat_interval = parent->repeat_interval;
  }
  node->key = (parent ? parent->key + "/" : "") + matchers_key(route.matchers);
  node->matchers = route.matchers;
  if (!route.receiver.empty()) node->receiver = route.receiver;
  if (route.group_by) {
    node->group_by_all = *route.group_by == std::vector<std::string>{"..."};
    node->group_by = node->group_by_all ? std::vector<std::string>{} : *route.group_by;
  }
  if (route.group_wait) node->group_wait = *route.group_wait;
  if (route.group_interval) node->group_interval = *route.group_interval;
  if (route.repeat_interval) node->repeat_interval = *route.repeat_interval;
  node->continue_matching = route.continue_matching;
  for (const Route& child : route.routes) node->children.push_back(build(child, node.get()));
  return node;
}

void walk(const RouteNode& node, const LabelSet& labels, std::vector<const RouteNode*>& out) {
  const std::size_t before = out.size();
  for (const auto& child : node.children) {
    if (!matches_all(child->matchers, labels)) continue;
    walk(*child, labels, out);
    if (!child->continue_matching) break;
  }
  if (out.size() == before) out.push_back(&node);
}

}  // namespace

std::unique_ptr<RouteNode> build_route_tree(const Route& root) {
  return build(root, nullptr);
}

std::vector<const RouteNode*> matching_routes(const RouteNode& root, const LabelSet& labels) {
  std::vector<const RouteNode*> out;
  walk(root, labels, out);
  return out;
}

LabelSet group_labels(const RouteNode& route, const LabelSet& labels) {
  return route.group_by_all ? labels : labels.keep(route.group_by);
}

}  // namespace nines::notify
