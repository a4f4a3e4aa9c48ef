#pragma once
// A parsed template: what the parser makes and the executor walks.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text/template.h"

namespace nines::internal {

struct Pipeline;

// One word of a command. `path` are the fields read off it: $v.Labels.job has the path Labels, job.
struct Operand {
  enum class Kind : std::uint8_t { kDot, kLiteral, kNil, kField, kVariable, kFunction, kPipeline };
  Kind kind = Kind::kDot;
  std::size_t at = 0;  // as in Go, the second field's place where more than one is read
  TemplateValue literal;
  std::string source;  // of a literal, as it is written
  std::string name;    // of the variable or function
  std::vector<std::string> path;
  TemplateFunction function;  // empty for `and` and `or`, which choose what to evaluate
  std::shared_ptr<const Pipeline> pipeline;  // in parentheses; shared only to keep nodes copyable
};

struct Command {
  std::size_t at = 0;
  std::vector<Operand> operands;
};

struct Pipeline {
  std::size_t at = 0;
  std::vector<std::string> variables;
  bool declares = false;  // := (else =)
  std::vector<Command> commands;
};

struct Node {
  enum class Kind : std::uint8_t {
    kText,
    kAction,
    kIf,
    kRange,
    kWith,
    kTemplate,
    kBreak,
    kContinue
  };
  Kind kind = Kind::kText;
  std::size_t at = 0;
  std::string text;   // the text, or the name of the template
  Pipeline pipeline;  // may be empty in a kTemplate
  std::vector<Node> body;
  std::vector<Node> otherwise;
};

using NodeList = std::vector<Node>;

// As Go writes the parts of a template in its messages.
std::string shown(const Operand& operand);
std::string shown(const Command& command);
std::string shown(const Pipeline& pipeline);
std::string shown(const Node& node);

struct TemplateTree {
  std::string name;
  std::string text;   // for places in error messages
  bool html = false;  // values are escaped
  NodeList root;
  std::map<std::string, NodeList, std::less<>> defined;
  std::vector<std::pair<std::size_t, std::string>> undeclared;  // variables, in their order
};

}  // namespace nines::internal
