#include "base/text/internal/template_ast.h"

#include "base/text/text.h"

namespace nines::internal {

std::string shown(const Operand& operand) {
  std::string out;
  switch (operand.kind) {
    case Operand::Kind::kDot:
      out = ".";
      break;
    case Operand::Kind::kLiteral:
      out = operand.source;
      break;
    case Operand::Kind::kNil:
      out = "nil";
      break;
    case Operand::Kind::kField:
      break;
    case Operand::Kind::kVariable:
    case Operand::Kind::kFunction:
      out = operand.name;
      break;
    case Operand::Kind::kPipeline:
      out = "(" + shown(*operand.pipeline) + ")";
      break;
  }
  for (const std::string& field : operand.path) out += "." + field;
  return out;
}

std::string shown(const Command& command) {
  std::vector<std::string> parts;
  for (const Operand& operand : command.operands) parts.push_back(shown(operand));
  return join(parts, " ");
}

std::string shown(const Pipeline& pipeline) {
  std::vector<std::string> parts;
  for (const Command& command : pipeline.commands) parts.push_back(shown(command));
  const std::string commands = join(parts, " | ");
  if (pipeline.variables.empty()) return commands;
  return join(pipeline.variables, ", ") + (pipeline.declares ? " := " : " = ") + commands;
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kText:
      return quote_go(node.text);
    case Node::Kind::kBreak:
      return "{{break}}";
    case Node::Kind::kContinue:
      return "{{continue}}";
    case Node::Kind::kTemplate: {
      const std::string dot = shown(node.pipeline);
      return "{{template " + quote_go(node.text) + (dot.empty() ? "" : " " + dot) + "}}";
    }
    case Node::Kind::kIf:
      return "{{if " + shown(node.pipeline) + "}}";
    case Node::Kind::kRange:
      return "{{range " + shown(node.pipeline) + "}}";
    case Node::Kind::kWith:
      return "{{with " + shown(node.pipeline) + "}}";
    case Node::Kind::kAction:
      break;
  }
  return "{{" + shown(node.pipeline) + "}}";
}

}  // namespace nines::internal
