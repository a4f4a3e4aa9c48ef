// OpenSLO: openslo/v1.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "app/convert/internal/openslo_alerts.h"
#include "app/convert/internal/queries.h"
#include "base/model/labels.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::convert {
namespace {

constexpr std::string_view kKinds[] = {"SLO",
                                       "SLI",
                                       "AlertPolicy",
                                       "AlertCondition",
                                       "DataSource",
                                       "Service",
                                       "AlertNotificationTarget"};

// The type of the DataSource that is referred to; empty when the file does not hold it.
std::string type_of_source(Fields& metric_source, const Objects& objects, Source& source) {
  const YAML::Mark mark = metric_source.mark({"metricSourceRef"});
  const std::string name = metric_source.text({"metricSourceRef"});
  const auto found = objects.all.find({"DataSource", name});
  if (found == objects.all.end()) {
    source.note(mark, "`metricSourceRef` dropped: nines counts what it has collected itself");
    return "";
  }
  objects.used.insert(found->first);
  const YAML::Node spec = found->second["spec"];
  if (!spec || !spec.IsMap()) return "";
  const YAML::Node type = spec["type"];
  return type && type.IsScalar() ? type.Scalar() : "";
}

// The query of a metric source: the one text that names PromQL.
Shape query_of(const YAML::Node& node, std::string_view what, const Objects& objects,
               Source& source) {
  Fields metric(node, "`" + std::string(what) + "`", source);
  Fields outer(metric.node({"metricSource"}), "`metricSource`", source);
  metric.done();
  YAML::Mark type_mark = outer.mark({"type"});
  std::string type = outer.text({"type"});
  if (outer.has({"metricSourceRef"})) {
    const YAML::Mark mark = outer.mark({"metricSourceRef"});
    const std::string of_source = type_of_source(outer, objects, source);
    if (type.empty()) {
      type = of_source;
      type_mark = mark;
    }
  }
  Shape out;
  if (!type.empty() && to_lower(type).find("prom") == std::string::npos) {
    out.why = "its metric source is of type " + quote_go(type) + ": nines counts Prometheus series";
    source.note(type_mark, "type " + quote_go(type) + " is none that nines reads");
    return out;
  }
  Fields spec(outer.node({"spec"}), "`spec` of a metric source", source);
  const std::string query =
      spec.required({"query", "promql", "expr"}, "the PromQL, like sum(rate(x[{{.window}}]))");
  const YAML::Mark mark = spec.mark({"query", "promql", "expr"});
  spec.done();
  outer.done();
  if (query.empty()) return out;
  Result<Shape> shape = shape_of(query);
  if (shape) {
    note_query(query, *shape, mark, source);
    return *std::move(shape);
  }
  source.fail(mark, "the query: " + shape.error().what() + ": correct the PromQL");
  return out;
}

void read_ratio(const YAML::Node& node, const Objects& objects, Draft& draft, Source& source) {
  Fields ratio(node, "`ratioMetric`", source);
  const bool counter = ratio.flag({"counter"}, false);
  const int parts =
      (ratio.has({"good"}) ? 1 : 0) + (ratio.has({"bad"}) ? 1 : 0) + (ratio.has({"raw"}) ? 1 : 0);
  if (parts != 1 || (!ratio.has({"raw"}) && !ratio.has({"total"}))) {
    source.fail(ratio.mark(),
                "`ratioMetric` must have `total` with one of `good` and `bad`, or `raw`");
  } else if (ratio.has({"raw"})) {
    const std::string type = ratio.text({"rawType"});
    if (type != "success" && type != "failure") {
      source.fail(ratio.mark({"rawType"}), "`rawType` must be success or failure");
    }
    const Shape shape = query_of(ratio.node({"raw"}), "raw", objects, source);
    draft.problem = set_ratio(shape, type == "failure", draft.indicator);
    draft.group_by = labels_of(shape);
  } else {
    const bool bad = ratio.has({"bad"});
    const Shape part = query_of(ratio.node({"good", "bad"}), bad ? "bad" : "good", objects, source);
    const Shape total = query_of(ratio.node({"total"}), "total", objects, source);
    draft.problem = set_events(part, bad, total, true, draft.indicator);
    draft.group_by = total.by;
    const bool plain = total.kind == Shape::Kind::kPlain;
    if (draft.problem.empty() && plain) draft.indicator.counter = counter;
  }
  ratio.done();
}

void read_indicator(const YAML::Node& spec_node, const Objects& objects, Fields& objective,
                    Draft& draft, Source& source) {
  Fields spec(spec_node, "`spec` of an indicator", source);
  spec.drop({"description"}, "the SLO's own is kept");
  const std::string op = objective.text({"op"});
  const std::optional<double> value = objective.number({"value"});
  if (spec.has({"thresholdMetric"}) == spec.has({"ratioMetric"})) {
    source.fail(spec.mark(),
                "an indicator must have exactly one of `thresholdMetric` and `ratioMetric`");
  } else if (spec.has({"ratioMetric"})) {
    read_ratio(spec.node({"ratioMetric"}), objects, draft, source);
    for (const std::string_view key : {"op", "value"})
      objective.drop({key}, "it is of threshold metrics, this is a ratio");
  } else {
    const Shape shape =
        query_of(spec.node({"thresholdMetric"}), "thresholdMetric", objects, source);
    draft.indicator.kind = DraftIndicator::Kind::kThreshold;
    draft.problem = set_selector(shape, draft.indicator.metric);
    const std::set<std::string> ops{"lt", "lte", "gt", "gte"};
    if (!ops.contains(op)) {
      source.fail(objective.mark({"op"}),
                  "`op` of an objective on a threshold metric must be lt, "
                  "lte, gt or gte, not " +
                      quote_go(op));
    }
    if (!value) {
      source.fail(objective.mark({"value"}),
                  "`value` is missing in an objective on a threshold metric: what values are "
                  "compared with");
    }
    draft.indicator.op = op;
    draft.indicator.value = value.value_or(0);
  }
  spec.done();
}

// Inline, or a reference to an SLI of the file. Null when neither is there.
YAML::Node indicator_spec(Fields& fields, const Objects& objects, Source& source) {
  if (fields.has({"indicator"})) {
    Fields inline_one(fields.node({"indicator"}), "`indicator`", source);
    const YAML::Node spec = inline_one.node({"spec"});
    read_around(inline_one, source);
    return spec;
  }
  if (!fields.has({"indicatorRef"})) return {};
  const YAML::Mark mark = fields.mark({"indicatorRef"});
  const YAML::Node object = referred("SLI", fields.text({"indicatorRef"}), mark, objects, source);
  if (object.IsNull()) return {};
  Fields sli(object, "an SLI", source);
  const YAML::Node spec = sli.node({"spec"});
  read_around(sli, source);
  return spec;
}

}  // namespace

