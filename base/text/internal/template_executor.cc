#include "base/text/internal/template_executor.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text/internal/html_place.h"
#include "base/text/internal/template_lexer.h"
#include "base/text/internal/template_values.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

enum class Flow : std::uint8_t { kNext, kBreak, kContinue };

// What a stage of a pipeline hands to the next one; empty in front of the first.
using Piped = std::optional<TemplateValue>;

class Executor {
 public:
  Executor(const TemplateTree& tree, const TemplateLimits& limits) : tree_(tree), limits_(limits) {}

  Result<std::string> run(const TemplateValue& data,
                          const std::map<std::string, TemplateValue>& variables) {
    scope_.emplace_back("$", data);
    for (const auto& [name, value] : variables) {
      scope_.emplace_back(name.starts_with('$') ? name : "$" + name, value);
    }
    auto done = walk(tree_.root, data);
    if (!done) return std::move(done).error();
    return std::move(out_);
  }

 private:
  Error error(std::size_t at, std::string_view what) const {
    return template_error(tree_.name, tree_.text, at, what);
  }
  Error limit(std::size_t at, std::string_view what) const {
    return Error(ErrorCode::kLimit, error(at, what).what());
  }

  Result<void> step(std::size_t at) {
    if (++steps_ <= limits_.steps_max) return {};
    return limit(at,
                 "the template takes more than " + std::to_string(limits_.steps_max) + " steps");
  }

  Result<void> write(std::size_t at, std::string_view text) {
    if (text.size() > limits_.output_bytes_max - out_.size()) {
      return limit(at, "the output exceeds " + std::to_string(limits_.output_bytes_max) + " bytes");
    }
    out_ += text;
    return {};
  }

