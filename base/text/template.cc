#include "base/text/template.h"

#include <utility>

#include "base/text/internal/template_executor.h"
#include "base/text/internal/template_lexer.h"
#include "base/text/internal/template_parser.h"
#include "base/text/text.h"

namespace nines {

struct Template::Rep {
  internal::TemplateTree tree;
};

Result<Template> Template::parse(std::string_view name, std::string_view text,
                                 const TemplateFunctions& functions, TemplateMode mode) {
  NINES_TRY(internal::TemplateTree tree, internal::parse_template(name, text, functions));
  tree.html = mode == TemplateMode::kHtml;
  return Template(std::make_shared<const Rep>(Rep{std::move(tree)}));
}

const std::string& Template::name() const {
  return rep_->tree.name;
}

Result<void> Template::declares_its_variables() const {
  const internal::TemplateTree& tree = rep_->tree;
  if (tree.undeclared.empty()) return {};
  const auto& [at, variable] = tree.undeclared.front();
  return internal::template_error(tree.name, tree.text, at,
                                  "undefined variable " + quote_go(variable));
}

Result<std::string> Template::execute(const TemplateValue& data,
                                      const std::map<std::string, TemplateValue>& variables,
                                      const TemplateLimits& limits) const {
  return internal::execute_template(rep_->tree, data, variables, limits);
}

}  // namespace nines
