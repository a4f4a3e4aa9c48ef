#include "base/text/internal/template_executor.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
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
  // What is being evaluated, which errors tell.
  template <typename Part>
  void at(const Part& part) {
    place_ = &part;
  }

  Error error(std::string_view what, ErrorCode code = ErrorCode::kInvalid) const {
    const auto [where, text] = std::visit(
        [](const auto* part) {
          return part != nullptr ? std::pair(part->at, shown(*part))
                                 : std::pair(std::size_t{0}, std::string());
        },
        place_);
    const std::string whole =
        "executing " + quote_go(current_) + " at <" + text + ">: " + std::string(what);
    return Error(code, template_error(tree_.name, tree_.text, where, whole).what());
  }
  Error limit(std::string_view what) const { return error(what, ErrorCode::kLimit); }

  Result<void> step(std::size_t count = 1) {
    steps_ += count;
    if (steps_ <= static_cast<std::size_t>(std::max(0, limits_.steps_max))) return {};
    return limit("the template takes more than " + std::to_string(limits_.steps_max) + " steps");
  }

  Result<void> write(std::string_view text) {
    if (text.size() > limits_.output_bytes_max - out_.size()) {
      return limit("the output exceeds " + std::to_string(limits_.output_bytes_max) + " bytes");
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
    at(node);
    if (auto counted = step(); !counted) return std::move(counted).error();
    switch (node.kind) {
      case Node::Kind::kText:
        return written(write(tree_.html ? html_.literal(node.text) : node.text));
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
    if (!tree_.html) return written(write(text));
    if (is_nil(value)) return Flow::kNext;  // as html/template, which says nothing of nothing
    const Operand& last = node.pipeline.commands.back().operands.front();
    const bool named = last.kind == Operand::Kind::kFunction && last.path.empty();
    const Result<std::string> escaped = html_.escape(value, text, named ? last.name : "");
    if (!escaped) return error(escaped.error().what());
    return written(write(*escaped));
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

  // One turn of a loop; sets `stopped` on {{break}}.
  Result<void> turn(const Node& node, TemplateValue key, const TemplateValue& element,
                    bool& stopped) {
    auto counted = step();
    if (!counted) return counted;
    const auto& names = node.pipeline.variables;
    const std::size_t mark = scope_.size();
    if (names.size() == 2) {
      auto bound = bind(node.pipeline, names[0], std::move(key));
      if (!bound) return bound;
    }
    if (!names.empty()) {
      auto bound = bind(node.pipeline, names.back(), element);
      if (!bound) return bound;
    }
    NINES_TRY(const Flow flow, walk(node.body, element));
    scope_.resize(mark);
    stopped = flow == Flow::kBreak;
    return {};
  }

  Result<Flow> range(const Node& node, const TemplateValue& dot) {
    const std::size_t mark = scope_.size();
    NINES_TRY(const TemplateValue value, evaluate_commands(node.pipeline, dot));
    bool any = true;
    bool stopped = false;
    Result<void> done;
    const auto* list = as_list(value);
    const auto* map = as_map(value);
    const auto count = as_integer(value);
    if (list != nullptr) {
      any = !list->empty();
      for (std::size_t i = 0; i < list->size() && done && !stopped; ++i) {
        done = turn(node, static_cast<std::int64_t>(i), (*list)[i], stopped);
      }
    } else if (map != nullptr) {
      any = !map->empty();
      for (auto it = map->begin(); it != map->end() && done && !stopped; ++it) {
        done = turn(node, it->first, it->second, stopped);
      }
    } else if (count) {
      if (node.pipeline.variables.size() > 1) {
        return error("can't use " + value.to_string() + " to iterate over more than one variable");
      }
      any = *count > 0;
      for (std::int64_t i = 0; i < *count && done && !stopped; ++i) {
        done = turn(node, i, i, stopped);
      }
    } else if (is_nil(value)) {
      any = false;
    } else {
      return error("range can't iterate over " + value.to_string());
    }
    if (!done) return std::move(done).error();
    scope_.resize(mark);
    return any ? Result<Flow>(Flow::kNext) : walk(node.otherwise, dot);
  }

  Result<Flow> invoke(const Node& node, const TemplateValue& dot) {
    if (!tree_.defined.contains(node.text)) {
      return error("template " + quote_go(node.text) + " not defined");
    }
    TemplateValue inner;
    if (!node.pipeline.commands.empty()) {
      NINES_TRY(inner, evaluate(node.pipeline, dot));
    }
    at(node);
    return enter(node.text, inner);
  }

  Result<Flow> enter(const std::string& name, const TemplateValue& inner) {
    const auto found = tree_.defined.find(name);
    if (found == tree_.defined.end()) {
      return error("template " + quote_go(name) + " not defined");
    }
    if (calls_ == kTemplateCallsMax) {
      return limit("exceeded maximum template depth (" + std::to_string(kTemplateCallsMax) + ")");
    }
    // A template sees nothing of its caller but the value handed over.
    Scope outer = std::exchange(scope_, Scope());
    const std::string_view caller = std::exchange(current_, name);
    scope_.emplace_back("$", inner);
    ++calls_;
    auto flow = walk(found->second, inner);
    --calls_;
    scope_ = std::move(outer);
    current_ = caller;
    return flow;
  }

  Result<void> bind(const Pipeline& pipe, const std::string& name, TemplateValue value) {
    if (pipe.declares) {
      scope_.emplace_back(name, std::move(value));
      return {};
    }
    TemplateValue* const variable = find(name);
    if (variable == nullptr) return error("undefined variable: " + name);
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
    at(pipe);
    Piped piped;
    for (const Command& command : pipe.commands) {
      NINES_TRY(piped, evaluate_command(command, dot, std::move(piped)));
    }
    return *std::move(piped);
  }

  Result<TemplateValue> evaluate_command(const Command& command, const TemplateValue& dot,
                                         Piped piped) {
    const Operand& first = command.operands.front();
    if (auto counted = step(); !counted) return std::move(counted).error();
    const bool piped_or_more = command.operands.size() > 1 || piped;
    if (first.kind == Operand::Kind::kFunction) {
      // Its fields, too, stand behind the call without arguments: {{f.x 1}} gives x an argument.
      if (first.path.empty()) return call(first, &command, dot, std::move(piped));
    } else if (first.path.empty() && piped_or_more) {
      at(first);
      return error("can't give argument to non-function " + shown(first));
    }
    if (first.kind == Operand::Kind::kNil) {
      at(first);
      return error("nil is not a command");
    }
    NINES_TRY(const TemplateValue base, root(first, dot));
    return follow(first, base, &command, dot, std::move(piped));
  }

  Result<TemplateValue> operand(const Operand& op, const TemplateValue& dot) {
    at(op);
    if (op.kind == Operand::Kind::kFunction && op.path.empty()) {
      return call(op, nullptr, dot, std::nullopt);
    }
    NINES_TRY(const TemplateValue base, root(op, dot));
    return follow(op, base, nullptr, dot, std::nullopt);
  }

  // The value of an operand before its fields are read.
  Result<TemplateValue> root(const Operand& op, const TemplateValue& dot) {
    at(op);
    switch (op.kind) {
      case Operand::Kind::kDot:
      case Operand::Kind::kField:
        return dot;
      case Operand::Kind::kLiteral:
        return op.literal;
      case Operand::Kind::kVariable: {
        const TemplateValue* const variable = find(op.name);
        if (variable == nullptr) return error("undefined variable: " + op.name);
        return *variable;
      }
      case Operand::Kind::kPipeline:
        return evaluate(*op.pipeline, dot);
      case Operand::Kind::kFunction:
        return call(op, nullptr, dot, std::nullopt);
      case Operand::Kind::kNil:
        break;
    }
    return TemplateValue();
  }

  // Reads the fields one after the other; what stands behind in `command` is for a method at the
  // end.
  Result<TemplateValue> follow(const Operand& op, TemplateValue value, const Command* command,
                               const TemplateValue& dot, Piped piped) {
    for (std::size_t i = 0; i < op.path.size(); ++i) {
      const std::string& name = op.path[i];
      const Command* const given = i + 1 == op.path.size() ? command : nullptr;
      const bool arguments = given != nullptr && (given->operands.size() > 1 || piped);
      if (const TemplateFunction method = method_of(value, name)) {
        NINES_TRY(value, apply(op, name, method, given, dot,
                               given != nullptr ? std::move(piped) : std::nullopt));
        continue;
      }
      if (is_nil(value)) return error("nil pointer evaluating interface {}." + name);
      if (as_map(value) != nullptr) {
        if (arguments) return error(name + " is not a method but has arguments");
        value = map_entry(value, name);
        continue;
      }
      const TemplateValue* field = field_of(value, name);
      if (field == nullptr) {
        return error("can't evaluate field " + name + " in type " + std::string(type_name(value)));
      }
      if (arguments) return error(name + " has arguments but cannot be invoked as function");
      value = TemplateValue(*field);  // a copy: it may hold the field
    }
    return value;
  }

  // A function with the operands behind it in `command` (none when it is itself an argument).
  Result<TemplateValue> call(const Operand& op, const Command* command, const TemplateValue& dot,
                             Piped piped) {
    at(op);
    if (!op.function) return logic(op, command, dot, std::move(piped));
    return apply(op, op.name, op.function, command, dot, std::move(piped));
  }

  // Count and kinds of the arguments are checked here, in Go's words.
  Result<TemplateValue> apply(const Operand& op, const std::string& name,
                              const TemplateFunction& function, const Command* command,
                              const TemplateValue& dot, Piped piped) {
    const std::size_t written_count = command != nullptr ? command->operands.size() - 1 : 0;
    const std::size_t count = written_count + (piped ? 1 : 0);
    const std::string_view takes = function.takes();
    const bool many = takes.ends_with('*');
    const std::size_t fixed = many ? takes.size() - 2 : takes.size();
    if (many ? count < fixed : count != fixed) {
      return error("wrong number of args for " + name + ": want " + (many ? "at least " : "") +
                   std::to_string(fixed) + " got " + std::to_string(count));
    }
    std::vector<TemplateValue> arguments;
    std::size_t cost = 0;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char kind = i < fixed ? takes[i] : takes[fixed];
      if (i < written_count) {
        const Operand& given = command->operands[i + 1];
        NINES_TRY(TemplateValue value, operand(given, dot));
        NINES_TRY(value, fitting(kind, std::move(value), &given));
        arguments.push_back(std::move(value));
      } else {
        NINES_TRY(TemplateValue value, fitting(kind, *std::move(piped), nullptr));
        arguments.push_back(std::move(value));
      }
      if (const auto* text = as_text(arguments.back())) bytes += text->size();
      cost += cost_of(kind, arguments.back());
    }
    // Keeps {{$x = print $x $x}} in a loop from filling the memory.
    if (bytes > limits_.output_bytes_max) {
      return limit("the arguments of " + name + " exceed " +
                   std::to_string(limits_.output_bytes_max) + " bytes");
    }
    if (auto counted = step(cost + bytes / 64); !counted) return std::move(counted).error();
    auto result = name == kInvokeFunction && &function == &op.function ? invoked(arguments)
                                                                       : function(arguments);
    if (failed_inside_) return result;
    if (result) {
      const auto* text = as_text(*result);
      auto counted = step(text != nullptr ? text->size() / 64 : 0);
      if (!counted) return std::move(counted).error();
      return result;
    }
    if (command != nullptr) {
      at(*command);
    } else {
      at(op);
    }
    return error("error calling " + name + ": " + result.error().what(), result.error().code());
  }

  // Steps beside those for the bytes of a text. A regular expression is compiled anew in each call,
  // which takes long for what repeats and for classes of letters.
  static std::size_t cost_of(char kind, const TemplateValue& value) {
    constexpr std::size_t kValuesMax = 10'000;
    if (kind == 'v') return count_values(value, kValuesMax) / 8;
    if (const auto* list = as_list(value)) return list->size() / 8;
    if (kind != 'r') return 0;
    const std::string& pattern = *as_text(value);
    const auto repeats = std::count(pattern.begin(), pattern.end(), '{');
    const auto escapes = std::count(pattern.begin(), pattern.end(), '\\');
    return 20 + pattern.size() + 300 * static_cast<std::size_t>(repeats) +
           30 * static_cast<std::size_t>(escapes);
  }

  // The value as an argument of the kind; `given` is what stands in the template, null for what
  // came through a pipe.
  Result<TemplateValue> fitting(char kind, TemplateValue value, const Operand* given) {
    const TemplateKind& wanted = template_kind(kind);
    if (wanted.fits(value)) return value;
    const bool constant =
        given != nullptr && given->path.empty() && given->kind == Operand::Kind::kLiteral;
    if (given != nullptr && given->kind == Operand::Kind::kNil) {
      if (wanted.nilable) return value;
      return error("cannot assign nil to " + std::string(wanted.name));
    }
    if (constant && (kind == 's' || kind == 'r'))
      return error("expected string; found " + shown(*given));
    if (constant) {
      return error("can't handle " + shown(*given) + " for arg of type " +
                   std::string(wanted.name));
    }
    if (is_nil(value)) return error("invalid value; expected " + std::string(wanted.name));
    return error("wrong type for value; expected " + std::string(wanted.name) + "; got " +
                 std::string(type_name(value)));
  }

  // tmpl NAME DOT: the text that template writes. It counts for the limit of the output at once,
  // and again when it is written.
  Result<TemplateValue> invoked(const std::vector<TemplateValue>& arguments) {
    const std::size_t begin = out_.size();
    const HtmlPlace html = html_;
    auto flow = enter(*as_text(arguments[0]), arguments[1]);
    failed_inside_ = !flow;
    if (!flow) return std::move(flow).error();  // a template cannot leave the loop of its caller
    TemplateHtml text{out_.substr(begin)};
    out_.resize(begin);
    html_ = html;
    return TemplateValue(std::move(text));
  }

  // and, or: the first argument that decides, without a look at those behind it.
  Result<TemplateValue> logic(const Operand& op, const Command* command, const TemplateValue& dot,
                              Piped piped) {
    const bool deciding = op.name == "or";
    const std::size_t count = command != nullptr ? command->operands.size() : 1;
    if (count == 1 && !piped) {
      return error("wrong number of args for " + op.name + ": want at least 1 got 0");
    }
    TemplateValue value;
    for (std::size_t i = 1; i < count; ++i) {
      NINES_TRY(value, operand(command->operands[i], dot));
      if (value.truth() == deciding) return value;
    }
    if (piped) return *std::move(piped);
    return value;
  }

  using Scope = std::vector<std::pair<std::string, TemplateValue>>;

  const TemplateTree& tree_;
  const TemplateLimits limits_;
  std::variant<const Node*, const Pipeline*, const Command*, const Operand*> place_;
  std::string_view current_ = tree_.name;  // the template being executed
  std::string out_;
  HtmlPlace html_;  // where in the document out_ ends; of TemplateMode::kHtml
  Scope scope_;     // the innermost variable last
  std::size_t steps_ = 0;
  int calls_ = 0;
  bool failed_inside_ = false;  // the error tells its place already
};

}  // namespace

Result<std::string> execute_template(const TemplateTree& tree, const TemplateValue& data,
                                     const std::map<std::string, TemplateValue>& variables,
                                     const TemplateLimits& limits) {
  return Executor(tree, limits).run(data, variables);
}

}  // namespace nines::internal