std::string rolling_duration(const std::string& text, const YAML::Mark& mark, Source& source) {
  const auto count = text.empty() ? std::nullopt : parse_int(text.substr(0, text.size() - 1));
  const int days = text.ends_with('M')   ? 30
                   : text.ends_with('Q') ? 90
                   : text.ends_with('Y') ? 365
                                         : 0;
  if (count && *count > 0 && *count < 100 && days > 0) {
    const std::string out = std::to_string(*count * days) + "d";
    source.note(mark, "a rolling window of " + text + " is taken as " + out);
    return out;
  }
  if (const auto parsed = parse_duration(text); !parsed) {
    source.fail(mark, "a duration must be like 30d, 4w or 1M, not " + quote_go(text));
  }
  return text;
}

namespace {

void read_window(Fields& spec, Draft& draft, Source& source) {
  if (!spec.has({"timeWindow"})) {
    source.note(spec.mark(), "there is no `timeWindow`: 30 rolling days are taken");
    return;
  }
  const std::vector<YAML::Node> windows = spec.items({"timeWindow"});
  if (windows.size() != 1) {
    source.fail(spec.mark({"timeWindow"}), "`timeWindow` must be a list of exactly one window");
    return;
  }
  Fields window(windows.front(), "`timeWindow`", source);
  const std::string duration = window.required({"duration"}, "like 30d");
  const YAML::Mark mark = window.mark({"duration"});
  const bool rolling = window.flag({"isRolling"}, !window.has({"calendar"}));
  if (rolling == window.has({"calendar"})) {
    source.fail(window.mark(), "a window either has `isRolling: true` or a `calendar`");
  }
  draft.calendar = !rolling;
  draft.window = rolling ? rolling_duration(duration, mark, source) : duration;
  if (!rolling) {
    if (const auto parsed = slo::parse_calendar_duration(duration); !parsed)
      source.fail(mark, "`duration`: " + parsed.error().what());
    Fields calendar(window.node({"calendar"}), "`calendar`", source);
    draft.start_time = calendar.required({"startTime"}, "like 2026-01-01 00:00:00");
    std::replace(draft.start_time.begin(), draft.start_time.end(), 'T', ' ');
    if (draft.start_time.ends_with('Z')) draft.start_time.pop_back();
    draft.time_zone = calendar.required({"timeZone"}, "an IANA name like Europe/Paris");
    calendar.done();
  }
  window.done();
}

// "5m", or a number of minutes.
std::string slice_window(Fields& objective, Source& source) {
  const std::string text = objective.text({"timeSliceWindow"});
  if (text.empty()) return text;
  const auto minutes = parse_int(text);
  const std::string out = minutes ? std::to_string(*minutes) + "m" : text;
  if (!parse_duration(out)) {
    source.fail(objective.mark({"timeSliceWindow"}),
                "`timeSliceWindow` must be like 5m, or a number of minutes");
  }
  return out;
}

void read_target(Fields& objective, Draft& draft, Source& source) {
  const std::optional<double> target = objective.number({"target"});
  const std::optional<double> percent = objective.number({"targetPercent"});
  if (target.has_value() == percent.has_value()) {
    source.fail(objective.mark(),
                "an objective must have exactly one of `target` (0 to 1) and "
                "`targetPercent` (0 to 100)");
  } else if (target && !(*target >= 0 && *target <= 1)) {
    source.fail(objective.mark({"target"}),
                "`target` must be between 0 and 1, like 0.995; in per cent it is `targetPercent`");
  } else if (percent && !(*percent >= 0 && *percent <= 100)) {
    source.fail(objective.mark({"targetPercent"}), "`targetPercent` must be between 0 and 100");
  }
  // The double nearest to the decimal that was meant: 0.999 is 99.9, not 99.90000000000001.
  draft.target_percent =
      percent ? *percent : 100 - 100 * slo::budget_ratio(100 * target.value_or(0));
  draft.slice_target = objective.number({"timeSliceTarget"}).value_or(0);
  draft.slice_window = slice_window(objective, source);
}

std::string slug(const std::string& text) {
  std::string out;
  for (const char c : to_lower(text)) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) out += c;
    if (!word && !out.empty() && out.back() != '-') out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

std::map<std::string, std::string> labels_of(Fields& metadata, Source& source) {
  std::map<std::string, std::string> out;
  Fields labels(metadata.node({"labels"}), "`labels`", source);
  for (const auto& [name, mark] : labels.keys()) {
    const YAML::Node value = labels.node({name});
    const bool legal = is_legacy_label_name(name);
    const bool single =
        value.IsScalar() || (value.IsSequence() && value.size() == 1 && value[0].IsScalar());
    if (legal && single) {
      out[name] = value.IsScalar() ? value.Scalar() : value[0].Scalar();
    } else {
      source.note(mark, "label `" + name + "` dropped: " +
                            (legal ? "it has several values, a label of an alert has one"
                                   : "a label's name is letters, digits and _"));
    }
  }
  return out;
}

struct Common {  // of all objectives of an SLO
  Draft draft;
  YAML::Node indicator;
  std::size_t objectives = 0;
};

Draft read_objective(const YAML::Node& node, const Common& common, std::size_t index,
                     const Objects& objects, std::optional<double>& weight, Source& source) {
  Fields objective(node, "an objective", source);
  Draft draft = common.draft;
  draft.mark = objective.mark();
  const std::string display_name = objective.text({"displayName"});
  if (common.objectives > 1) {
    const std::string suffix = slug(display_name);
    draft.name += "-" + (suffix.empty() ? std::to_string(index + 1) : suffix);
  }
  YAML::Node spec = indicator_spec(objective, objects, source);
  if (spec.IsNull()) spec = common.indicator;
  if (spec.IsNull()) {
    source.fail(objective.mark(),
                "there is no indicator: `indicator` or `indicatorRef` is needed, "
                "of the SLO or of the objective");
  } else {
    read_indicator(spec, objects, objective, draft, source);
  }
  read_target(objective, draft, source);
  if (const auto given = objective.number({"compositeWeight"})) {
    if (!(*given > 0))
      source.fail(objective.mark({"compositeWeight"}), "`compositeWeight` must be above 0");
    weight = *given;
  }
  objective.done();
  return draft;
}

// The objectives from `first` on as one, where the file gives them weights.
void add_composite(const Draft& common, const std::vector<std::optional<double>>& weights,
                   std::size_t first, std::vector<Draft>& drafts, Source& source) {
  Draft draft = common;
  draft.name += "-composite";
  draft.budgeting = "Occurrences";
  double sum = 0, good = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i].value_or(1);
    draft.members.emplace_back(first + i, weight);
    sum += weight;
    good += weight * drafts[first + i].target_percent;
  }
  if (!(sum > 0)) return;  // a mistake that is named already
  draft.target_percent = std::round(good / sum * 1e9) / 1e9;
  source.note(draft.mark, "SLO " + quote_go(draft.name) +
                              " is the composite of its objectives by `compositeWeight`: a minute "
                              "is an event, and the target, " +
                              format_double(draft.target_percent) +
                              "%, is the weighted mean of theirs");
  drafts.push_back(std::move(draft));
}

