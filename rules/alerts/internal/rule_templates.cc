#include "rules/alerts/internal/rule_templates.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::alerts {
namespace {

// The variables every alert template may use, as Prometheus declares them in front of the text.
constexpr std::string_view kPreamble =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

TemplateValue::Map to_map(const LabelSet& labels) {
  TemplateValue::Map map;
  for (const Label& label : labels) map.emplace(label.name, label.value);
  return map;
}

// A sample as templates see it: .Labels and .Value.
TemplateValue to_value(const promql::VectorSample& sample) {
  return TemplateRecord{"*template.sample",
                        {{"Labels", to_map(sample.labels)}, {"Value", sample.value}}};
}

Result<TemplateValue> run_query(const promql::Engine* engine, Timestamp at,
                                const std::vector<TemplateValue>& arguments) {
  if (engine == nullptr) return Error(ErrorCode::kUnavailable, "query is not available here");
  NINES_TRY(const promql::Query query,
            promql::Query::parse(arguments[0].to_string(), engine->options()));
  NINES_TRY(const promql::QueryResult result, engine->instant(query, at));
  TemplateValue::List list;
  if (const auto* vector = std::get_if<promql::Vector>(&result.value)) {
    for (const promql::VectorSample& sample : *vector) list.push_back(to_value(sample));
  } else if (const auto* scalar = std::get_if<promql::Scalar>(&result.value)) {
    list.push_back(to_value({LabelSet(), at, scalar->value, nullptr}));
  } else {
    return Error(ErrorCode::kInvalid, "rule result is not a vector or scalar");
  }
  return TemplateValue(std::move(list)).as("template.queryResult");
}

TemplateFunction constant(std::string text) {
  return {[text = std::move(text)](const std::vector<TemplateValue>&) -> Result<TemplateValue> {
            return TemplateValue(text);
          },
          ""};
}

// "http://host:9090/prom/" gives "/prom/".
std::string path_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return slash == std::string::npos ? "" : url.substr(slash);
}

// `name:1:COL: text` counts the preamble's columns too: gives the operator's own.
std::string without_preamble(const std::string& name, std::string message) {
  const std::string prefix = name + ":1:";
  const std::size_t at = message.find(prefix);
  if (at == std::string::npos) return message;
  const std::size_t begin = at + prefix.size();
  const std::size_t end = std::min(message.find_first_not_of("0123456789", begin), message.size());
  const auto column = parse_int(std::string_view(message).substr(begin, end - begin));
  const auto shift = static_cast<std::int64_t>(kPreamble.size());
  if (!column || *column <= shift) return message;
  return message.replace(begin, end - begin, std::to_string(*column - shift));
}

}  // namespace

TemplateFunctions RuleTemplates::functions(const TemplateWorld& world, const promql::Engine* engine,
                                           std::shared_ptr<const Moment> moment) {
  TemplateFunctions out = standard_template_functions();
  const std::shared_ptr<const Moment> moment_of_now = moment;
  out["query"] = {
      [engine, moment = std::move(moment)](const std::vector<TemplateValue>& arguments) {
        return run_query(engine, moment->at, arguments);
      },
      "s"};
  out["now"] = {
      [moment = moment_of_now](const std::vector<TemplateValue>&) -> Result<TemplateValue> {
        return TemplateValue(static_cast<double>(to_millis(moment->at)) / 1000.0);
      },
      ""};
  out["externalURL"] = constant(world.external_url);
  out["pathPrefix"] = constant(path_of(world.external_url));
  return out;
}

Result<std::vector<RuleTemplates::Part>> RuleTemplates::compile_parts(
    const std::string& rule_name, const char* what, const std::map<std::string, std::string>& texts,
    const TemplateFunctions& functions) {
  std::vector<Part> parts;
  const std::string template_name = "__alert_" + rule_name;
  for (const auto& [name, text] : texts) {
    Part part{name, text, std::nullopt};
    if (text.find("{{") != std::string::npos) {
      Result<Template> compiled =
          Template::parse(template_name, std::string(kPreamble) + text, functions);
      const Result<void> complete =
          compiled ? compiled->declares_its_variables() : Result<void>(compiled.error());
      if (!complete) {
        return Error(ErrorCode::kInvalid,
                     std::string(what) + " \"" + name +
                         "\": " + without_preamble(template_name, complete.error().what()));
      }
      part.compiled = *std::move(compiled);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<RuleTemplates> RuleTemplates::compile(const std::string& rule_name,
                                             const std::map<std::string, std::string>& labels,
                                             const std::map<std::string, std::string>& annotations,
                                             const TemplateWorld& world,
                                             const promql::Engine* engine) {
  RuleTemplates out;
  const TemplateFunctions known = functions(world, engine, out.moment_);
  NINES_TRY(out.labels_, compile_parts(rule_name, "label", labels, known));
  NINES_TRY(out.annotations_, compile_parts(rule_name, "annotation", annotations, known));
  out.external_labels_ = to_map(world.external_labels);
  out.external_url_ = world.external_url;
  const auto is_template = [](const Part& part) { return part.compiled.has_value(); };
  out.any_template_ = std::any_of(out.labels_.begin(), out.labels_.end(), is_template) ||
                      std::any_of(out.annotations_.begin(), out.annotations_.end(), is_template);
  return out;
}

std::vector<Label> RuleTemplates::expand_parts(const std::vector<Part>& parts,
                                               const TemplateValue& data,
                                               std::vector<std::string>& errors) {
  std::vector<Label> out;
  out.reserve(parts.size());
  for (const Part& part : parts) {
    if (!part.compiled) {
      out.push_back({part.name, part.literal});
      continue;
    }
    Result<std::string> text = part.compiled->execute(data);
    if (text) {
      out.push_back({part.name, *std::move(text)});
    } else {
      const std::string why = without_preamble(part.compiled->name(), text.error().what());
      errors.push_back("\"" + part.name + "\": " + why);
      out.push_back({part.name, "<error expanding template: " + why + ">"});
    }
  }
  return out;
}

RuleTemplates::Expanded RuleTemplates::expand(const promql::VectorSample& sample, Timestamp at) {
  moment_->at = at;
  TemplateValue data;
  if (any_template_) {  // else nobody looks at it
    data = TemplateRecord{
        "struct { Labels map[string]string; ExternalLabels map[string]string; "
        "ExternalURL string; Value interface {} }",
        {{"Labels", to_map(sample.labels)},
         {"ExternalLabels", external_labels_},
         {"ExternalURL", external_url_},
         {"Value", sample.value}}};
  }
  Expanded out;
  out.labels = expand_parts(labels_, data, out.errors);
  out.annotations = expand_parts(annotations_, data, out.errors);
  return out;
}

}  // namespace nines::alerts