  Result<Flow> walk(const NodeList& nodes, const TemplateValue& dot) {
    for (const Node& node : nodes) {
      NINES_TRY(const Flow flow, visit(node, dot));
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }

  Result<Flow> visit(const Node& node, const TemplateValue& dot) {
    if (auto counted = step(node.at); !counted) return std::move(counted).error();
    switch (node.kind) {
      case Node::Kind::kText:
        return written(write(node.at, node.text));
      case Node::Kind::kAction:
        return print(node, dot);
      case Node::Kind::kIf:
      case Node::Kind::kWith:
        return choose(node, dot);
      case Node::Kind::kRange:
        return range(node, dot);
      case Node::Kind::kTemplate:
        return invoke(node, dot);
      case Node::Kind::kBreak:
        return Flow::kBreak;
      case Node::Kind::kContinue:
        return Flow::kContinue;
    }
    return Flow::kNext;
  }

  static Result<Flow> written(Result<void> done) {
    if (!done) return std::move(done).error();
    return Flow::kNext;
  }

  Result<Flow> print(const Node& node, const TemplateValue& dot) {
    NINES_TRY(const TemplateValue value, evaluate(node.pipeline, dot));
    if (!node.pipeline.variables.empty()) return Flow::kNext;  // a declaration prints nothing
    const std::string text = is_nil(value) ? "<no value>" : value.to_string();
    if (!tree_.html) return written(write(node.at, text));
    html_.follow(out_);
    if (html_.inside_code()) {
      return error(node.at, "a value inside <script> or <style> cannot be escaped");
    }
    if (std::holds_alternative<TemplateHtml>(value.data())) return written(write(node.at, text));
    if (html_.begins_address() && !is_harmless_address(text)) {
      return written(write(node.at, "#ZgotmplZ"));
    }
    return written(write(node.at, escape_html(text)));
  }

  // if and with; variables of the pipeline live until the end of both branches.
  Result<Flow> choose(const Node& node, const TemplateValue& dot) {
    const std::size_t mark = scope_.size();
    NINES_TRY(const TemplateValue value, evaluate(node.pipeline, dot));
    const bool with = node.kind == Node::Kind::kWith;
    auto flow = value.truth() ? walk(node.body, with ? value : dot) : walk(node.otherwise, dot);
    scope_.resize(mark);
    return flow;
  }

  Result<Flow> range(const Node& node, const TemplateValue& dot) {
    const std::size_t mark = scope_.size();
    NINES_TRY(const TemplateValue value, evaluate_commands(node.pipeline, dot));
    bool any = false;
    bool stopped = false;
    // One turn of the loop; sets `stopped` on {{break}}.
    const auto turn = [&](TemplateValue key, const TemplateValue& element) -> Result<void> {
      any = true;
      auto counted = step(node.at);
      if (!counted) return counted;
      const auto& names = node.pipeline.variables;
      const std::size_t turn_mark = scope_.size();
      if (names.size() == 2) {
        auto bound = bind(node.pipeline, names[0], std::move(key));
        if (!bound) return bound;
      }
      if (!names.empty()) {
        auto bound = bind(node.pipeline, names.back(), element);
        if (!bound) return bound;
      }
      NINES_TRY(const Flow flow, walk(node.body, element));
      scope_.resize(turn_mark);
      stopped = flow == Flow::kBreak;
      return {};
    };
    Result<void> done;
    if (const auto* list = as_list(value)) {
      for (std::size_t i = 0; i < list->size() && done && !stopped; ++i) {
        done = turn(static_cast<std::int64_t>(i), (*list)[i]);
      }
    } else if (const auto* map = as_map(value)) {
      for (auto it = map->begin(); it != map->end() && done && !stopped; ++it) {
        done = turn(it->first, it->second);
      }
    } else if (const auto count = as_integer(value)) {
      if (node.pipeline.variables.size() > 1) {
        return error(node.at, "a range over a number has one variable");
      }
      for (std::int64_t i = 0; i < *count && done && !stopped; ++i) done = turn(i, i);
    } else if (!is_nil(value)) {
      return error(node.at, "range can't iterate over " + std::string(type_name(value)));
    }
    if (!done) return std::move(done).error();
    scope_.resize(mark);
    return any ? Result<Flow>(Flow::kNext) : walk(node.otherwise, dot);
  }

  Result<Flow> invoke(const Node& node, const TemplateValue& dot) {
    TemplateValue inner;
    if (!node.pipeline.commands.empty()) {
      NINES_TRY(inner, evaluate(node.pipeline, dot));
    }
    return enter(node.at, node.text, inner);
  }

  Result<Flow> enter(std::size_t at, const std::string& name, const TemplateValue& inner) {
    const auto found = tree_.defined.find(name);
    if (found == tree_.defined.end()) {
      return error(at, "template " + quote_go(name) + " not defined");
    }
    if (calls_ == kTemplateCallsMax) {
      return limit(
          at, "templates call each other more than " + std::to_string(kTemplateCallsMax) + " deep");
    }
    // A template sees nothing of its caller but the value handed over.
    Scope outer = std::exchange(scope_, Scope());
    scope_.emplace_back("$", inner);
    ++calls_;
    auto flow = walk(found->second, inner);
    --calls_;
    scope_ = std::move(outer);
    return flow;
  }

  Result<void> bind(const Pipeline& pipe, const std::string& name, TemplateValue value) {
    if (pipe.declares) {
      scope_.emplace_back(name, std::move(value));
      return {};
    }
    TemplateValue* const variable = find(name);
    if (variable == nullptr) return error(pipe.at, "undefined variable " + quote_go(name));
    *variable = std::move(value);
    return {};
  }

  TemplateValue* find(std::string_view name) {
    const auto it = std::find_if(scope_.rbegin(), scope_.rend(),
                                 [name](const auto& entry) { return entry.first == name; });
    return it != scope_.rend() ? &it->second : nullptr;
  }

  Result<TemplateValue> evaluate(const Pipeline& pipe, const TemplateValue& dot) {
    NINES_TRY(TemplateValue value, evaluate_commands(pipe, dot));
    for (const std::string& name : pipe.variables) {
      auto bound = bind(pipe, name, value);
      if (!bound) return std::move(bound).error();
    }
    return value;
  }

  Result<TemplateValue> evaluate_commands(const Pipeline& pipe, const TemplateValue& dot) {
    Piped piped;
    for (const Command& command : pipe.commands) {
      NINES_TRY(piped, evaluate_command(command, dot, std::move(piped)));
    }
    return *std::move(piped);
  }

  Result<TemplateValue> evaluate_command(const Command& command, const TemplateValue& dot,
                                         Piped piped) {
    const Operand& first = command.operands.front();
    if (auto counted = step(first.at); !counted) return std::move(counted).error();
    if (first.kind == Operand::Kind::kFunction) {
      NINES_TRY(const TemplateValue value, call(first, &command, dot, std::move(piped)));
      return follow(first, value, {});
    }
    if (first.kind == Operand::Kind::kNil) return error(first.at, "nil is not a command");
    std::vector<TemplateValue> arguments;
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      NINES_TRY(TemplateValue value, operand(command.operands[i], dot));
      arguments.push_back(std::move(value));
    }
    if (piped) arguments.push_back(*std::move(piped));
    if (!arguments.empty() && first.path.empty()) {
      return error(first.at, "can't give argument to non-function");
    }
    NINES_TRY(const TemplateValue base, root(first, dot));
    return follow(first, base, arguments);
  }

  Result<TemplateValue> operand(const Operand& op, const TemplateValue& dot) {
    if (op.kind == Operand::Kind::kFunction) {
      NINES_TRY(const TemplateValue value, call(op, nullptr, dot, std::nullopt));
      return follow(op, value, {});
    }
    NINES_TRY(const TemplateValue base, root(op, dot));
    return follow(op, base, {});
  }