void read_slo(const YAML::Node& node, const Objects& objects, std::vector<Draft>& drafts,
              Source& source) {
  Fields top(node, "an SLO", source);
  top.skip({"apiVersion", "kind"});
  Common common;
  Draft& draft = common.draft;
  draft.mark = top.mark();
  Fields metadata(top.node({"metadata"}), "`metadata`", source);
  draft.name = metadata.required({"name"}, "the name of the SLO");
  const std::string display_name = metadata.text({"displayName"});
  draft.labels = labels_of(metadata, source);
  metadata.drop({"annotations"}, "they are of the tool that reads them");
  metadata.done();
  if (!top.has({"spec"})) {
    source.fail(top.mark(), "`spec` is missing in SLO " + quote_go(draft.name));
    return;
  }
  Fields spec(top.node({"spec"}), "`spec` of an SLO", source);
  draft.description = spec.text({"description"});
  if (draft.description.empty()) {
    draft.description = display_name;
  } else if (!display_name.empty()) {
    source.note(metadata.mark({"displayName"}), "`displayName` dropped: the description says more");
  }
  draft.service = spec.required({"service"}, "the name of the service");
  const std::string method = spec.text({"budgetingMethod"});
  if (!method.empty()) draft.budgeting = method;
  const std::set<std::string> methods{"Occurrences", "Timeslices", "RatioTimeslices"};
  if (!methods.contains(draft.budgeting)) {
    source.fail(spec.mark({"budgetingMethod"}),
                "`budgetingMethod` must be Occurrences, Timeslices or RatioTimeslices, not " +
                    quote_go(method));
  }
  read_window(spec, draft, source);
  common.indicator = indicator_spec(spec, objects, source);
  read_alert_policies(spec, objects, draft, source);
  const std::vector<YAML::Node> objectives = spec.items({"objectives"});
  common.objectives = objectives.size();
  if (objectives.empty())
    source.fail(spec.mark({"objectives"}), "`objectives` is empty: at least one is needed");
  const std::size_t first = drafts.size();
  std::vector<std::optional<double>> weights(objectives.size());
  for (std::size_t i = 0; i < objectives.size(); ++i)
    drafts.push_back(read_objective(objectives[i], common, i, objects, weights[i], source));
  const bool weighted = std::any_of(weights.begin(), weights.end(),
                                    [](const auto& weight) { return weight.has_value(); });
  if (weighted && objectives.size() > 1)
    add_composite(common.draft, weights, first, drafts, source);
  if (objectives.size() > 1) {
    source.note(spec.mark({"objectives"}),
                "each of the " + std::to_string(objectives.size()) + " objectives becomes an SLO");
  }
  spec.done();
  top.done();
}

