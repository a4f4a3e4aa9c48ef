#include "app/convert/internal/openslo_alerts.h"

#include <algorithm>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::convert {
namespace {

constexpr Duration kMinute{60'000};
constexpr int kShortShare = 12;  // of the long window, as in the SRE workbook's table

void read_burn_rate(Fields& condition, const std::string& severity, Draft& draft, Source& source) {
  const std::string kind = condition.has({"kind"}) ? condition.text({"kind"}) : "burnrate";
  const std::string op = condition.text({"op"});
  const std::optional<double> threshold = condition.number({"threshold"});
  std::string lookback = condition.required({"lookbackWindow"}, "a duration like 1h");
  if (!lookback.empty())
    lookback = rolling_duration(lookback, condition.mark({"lookbackWindow"}), source);
  const auto window = parse_duration(lookback);
  const auto after = parse_duration(condition.text({"alertAfter"}));
  const YAML::Mark mark = condition.mark();
  if (after && *after > Duration(0)) {
    source.note(condition.mark({"alertAfter"}),
                "`alertAfter` dropped: the short window keeps the alert from firing on a moment");
  }
  condition.done();
  if (kind != "burnrate") {
    source.fail(mark, "`kind` of a condition must be burnrate, not " + quote_go(kind));
  } else if (!threshold) {
    source.fail(mark, "`threshold` is missing in a condition: the burn rate, like 14.4");
  } else if (!op.empty() && op != "gt" && op != "gte") {
    source.note(mark, "the condition dropped: an alert on a burn rate below (op " + quote_go(op) +
                          ") has no equivalent");
  } else if (window && *window < 2 * kMinute) {
    source.note(mark, "the condition dropped: a window of " + lookback +
                          " is too short, nines counts by the minute: at least 2m");
  } else if (window) {
    const Duration whole = *window / kMinute * kMinute;
    slo::BurnWindow row;
    row.long_window = whole;
    row.short_window = std::max(kMinute, whole / kShortShare / kMinute * kMinute);
    row.burn_rate = *threshold;
    row.severity = severity;
    source.note(mark, "the alert looks at " + format_duration(row.short_window) +
                          " as well as at " + format_duration(whole) +
                          ": nines wants both above the burn rate, so that it ends soon after");
    if (op == "gte") source.note(mark, "`op: gte` is taken as gt");
    draft.windows.push_back(std::move(row));
  }
}

void read_condition(const YAML::Node& node, const Objects& objects, Draft& draft, Source& source) {
  Fields outer(node, "a condition", source);
  YAML::Node spec_node;
  if (outer.has({"conditionRef"})) {
    const std::string name = outer.text({"conditionRef"});
    outer.done();
    const YAML::Node object =
        referred("AlertCondition", name, outer.mark({"conditionRef"}), objects, source);
    if (object.IsNull()) return;
    Fields whole(object, "an AlertCondition", source);
    spec_node = whole.node({"spec"});
    read_around(whole, source);
  } else {
    spec_node = outer.node({"spec"});
    read_around(outer, source);
  }
  Fields spec(spec_node, "`spec` of a condition", source);
  const std::string severity = spec.required({"severity"}, "a text like page");
  spec.drop({"description"}, "alerts of SLOs describe themselves");
  if (!spec.has({"condition"})) {
    source.fail(spec.mark(), "`condition` is missing: kind, threshold and lookbackWindow");
  } else {
    Fields condition(spec.node({"condition"}), "`condition`", source);
    read_burn_rate(condition, severity, draft, source);
  }
  spec.done();
}

void read_policy(const YAML::Node& spec_node, const Objects& objects, Draft& draft,
                 Source& source) {
  Fields spec(spec_node, "`spec` of an AlertPolicy", source);
  spec.drop({"description"}, "alerts of SLOs describe themselves");
  const YAML::Mark no_data = spec.mark({"alertWhenNoData"});
  if (spec.flag({"alertWhenNoData"}, false)) {
    source.note(no_data,
                "`alertWhenNoData` dropped: write a rule with absent(), the SLO itself "
                "says no_data");
  }
  const YAML::Mark resolved = spec.mark({"alertWhenResolved"});
  if (spec.has({"alertWhenResolved"}) && !spec.flag({"alertWhenResolved"}, true)) {
    source.note(resolved,
                "`alertWhenResolved: false` dropped: it is `send_resolved = false` of the "
                "receiver");
  }
  const bool breaching = spec.flag({"alertWhenBreaching"}, true);
  spec.drop({"notificationTargets"}, "who is told is decided by [route], by the alert's labels");
  if (!breaching) {
    spec.drop({"conditions"}, "with `alertWhenBreaching: false` they alert nobody");
  } else {
    for (const YAML::Node& condition : spec.items({"conditions"}))
      read_condition(condition, objects, draft, source);
  }
  spec.done();
}

}  // namespace

void read_around(Fields& object, Source& source) {
  object.skip({"apiVersion", "kind"});
  Fields metadata(object.node({"metadata"}), "`metadata`", source);
  metadata.skip({"name"});
  for (const std::string_view key : {"displayName", "labels", "annotations"})
    metadata.drop({key}, "it is of the object, not of the SLOs that refer to it");
  metadata.done();
  object.done();
}

YAML::Node referred(const std::string& kind, const std::string& name, const YAML::Mark& mark,
                    const Objects& objects, Source& source) {
  const auto found = objects.all.find({kind, name});
  if (found != objects.all.end()) {
    objects.used.insert(found->first);
    return found->second;
  }
  source.fail(mark, "there is no " + kind + " " + quote_go(name) +
                        " in this file: put it in, as a document of its own after `---`");
  return {};
}

void read_alert_policies(Fields& spec, const Objects& objects, Draft& draft, Source& source) {
  draft.preset.clear();
  for (const YAML::Node& item : spec.items({"alertPolicies"})) {
    std::string name;
    YAML::Mark mark = item.Mark();
    if (item.IsScalar()) {
      name = item.Scalar();
    } else {
      Fields policy(item, "an alert policy", source);
      if (policy.has({"alertPolicyRef"})) {
        mark = policy.mark({"alertPolicyRef"});
        name = policy.text({"alertPolicyRef"});
        policy.done();
      } else {
        read_policy(policy.node({"spec"}), objects, draft, source);
        read_around(policy, source);
        continue;
      }
    }
    const YAML::Node object = referred("AlertPolicy", name, mark, objects, source);
    if (object.IsNull()) continue;
    Fields whole(object, "an AlertPolicy", source);
    read_policy(whole.node({"spec"}), objects, draft, source);
    read_around(whole, source);
  }
  // One row of each kind is enough, whichever policy said it.
  std::vector<slo::BurnWindow> rows;
  for (slo::BurnWindow& row : draft.windows) {
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const slo::BurnWindow& other) {
      return other.long_window == row.long_window && other.burn_rate == row.burn_rate &&
             other.severity == row.severity;
    });
    if (!known) rows.push_back(std::move(row));
  }
  draft.windows = std::move(rows);
}

}  // namespace nines::convert