  // The value of an operand before its fields are read.
  Result<TemplateValue> root(const Operand& op, const TemplateValue& dot) {
    switch (op.kind) {
      case Operand::Kind::kDot:
      case Operand::Kind::kField:
        return dot;
      case Operand::Kind::kLiteral:
        return op.literal;
      case Operand::Kind::kVariable: {
        const TemplateValue* const variable = find(op.name);
        if (variable == nullptr) return error(op.at, "undefined variable " + quote_go(op.name));
        return *variable;
      }
      case Operand::Kind::kPipeline:
        return evaluate(*op.pipeline, dot);
      case Operand::Kind::kNil:
      case Operand::Kind::kFunction:
        break;
    }
    return TemplateValue();
  }

  // Reads the fields one after the other; the arguments are for a method at the end.
  Result<TemplateValue> follow(const Operand& op, TemplateValue value,
                               const std::vector<TemplateValue>& arguments) {
    for (std::size_t i = 0; i < op.path.size(); ++i) {
      const std::string& name = op.path[i];
      const bool last = i + 1 == op.path.size();
      if (auto result = call_method(value, name, last ? arguments : kNone)) {
        if (!*result) return error(op.at, result->error().what());
        value = *std::move(*result);
        continue;
      }
      if (last && !arguments.empty()) {
        return error(op.at, name + " has arguments but cannot be invoked as function");
      }
      if (is_nil(value)) return error(op.at, "nil data; no entry for key " + quote_go(name));
      const auto* map = as_map(value);
      if (map == nullptr) {
        return error(op.at,
                     "can't evaluate field " + name + " in type " + std::string(type_name(value)));
      }
      value = map_entry(*map, name);
    }
    return value;
  }

  // A function with the operands behind it in `command` (none when it is itself an argument).
  Result<TemplateValue> call(const Operand& op, const Command* command, const TemplateValue& dot,
                             Piped piped) {
    const std::size_t count = command != nullptr ? command->operands.size() : 1;
    if (!op.function) return logic(op, command, count, dot, std::move(piped));
    std::vector<TemplateValue> arguments;
    std::size_t bytes = 0;
    for (std::size_t i = 1; i < count + (piped ? 1 : 0); ++i) {
      if (i < count) {
        NINES_TRY(TemplateValue value, operand(command->operands[i], dot));
        arguments.push_back(std::move(value));
      } else {
        arguments.push_back(*std::move(piped));
      }
      if (const auto* text = as_text(arguments.back())) bytes += text->size();
    }
    // Keeps {{$x = print $x $x}} in a loop from filling the memory.
    if (bytes > limits_.output_bytes_max) {
      return limit(op.at, "the arguments of " + op.name + " exceed " +
                              std::to_string(limits_.output_bytes_max) + " bytes");
    }
    auto result = op.name == kInvokeFunction ? invoked(op, arguments) : op.function(arguments);
    if (result) return result;
    const Error placed = error(op.at, "error calling " + op.name + ": " + result.error().what());
    return Error(result.error().code(), placed.what());
  }

  // tmpl NAME DOT: the text that template writes. It counts for the limit of the output at once,
  // and again when it is written.
  Result<TemplateValue> invoked(const Operand& op, const std::vector<TemplateValue>& arguments) {
    const auto* name = arguments.size() == 2 ? as_text(arguments[0]) : nullptr;
    if (name == nullptr) return error(op.at, "tmpl wants the name of a template and a value");
    const std::size_t begin = out_.size();
    const HtmlPlace html = html_;
    NINES_TRY(const Flow flow, enter(op.at, *name, arguments[1]));
    static_cast<void>(flow);  // a template cannot leave the loop of its caller
    TemplateHtml text{out_.substr(begin)};
    out_.resize(begin);
    html_ = html;
    return TemplateValue(std::move(text));
  }

  // and, or: the first argument that decides, without a look at those behind it.
  Result<TemplateValue> logic(const Operand& op, const Command* command, std::size_t count,
                              const TemplateValue& dot, Piped piped) {
    const bool deciding = op.name == "or";
    TemplateValue value;
    for (std::size_t i = 1; i < count; ++i) {
      NINES_TRY(value, operand(command->operands[i], dot));
      if (value.truth() == deciding) return value;
    }
    if (piped) return *std::move(piped);
    if (count == 1) return error(op.at, op.name + " wants at least one argument");
    return value;
  }

  using Scope = std::vector<std::pair<std::string, TemplateValue>>;
  inline static const std::vector<TemplateValue> kNone;

  const TemplateTree& tree_;
  const TemplateLimits limits_;
  std::string out_;
  HtmlPlace html_;  // where in the document out_ ends; of TemplateMode::kHtml
  Scope scope_;     // the innermost variable last
  int steps_ = 0;
  int calls_ = 0;
};

}  // namespace

Result<std::string> execute_template(const TemplateTree& tree, const TemplateValue& data,
                                     const std::map<std::string, TemplateValue>& variables,
                                     const TemplateLimits& limits) {
  return Executor(tree, limits).run(data, variables);
}

}  // namespace nines::internal
