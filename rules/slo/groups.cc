// SLOs beside each other: the groups of one, the objectives of one, composites of others.
#include <algorithm>
#include <map>
#include <set>

#include "base/text/text.h"
#include "rules/slo/config.h"

namespace nines::slo {
namespace {

// Takes the quoted value at the start of `text`, as escape_label_value() wrote it.
std::optional<std::string> take_value(std::string_view& text) {
  if (text.empty() || text.front() != '"') return std::nullopt;
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] != '\\') {
      value += text[i];
    } else if (++i < text.size()) {
      value += text[i] == 'n' ? '\n' : text[i];
    }
  }
  return std::nullopt;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

bool names(const SloConfig& slo, const std::string& member) {
  return slo.name == member || (!slo.group_by.empty() && group_of(slo, member));
}

class Graph {
 public:
  explicit Graph(const std::vector<SloConfig>& slos) : slos_(slos) {}

  const SloConfig* find(const std::string& member) const {
    const auto it = std::find_if(slos_.begin(), slos_.end(),
                                 [&](const SloConfig& slo) { return names(slo, member); });
    return it == slos_.end() ? nullptr : &*it;
  }

  // The way from `slo` back to itself, or empty.
  std::vector<std::string> cycle(const SloConfig& slo) const {
    std::vector<std::string> path{slo.name};
    std::set<std::string> seen;
    if (reaches(slo, slo.name, path, seen)) return path;
    return {};
  }

  std::size_t depth(const SloConfig& slo, std::size_t limit) const {
    if (slo.indicator.kind != IndicatorKind::kComposite || limit == 0) return 0;
    std::size_t deepest = 0;
    for (const CompositeMember& member : slo.indicator.members) {
      if (const SloConfig* next = find(member.slo))
        deepest = std::max(deepest, depth(*next, limit - 1));
    }
    return deepest + 1;
  }

 private:
  bool reaches(const SloConfig& from, const std::string& goal, std::vector<std::string>& path,
               std::set<std::string>& seen) const {
    if (from.indicator.kind != IndicatorKind::kComposite) return false;
    for (const CompositeMember& member : from.indicator.members) {
      const SloConfig* next = find(member.slo);
      if (!next) continue;
      path.push_back(next->name);
      if (next->name == goal) return true;
      if (seen.insert(next->name).second && reaches(*next, goal, path, seen)) return true;
      path.pop_back();
    }
    return false;
  }

  const std::vector<SloConfig>& slos_;
};

// Says what would help when a member is not there.
std::string missing(const std::vector<SloConfig>& slos, const std::string& member) {
  std::string text = "there is no SLO " + quote_go(member) + " to be made of";
  std::string objectives;
  for (const SloConfig& slo : slos) {
    if (slo.definition == member)
      objectives += (objectives.empty() ? "" : ", ") + quote_go(slo.name);
  }
  if (!objectives.empty())
    text += ": its objectives are SLOs of their own, write one of " + objectives;
  return text;
}

}  // namespace

std::string group_name(const SloConfig& slo, const LabelSet& group) {
  std::string out = slo.name + "{";
  for (std::size_t i = 0; i < slo.group_by.size(); ++i) {
    out += (i == 0 ? "" : ",") + slo.group_by[i] + "=\"" +
           escape_label_value(group.get(slo.group_by[i])) + "\"";
  }
  return out + "}";
}

std::optional<LabelSet> group_of(const SloConfig& slo, std::string_view name) {
  if (slo.group_by.empty() || !take(name, slo.name) || !take(name, "{")) return std::nullopt;
  std::vector<Label> labels;
  for (std::size_t i = 0; i < slo.group_by.size(); ++i) {
    if (i > 0 && !take(name, ",")) return std::nullopt;
    if (!take(name, slo.group_by[i]) || !take(name, "=")) return std::nullopt;
    std::optional<std::string> value = take_value(name);
    if (!value) return std::nullopt;
    labels.push_back({slo.group_by[i], *std::move(value)});
  }
  if (name != "}") return std::nullopt;
  return LabelSet::from(std::move(labels));
}

SloConfig as_group(const SloConfig& slo, const LabelSet& group) {
  SloConfig out = slo;
  out.name = group_name(slo, group);
  out.grouped = slo.name;
  out.group = group;
  return out;
}

std::size_t depth_of(const std::vector<SloConfig>& slos, const SloConfig& slo) {
  return Graph(slos).depth(slo, slos.size());
}

std::vector<std::pair<std::size_t, std::string>> check_together(const std::vector<SloConfig>& slos,
                                                                bool some_elsewhere) {
  const Graph graph(slos);
  std::vector<std::pair<std::size_t, std::string>> out;
  for (std::size_t i = 0; i < slos.size(); ++i) {
    const SloConfig& slo = slos[i];
    const std::string place = "SLO " + quote_go(slo.name) + ": ";
    for (const SloConfig& other : slos) {
      if (group_of(other, slo.name)) {
        out.emplace_back(i, place + "this is the name of a group of SLO " + quote_go(other.name) +
                                ": choose another one");
      }
    }
    if (slo.indicator.kind != IndicatorKind::kComposite) continue;
    for (const CompositeMember& member : slo.indicator.members) {
      if (!some_elsewhere && !graph.find(member.slo))
        out.emplace_back(i, place + missing(slos, member.slo));
    }
    const std::vector<std::string> cycle = graph.cycle(slo);
    if (cycle.empty()) continue;
    std::string path;
    for (const std::string& name : cycle) path += (path.empty() ? "" : " -> ") + name;
    out.emplace_back(i, place + "a composite cannot be made of itself: " + path);
  }
  return out;
}

}  // namespace nines::slo