// Of the other kinds: what is lost when they are not written.
void note_rest(const Objects& objects, Source& source) {
  for (const auto& [key, node] : objects.all) {
    const std::string title = key.first + " " + quote_go(key.second);
    if (key.first == "Service") {
      source.note(node.Mark(), title + " dropped: nines knows services by the SLOs that name them");
    } else if (key.first == "DataSource") {
      source.note(node.Mark(), title + " dropped: nines counts what it has collected itself");
    } else if (key.first == "AlertNotificationTarget") {
      source.note(node.Mark(), title + " dropped: write it as [[receivers]]");
    } else if (key.first != "SLO" && !objects.used.contains(key)) {
      source.note(node.Mark(), title + " dropped: no SLO of this file refers to it");
    }
  }
}

Objects objects_of(const std::vector<YAML::Node>& documents, Source& source) {
  Objects out;
  for (const YAML::Node& node : documents) {
    Fields top(node, "an OpenSLO object", source);
    const std::string api = top.text({"apiVersion"}), kind = top.text({"kind"});
    if (api != "openslo/v1") {
      source.fail(top.mark({"apiVersion"}),
                  "`apiVersion: openslo/v1` is needed, not " + quote_go(api));
      continue;
    }
    if (std::find(std::begin(kKinds), std::end(kKinds), kind) == std::end(kKinds)) {
      std::string message = "kind " + quote_go(kind) + " is none of OpenSLO v1";
      const std::string_view near = nearest_word(kind, kKinds);
      if (!near.empty()) message += ", did you mean " + std::string(near) + "?";
      source.fail(top.mark({"kind"}), message);
      continue;
    }
    Fields metadata(top.node({"metadata"}), "`metadata`", source);
    const std::string name = metadata.required({"name"}, "a text");
    if (name.empty()) continue;
    if (!out.all.emplace(std::pair(kind, name), node).second)
      source.fail(node.Mark(), kind + " " + quote_go(name) + " stands in this file twice");
  }
  return out;
}

}  // namespace

Result<Converted> convert_openslo(const std::string& file, std::string_view text,
                                  const Check& check) {
  Source source(file);
  std::vector<Draft> drafts;
  const std::vector<YAML::Node> documents = source.documents(text);
  const Objects objects = objects_of(documents, source);
  if (source.mistakes().empty()) {
    for (const YAML::Node& node : documents) {
      if (node["kind"].Scalar() == "SLO") read_slo(node, objects, drafts, source);
    }
    if (drafts.empty() && source.mistakes().empty())
      source.fail(documents.front().Mark(), "the file holds no SLO: nothing to convert");
    note_rest(objects, source);
  }
  return finish(std::move(drafts), source, check);
}

}  // namespace nines::convert
