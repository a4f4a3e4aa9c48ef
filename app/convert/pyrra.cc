// Pyrra: ServiceLevelObjective.
#include "app/convert/internal/queries.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::convert {
namespace {

constexpr std::string_view kPrefix = "pyrra.dev/";  // labels that go along to alerts

Shape metric_of(Fields& fields, Fields::Names names, Source& source) {
  Fields query(fields.node(names), "`" + std::string(*names.begin()) + "`", source);
  const std::string text =
      query.required({"metric"}, "a series selector like name{label=\"value\"}");
  query.done();
  if (text.empty()) return {};
  Result<Shape> shape = shape_of(text);
  if (!shape) {
    source.fail(query.mark({"metric"}),
                "`metric`: " + shape.error().what() + ": correct the PromQL");
    return {};
  }
  note_query(text, *shape, query.mark({"metric"}), source);
  const bool selects = shape->kind == Shape::Kind::kPlain && !shape->summed;
  // A selector of another time is none that is counted, but no mistake.
  if (selects || is_selector(text)) return *std::move(shape);
  source.fail(query.mark({"metric"}),
              "`metric` must be a series selector like name{label=\"value\"}, without functions");
  return {};
}

// Labels or annotations of the object: those of Pyrra go along.
std::map<std::string, std::string> carried(Fields& metadata, Fields::Names names, Source& source) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : metadata.texts(names)) {
    if (name.starts_with(kPrefix)) {
      out[name.substr(kPrefix.size())] = value;
    } else {
      source.note(metadata.mark(names), "`" + name + "` of `" + std::string(*names.begin()) +
                                            "` dropped: only those that begin with pyrra.dev/ go "
                                            "along to alerts");
    }
  }
  return out;
}

void read_ratio(const YAML::Node& node, Draft& draft, Source& source) {
  Fields ratio(node, "`ratio`", source);
  const Shape bad = metric_of(ratio, {"errors"}, source);
  const Shape total = metric_of(ratio, {"total"}, source);
  draft.problem = set_events(bad, true, total, true, draft.indicator);
  draft.group_by = ratio.list({"grouping"});
  ratio.done();
}

void read_latency(const YAML::Node& node, Draft& draft, Source& source) {
  Fields latency(node, "`latency`", source);
  const Shape good = metric_of(latency, {"success"}, source);
  const Shape total = metric_of(latency, {"total"}, source);
  if (!good.selector.empty() && good.same.find("le=\"") == std::string::npos) {
    source.fail(latency.mark({"success"}),
                "`success` must name its bucket, like name_bucket{le=\"0.5\"}");
  }
  draft.problem = set_events(good, false, total, true, draft.indicator);
  draft.group_by = latency.list({"grouping"});
  latency.done();
}

void read_native(const YAML::Node& node, Draft& draft, Source& source) {
  Fields native(node, "`latencyNative`", source);
  const Shape total = metric_of(native, {"total"}, source);
  draft.problem = total.why;
  const std::string text = native.required({"latency"}, "a duration like 500ms");
  const auto threshold = parse_duration(text);
  if (!text.empty() && (!threshold || *threshold <= Duration(0))) {
    source.fail(native.mark({"latency"}),
                "`latency` must be a duration like 500ms or 1s, not " + quote_go(text));
  }
  draft.indicator.kind = DraftIndicator::Kind::kLatencyNative;
  draft.indicator.metric = total.selector;
  draft.indicator.value = threshold ? to_seconds(*threshold) : 0;
  draft.group_by = native.list({"grouping"});
  native.done();
}

void read_boolean(const YAML::Node& node, Draft& draft, Source& source) {
  Fields gauge(node, "`bool_gauge`", source);
  const std::string text = gauge.required({"metric"}, "a series selector like up{job=\"shop\"}");
  if (!text.empty()) {
    Result<Shape> shape = shape_of(text);
    if (!shape) {
      source.fail(gauge.mark({"metric"}),
                  "`metric`: " + shape.error().what() + ": correct the PromQL");
    } else {
      note_query(text, *shape, gauge.mark({"metric"}), source);
      draft.indicator.kind = DraftIndicator::Kind::kBoolean;
      draft.problem = set_selector(*shape, draft.indicator.metric);
    }
  }
  draft.group_by = gauge.list({"grouping"});
  gauge.done();
}

void read_indicator(const YAML::Node& node, Draft& draft, Source& source) {
  Fields indicator(node, "`indicator`", source);
  int kinds = 0;
  const auto kind = [&](Fields::Names names, const auto& read) {
    if (!indicator.has(names)) return;
    ++kinds;
    read(indicator.node(names), draft, source);
  };
  kind({"ratio"}, read_ratio);
  kind({"latency"}, read_latency);
  kind({"latencyNative", "latency_native"}, read_native);
  kind({"bool_gauge", "boolGauge"}, read_boolean);
  if (kinds != 1) {
    source.fail(indicator.mark(),
                "`indicator` must have exactly one of `ratio`, `latency`, `latencyNative` and "
                "`bool_gauge`");
  }
  indicator.done();
}

