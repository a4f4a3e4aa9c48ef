#pragma once
// The templates of one alerting rule: its labels and annotations, compiled once.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/text/template.h"
#include "rules/promql/engine.h"

namespace nines::alerts {

// What templates can see beside the sample they are expanded for.
struct TemplateWorld {
  LabelSet external_labels;
  std::string external_url;
};

// One thread at a time.
class RuleTemplates {
 public:
  // `engine` answers the function `query`; null where templates are only checked, `query` then
  // fails. kInvalid with the name of the label or annotation that does not parse.
  static Result<RuleTemplates> compile(const std::string& rule_name,
                                       const std::map<std::string, std::string>& labels,
                                       const std::map<std::string, std::string>& annotations,
                                       const TemplateWorld& world, const promql::Engine* engine);

  struct Expanded {
    std::vector<Label> labels;  // may hold empty values
    std::vector<Label> annotations;
    std::vector<std::string> errors;  // one text for each template that failed
  };
  // A template that fails expands to `<error expanding template: ...>`, as in Prometheus.
  Expanded expand(const promql::VectorSample& sample, Timestamp at);

 private:
  struct Moment {  // shared with the function `query`, which must know when it is asked
    Timestamp at{};
  };
  struct Part {
    std::string name;
    std::string literal;  // when there is nothing to expand
    std::optional<Template> compiled;
  };
  static Result<std::vector<Part>> compile_parts(const std::string& rule_name, const char* what,
                                                 const std::map<std::string, std::string>& texts,
                                                 const TemplateFunctions& functions);
  static TemplateFunctions functions(const TemplateWorld& world, const promql::Engine* engine,
                                     std::shared_ptr<const Moment> moment);
  static std::vector<Label> expand_parts(const std::vector<Part>& parts, const TemplateValue& data,
                                         std::vector<std::string>& errors);

  std::shared_ptr<Moment> moment_ = std::make_shared<Moment>();
  TemplateValue::Map external_labels_;
  std::string external_url_;
  std::vector<Part> labels_;
  std::vector<Part> annotations_;
  bool any_template_ = false;
};

}  // namespace nines::alerts
