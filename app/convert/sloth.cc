// Sloth: prometheus/v1 files, and PrometheusServiceLevel of Kubernetes.
#include "app/convert/internal/queries.h"
#include "base/text/text.h"

namespace nines::convert {
namespace {

struct Service {
  std::string name;
  std::map<std::string, std::string> labels;
};

Shape query_of(Fields& fields, Fields::Names names, Source& source) {
  const std::string text = fields.required(names, "a PromQL query with [{{.window}}]");
  if (text.empty()) return {};
  Result<Shape> shape = shape_of(text);
  if (shape) {
    note_query(text, *shape, fields.mark(names), source);
    return *std::move(shape);
  }
  source.fail(fields.mark(names),
              "`" + std::string(*names.begin()) + "`: " + shape.error().what() +
                  " (in the query, after [{{.window}}] is put in): correct the PromQL");
  return {};
}

void read_sli(const YAML::Node& node, Draft& draft, Source& source) {
  Fields sli(node, "`sli`", source);
  const int kinds =
      (sli.has({"events"}) ? 1 : 0) + (sli.has({"raw"}) ? 1 : 0) + (sli.has({"plugin"}) ? 1 : 0);
  if (kinds != 1) {
    source.fail(sli.mark(), "`sli` must have exactly one of `events`, `raw` and `plugin`");
    return;
  }
  if (sli.has({"events"})) {
    Fields events(sli.node({"events"}), "`events`", source);
    const Shape bad = query_of(events, {"error_query", "errorQuery"}, source);
    const Shape total = query_of(events, {"total_query", "totalQuery"}, source);
    draft.problem = set_events(bad, true, total, false, draft.indicator);
    draft.group_by = total.by;
    events.done();
  } else if (sli.has({"raw"})) {
    Fields raw(sli.node({"raw"}), "`raw`", source);
    const Shape ratio = query_of(raw, {"error_ratio_query", "errorRatioQuery"}, source);
    draft.problem = set_ratio(ratio, true, draft.indicator);
    draft.group_by = labels_of(ratio);
    raw.done();
  } else {
    Fields plugin(sli.node({"plugin"}), "`plugin`", source);
    draft.problem = "its SLI is made by the plugin " + quote_go(plugin.text({"id"})) +
                    ": write what that counts as `indicator` (nines runs no plugins)";
    plugin.skip({"options"});
    plugin.done();
  }
  sli.done();
}

void read_texts(Fields& fields, DraftTexts& out) {
  out.labels = fields.texts({"labels"});
  out.annotations = fields.texts({"annotations"});
}

void read_severity(Fields& alerting, Fields::Names names, DraftTexts& out, Source& source) {
  Fields fields(alerting.node(names), "`" + std::string(*names.begin()) + "`", source);
  out.disabled = fields.flag({"disable"}, false);
  read_texts(fields, out);
  fields.done();
}

void read_alerting(const YAML::Node& node, Draft& draft, Source& source) {
  Fields alerting(node, "`alerting`", source);
  draft.alert_name = alerting.text({"name"});
  read_texts(alerting, draft.all);
  read_severity(alerting, {"page_alert", "pageAlert"}, draft.page, source);
  read_severity(alerting, {"ticket_alert", "ticketAlert"}, draft.ticket, source);
  alerting.done();
  draft.windows = slo::google_30d();
  if (draft.page.disabled && draft.ticket.disabled) {
    draft.windows.clear();
    draft.page = draft.ticket = {};
  }
}

constexpr const char* kPlugins = "nines runs no plugins; what they add must be written in TOML";

Draft read_slo(const YAML::Node& node, const Service& service, Source& source) {
  Fields slo(node, "an SLO", source);
  Draft draft;
  draft.mark = slo.mark();
  draft.name = slo.required({"name"}, "a text that is unique within the service");
  draft.service = service.name;
  draft.description = slo.text({"description"});
  draft.labels = service.labels;
  for (const auto& [name, value] : slo.texts({"labels"})) draft.labels[name] = value;
  const std::optional<double> objective = slo.number({"objective"});
  if (!objective && !slo.has({"objective"})) {
    source.fail(slo.mark(), "`objective` is missing in an SLO: the target in per cent, like 99.9");
  } else if (objective && !(*objective > 0 && *objective <= 100)) {
    source.fail(slo.mark({"objective"}),
                "`objective` must be above 0 and at most 100, per cent, like 99.9");
  }
  draft.target_percent = objective.value_or(0);
  if (!slo.has({"sli"})) {
    source.fail(slo.mark(), "`sli` is missing in an SLO: its `events`, `raw` or `plugin`");
  } else {
    read_sli(slo.node({"sli"}), draft, source);
  }
  read_alerting(slo.node({"alerting"}), draft, source);
  slo.drop({"plugins"}, kPlugins);
  slo.done();
  return draft;
}

void read_service(Fields& spec, std::vector<Draft>& drafts, Source& source) {
  Service service;
  service.name = spec.required({"service"}, "the name of the service, like \"shop\"");
  service.labels = spec.texts({"labels"});
  const std::vector<YAML::Node> slos = spec.items({"slos"});
  if (slos.empty()) source.fail(spec.mark({"slos"}), "`slos` is empty: at least one is needed");
  for (const YAML::Node& node : slos) drafts.push_back(read_slo(node, service, source));
  spec.drop({"slo_plugins", "sloPlugins"}, kPlugins);
}

void read_document(const YAML::Node& node, std::vector<Draft>& drafts, Source& source) {
  Fields top(node, "a Sloth file", source);
  if (top.has({"version"})) {
    const std::string version = top.text({"version"});
    if (version != "prometheus/v1") {
      source.fail(top.mark({"version"}), "version " + quote_go(version) +
                                             " is not known: `version: prometheus/v1` is needed");
      return;
    }
    read_service(top, drafts, source);
    top.done();
    return;
  }
  const std::string api = top.text({"apiVersion"}), kind = top.text({"kind"});
  if (api == "sloth.slok.dev/v1" && kind == "PrometheusServiceLevel") {
    Fields spec(top.node({"spec"}), "`spec`", source);
    read_service(spec, drafts, source);
    spec.done();
    Fields metadata(top.node({"metadata"}), "`metadata`", source);
    metadata.skip({"name"});  // SLOs have names of their own
    metadata.drop({"namespace"}, "nines has no namespaces");
    metadata.drop({"labels"}, "they are the Kubernetes object's, not the SLOs'");
    metadata.drop({"annotations"}, "they are the Kubernetes object's, not the SLOs'");
    metadata.done();
    top.skip({"status"});
    top.done();
    return;
  }
  source.fail(top.mark(),
              "this is no Sloth file: it needs `version: prometheus/v1`, or `apiVersion: "
              "sloth.slok.dev/v1` with `kind: PrometheusServiceLevel`" +
                  std::string(api.starts_with("openslo/") ? "; try `nines import openslo`"
                              : api.starts_with("pyrra")  ? "; try `nines import pyrra`"
                                                          : ""));
}

}  // namespace

Result<Converted> convert_sloth(const std::string& file, std::string_view text,
                                const Check& check) {
  Source source(file);
  std::vector<Draft> drafts;
  for (const YAML::Node& node : source.documents(text)) read_document(node, drafts, source);
  return finish(std::move(drafts), source, check);
}

}  // namespace nines::convert