void read_alerting(const YAML::Node& node, Draft& draft, Source& source) {
  Fields alerting(node, "`alerting`", source);
  const bool off = alerting.flag({"disabled"}, false);
  const bool burn = alerting.flag({"burnrates"}, true);
  const bool absent = alerting.flag({"absent"}, true);
  draft.alert_name = alerting.text({"name"});
  alerting.drop({"absentName"}, "there is no alert on absent series");
  alerting.drop({"burnRateType"}, "burn rates are those of the preset \"pyrra\"");
  alerting.done();
  if (draft.alert_name.empty()) draft.alert_name = "ErrorBudgetBurn";
  if (absent && !off) {
    source.note(draft.mark,
                "the alert on absent series (`absent`) dropped: write a rule with absent(), the "
                "SLO itself says no_data");
  }
  const auto window = parse_duration(draft.window);
  draft.preset = "pyrra";
  if (!off && burn && window) draft.windows = slo::pyrra(*window);
  // The severities that Pyrra's own rules have, so that routes find them.
  if (draft.windows.empty()) return;
  draft.page.labels["severity"] = "critical";
  draft.ticket.labels["severity"] = "warning";
}

std::string service_of(Fields& metadata, const std::map<std::string, std::string>& labels,
                       const std::string& name_space, const std::string& name, Source& source) {
  const auto label = labels.find("service");
  if (label != labels.end()) return label->second;
  const std::string out = name_space.empty() ? name : name_space;
  source.note(metadata.mark({"name"}),
              "the service is taken to be " + quote_go(out) + ", the " +
                  (name_space.empty() ? "name" : "namespace") +
                  ": Pyrra has none; a label pyrra.dev/service would say it");
  return out;
}

Draft read_spec(Fields& top, Source& source) {
  Draft draft;
  draft.mark = top.mark();
  Fields metadata(top.node({"metadata"}), "`metadata`", source);
  draft.name = metadata.required({"name"}, "the name of the SLO");
  const std::string name_space = metadata.text({"namespace"});
  draft.labels = carried(metadata, {"labels"}, source);
  draft.service = service_of(metadata, draft.labels, name_space, draft.name, source);
  draft.labels.erase("service");
  draft.all.annotations = carried(metadata, {"annotations"}, source);
  metadata.done();
  if (!top.has({"spec"})) {
    source.fail(top.mark(), "`spec` is missing: target, window and indicator");
    return draft;
  }
  Fields spec(top.node({"spec"}), "`spec`", source);
  draft.description = spec.text({"description"});
  const std::string target = spec.required({"target"}, "the target in per cent, like \"99.5\"");
  const auto percent = parse_double(trim(target));
  if (!target.empty() && (!percent || !(*percent >= 0 && *percent <= 100))) {
    source.fail(spec.mark({"target"}),
                "`target` must be a number from 0 to 100, per cent, like \"99.5\"");
  }
  draft.target_percent = percent.value_or(0);
  draft.window = spec.required({"window"}, "a duration like 4w");
  if (const auto window = parse_duration(draft.window); !draft.window.empty() && !window) {
    source.fail(spec.mark({"window"}), "`window`: " + window.error().what());
  }
  if (!spec.has({"indicator"})) {
    source.fail(spec.mark(), "`indicator` is missing: ratio, latency, latencyNative or bool_gauge");
  } else {
    read_indicator(spec.node({"indicator"}), draft, source);
  }
  read_alerting(spec.node({"alerting"}), draft, source);
  spec.drop({"partial_response_strategy"}, "nines has no partial responses");
  spec.drop({"performance_over_accuracy"}, "nines counts exactly, at no cost worth the choice");
  spec.done();
  return draft;
}

}  // namespace

Result<Converted> convert_pyrra(const std::string& file, std::string_view text,
                                const Check& check) {
  Source source(file);
  std::vector<Draft> drafts;
  for (const YAML::Node& node : source.documents(text)) {
    Fields top(node, "a Pyrra file", source);
    const std::string api = top.text({"apiVersion"}), kind = top.text({"kind"});
    if (api != "pyrra.dev/v1alpha1" || kind != "ServiceLevelObjective") {
      source.fail(top.mark(),
                  "this is no SLO of Pyrra: it needs `apiVersion: pyrra.dev/v1alpha1` and `kind: "
                  "ServiceLevelObjective`");
      continue;
    }
    drafts.push_back(read_spec(top, source));
    top.skip({"status"});
    top.done();
  }
  return finish(std::move(drafts), source, check);
}

}  // namespace nines::convert
