#include "base/text/internal/template_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text/internal/template_builtins.h"
#include "base/text/internal/template_lexer.h"
#include "base/text/internal/utf8.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

constexpr std::array<std::string_view, 11> kKeywords = {"if",    "else",     "end",      "range",
                                                        "with",  "define",   "template", "block",
                                                        "break", "continue", "nil"};

std::optional<std::int64_t> parse_integer_literal(std::string text) {
  std::erase(text, '_');
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    digits.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || stop != end || code != std::errc()) return std::nullopt;
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
  if (value > kTop || (value == kTop && !negative)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

// As Go has numbers: an underscore stands between digits, or behind 0x and its like.
std::optional<TemplateValue> parse_number_literal(std::string text) {
  if (text.find("__") != std::string::npos || text.ends_with('_')) return std::nullopt;
  if (const auto integer = parse_integer_literal(text)) return TemplateValue(*integer);
  const std::size_t digits = text.find_first_not_of("+-");
  const std::string_view size = std::string_view(text).substr(std::min(digits, text.size()));
  const bool hex = size.starts_with("0x") || size.starts_with("0X");
  const bool whole = size.find_first_not_of("0123456789_") == std::string_view::npos;
  if (whole || (hex && text.find_first_of("pP") == std::string::npos)) return std::nullopt;
  std::erase(text, '_');
  if (const auto number = parse_double(text)) return TemplateValue(*number);
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view name, std::string_view text, const TemplateFunctions& functions)
      : functions_(functions) {
    tree_.name = name;
    tree_.text = text;
  }

  Result<TemplateTree> run() {
    tokens_ = lex_template(tree_.text);
    NINES_TRY(tree_.root, list());
    if (ended_by_ != "") return error(ended_at_, "unexpected {{" + ended_by_ + "}}");
    return std::move(tree_);
  }

 private:
  const Token& peek() const { return tokens_[next_]; }
  const Token& take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }
  bool is_symbol(std::string_view s) const {
    return peek().kind == TokenKind::kSymbol && peek().text == s;
  }
  bool is_word(std::string_view s) const {
    return peek().kind == TokenKind::kWord && peek().text == s;
  }
  Error error(std::size_t at, std::string_view what) const {
    return template_error(tree_.name, tree_.text, at, what);
  }
  // Go's name of a token: a word of the language as <word>, all others quoted.
  static std::string named(const Token& token) {
    if (token.kind == TokenKind::kEnd) return "EOF";
    if (token.kind == TokenKind::kClose) return "\"}}\"";
    if (token.kind == TokenKind::kDot) return "<.>";
    const bool keyword =
        token.kind == TokenKind::kWord &&
        std::find(kKeywords.begin(), kKeywords.end(), token.text) != kKeywords.end();
    if (keyword) return "<" + token.text + ">";
    const std::string text = token.kind == TokenKind::kField ? "." + token.text
                             : token.source.empty()          ? token.text
                                                             : token.source;
    if (text.size() <= 10) return quote_go(text);
    std::size_t bytes = 0;
    for (int runes = 0; runes < 10 && bytes < text.size(); ++runes) {
      bytes += read_rune(std::string_view(text).substr(bytes)).length;
    }
    return quote_go(text.substr(0, bytes)) + "...";
  }

  // The fault that cutting met, or the token that does not belong here.
  Error unexpected(std::string_view where) const {
    const Token& token = peek();
    if (token.kind != TokenKind::kError) {
      return error(token.at, "unexpected " + named(token) + " in " + std::string(where));
    }
    std::string what = token.text;
    const std::string_view text = tree_.text;
    const auto line = [text](std::size_t at) {
      return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    };
    if (in_action_ && line(action_at_) != line(token.at)) {
      what += what.ends_with(" action") ? "" : " in action";
      what += " started at " + tree_.name + ":" + std::to_string(line(action_at_));
    }
    return error(token.at, what);
  }
  Result<void> close(std::string_view where) {
    if (peek().kind != TokenKind::kClose) return unexpected(where);
    take();
    return {};
  }

  // Nodes up to {{end}} or {{else, which is left in ended_by_, or up to the end of the text.
  Result<NodeList> list() {
    if (++nesting_ > kTemplateNestingMax) return error(peek().at, "blocks are nested too deep");
    NodeList nodes;
    ended_by_.clear();
    while (peek().kind != TokenKind::kEnd) {
      const Token& token = take();
      in_action_ = false;
      if (token.kind == TokenKind::kError) {
        --next_;
        return unexpected("input");
      }
      if (token.kind == TokenKind::kText) {
        Node node;
        node.at = token.at;
        node.text = token.text;
        nodes.push_back(std::move(node));
        continue;
      }
      // Everything else starts with {{.
      in_action_ = true;
      action_at_ = token.at;
      if (is_word("end") || is_word("else")) {
        ended_at_ = peek().at;
        ended_by_ = take().text;
        if (ended_by_ == "end") {
          auto closed = close("end");
          if (!closed) return std::move(closed).error();
        }
        break;
      }
      auto done = action(nodes);
      if (!done) return std::move(done).error();
      ended_by_.clear();  // an inner block's end
    }
    --nesting_;
    return nodes;
  }

  Result<void> action(NodeList& nodes) {
    const std::size_t at = peek().at;
    if (is_word("define")) return define(at);
    Node node;
    node.at = at;
    if (is_word("if") || is_word("range") || is_word("with")) {
      const std::string keyword = take().text;
      NINES_TRY(node, control(keyword, at));
    } else if (is_word("template") || is_word("block")) {
      NINES_TRY(node, invocation(take().text == "block", at));
    } else if (is_word("break") || is_word("continue")) {
      const std::string shown_word = "{{" + peek().text + "}}";
      node.kind = take().text == "break" ? Node::Kind::kBreak : Node::Kind::kContinue;
      auto closed = close(shown_word);
      if (!closed) return closed;
      if (range_depth_ == 0) return error(at, shown_word + " outside {{range}}");
    } else {
      node.kind = Node::Kind::kAction;
      NINES_TRY(node.pipeline, pipeline("command", false));
      auto closed = close("command");
      if (!closed) return closed;
    }
    nodes.push_back(std::move(node));
    return {};
  }

  // Go's scopes: what a block declares ends with it, a definition knows nothing of what is around
  // it.
  void use(std::size_t at, const std::string& variable) {
    if (variable != "$" &&
        std::find(declared_.begin(), declared_.end(), variable) == declared_.end())
      tree_.undeclared.emplace_back(at, variable);
  }

  // After {{if, {{range or {{with: the pipeline, the body, and what follows {{else}}.
  Result<Node> control(const std::string& keyword, std::size_t at) {
    const std::size_t outside = declared_.size();
    auto node = block(keyword, at);
    declared_.resize(std::min(outside, declared_.size()));
    return node;
  }

  Result<Node> block(const std::string& keyword, std::size_t at) {
    Node node;
    node.at = at;
    node.kind = keyword == "if"      ? Node::Kind::kIf
                : keyword == "range" ? Node::Kind::kRange
                                     : Node::Kind::kWith;
    NINES_TRY(node.pipeline, pipeline(keyword, keyword == "range"));
    auto closed = close(keyword);
    if (!closed) return std::move(closed).error();
    range_depth_ += keyword == "range" ? 1 : 0;
    NINES_TRY(node.body, list());
    range_depth_ -= keyword == "range" ? 1 : 0;
    if (ended_by_ == "else") {
      // {{else if}} is {{else}}{{if}} with one {{end}} for both.
      if (keyword != "range" && is_word(keyword)) {
        in_action_ = true;
        if (++nesting_ > kTemplateNestingMax) return error(peek().at, "blocks are nested too deep");
        const std::size_t inner_at = take().at;
        NINES_TRY(Node inner, control(keyword, inner_at));
        --nesting_;
        node.otherwise.push_back(std::move(inner));
        return node;
      }
      if (is_word("if") || is_word("with")) return unexpected("input");
      closed = close("else");
      if (!closed) return std::move(closed).error();
      NINES_TRY(node.otherwise, list());
      if (ended_by_ == "else") return error(ended_at_, "expected end; found {{else}}");
    }
    if (ended_by_ != "end") return unclosed("{{" + keyword + "}}", at);
    return node;
  }

  // The text ends before the {{end}} of what began at `at`.
  Error unclosed(const std::string& what, std::size_t at) const {
    const std::string_view before = std::string_view(tree_.text).substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return error(tree_.text.size(), "unexpected EOF: " + what + " of line " + std::to_string(line) +
                                        " has no {{end}}");
  }

  Result<std::string> template_name(std::string_view where) {
    if (peek().kind != TokenKind::kString) return unexpected(where);
    return take().text;
  }

  Result<void> body_until_end(const std::string& name, std::size_t at) {
    const int ranges = std::exchange(range_depth_, 0);
    std::vector<std::string> around = std::exchange(declared_, {});
    NINES_TRY(NodeList body, list());
    range_depth_ = ranges;
    declared_ = std::move(around);
    if (ended_by_ == "else") return error(ended_at_, "unexpected {{else}} in define clause");
    if (ended_by_ != "end") return unclosed("template " + quote_go(name), at);
    NodeList& known = tree_.defined[name];
    if (!known.empty() && !is_blank(body)) {
      return error(at, "multiple definition of template " + quote_go(name));
    }
    if (known.empty()) known = std::move(body);
    return {};
  }

  // Of spaces alone: an empty definition does not count beside another.
  static bool is_blank(const NodeList& body) {
    return std::all_of(body.begin(), body.end(), [](const Node& node) {
      return node.kind == Node::Kind::kText && trim(node.text).empty();
    });
  }

  Result<void> define(std::size_t at) {
    if (nesting_ > 1) return unexpected("command");
    take();
    NINES_TRY(const std::string name, template_name("define clause"));
    auto closed = close("define clause");
    if (!closed) return closed;
    return body_until_end(name, at);
  }

  Result<Node> invocation(bool is_block, std::size_t at) {
    Node node;
    node.kind = Node::Kind::kTemplate;
    node.at = at;
    const std::string clause = is_block ? "block clause" : "template clause";
    node.at = peek().at;
    NINES_TRY(node.text, template_name(clause));
    if (is_block || peek().kind != TokenKind::kClose) {
      NINES_TRY(node.pipeline, pipeline(clause, false));
    }
    auto closed = close(clause);
    if (!closed) return std::move(closed).error();
    if (is_block) {
      auto body = body_until_end(node.text, at);
      if (!body) return std::move(body).error();
    }
    return node;
  }

  // $x := ..., $x = ..., and in a range also $i, $x := ...
  Result<void> declarations(Pipeline& pipe, bool in_range, std::string_view where) {
    if (peek().kind != TokenKind::kVariable) return {};
    const Token& after = tokens_[next_ + 1];
    const bool pair = after.kind == TokenKind::kSymbol && after.text == ",";
    if (pair && !in_range) {
      return error(after.at, "too many declarations in " + std::string(where));
    }
    if (!pair && !(after.kind == TokenKind::kSymbol && (after.text == ":=" || after.text == "="))) {
      return {};
    }
    const std::size_t at = peek().at;
    pipe.variables.push_back(take().text);
    if (pair) {
      take();
      if (peek().kind != TokenKind::kVariable) {
        return error(peek().at, "range can only initialize variables");
      }
      pipe.variables.push_back(take().text);
      if (is_symbol(",")) {
        return error(peek().at, "too many declarations in " + std::string(where));
      }
    }
    if (!is_symbol(":=") && !is_symbol("=")) return unexpected("a declaration");
    pipe.declares = take().text == ":=";
    for (const std::string& variable : pipe.variables) {
      if (!pipe.declares) use(at, variable);
    }
    return {};
  }

  Result<Pipeline> pipeline(std::string_view where, bool in_range) {
    Pipeline pipe;
    pipe.at = peek().at;
    auto declared = declarations(pipe, in_range, where);
    if (!declared) return std::move(declared).error();
    for (std::size_t stage = 1;; ++stage) {
      const std::size_t at = peek().at;
      const bool closes = peek().kind == TokenKind::kClose || is_symbol(")");
      if (stage > 1 && closes) break;  // Go lets a pipeline end in |
      NINES_TRY(Command command, this->command(where));
      const Operand::Kind first = command.operands[0].kind;
      const bool callable = first == Operand::Kind::kFunction || first == Operand::Kind::kField ||
                            first == Operand::Kind::kVariable || first == Operand::Kind::kPipeline;
      if (!pipe.commands.empty() && !callable) {
        return error(at, "non executable command in pipeline stage " + std::to_string(stage));
      }
      pipe.commands.push_back(std::move(command));
      if (!is_symbol("|")) break;
      take();
    }
    if (pipe.declares)
      declared_.insert(declared_.end(), pipe.variables.begin(), pipe.variables.end());
    return pipe;
  }

  Result<Command> command(std::string_view where) {
    Command command;
    command.at = peek().at;
    while (true) {
      const Token& token = peek();
      const bool closes = token.kind == TokenKind::kClose || is_symbol(")");
      if ((closes || is_symbol("|")) && !command.operands.empty()) return command;
      if (closes) return error(token.at, "missing value for " + std::string(where));
      if (!command.operands.empty() && !token.space_before) return unexpected("operand");
      NINES_TRY(Operand operand, this->operand(command.operands.empty() ? where : "operand"));
      command.operands.push_back(std::move(operand));
    }
  }

  Result<Operand> operand(std::string_view where) {
    const Token& token = peek();
    Operand operand;
    operand.at = token.at;
    switch (token.kind) {
      case TokenKind::kDot:
        operand.kind = Operand::Kind::kDot;
        break;
      case TokenKind::kField:
        operand.kind = Operand::Kind::kField;
        operand.path.push_back(token.text);
        break;
      case TokenKind::kVariable:
        operand.kind = Operand::Kind::kVariable;
        operand.name = token.text;
        use(token.at, token.text);
        break;
      case TokenKind::kString:
        operand.kind = Operand::Kind::kLiteral;
        operand.literal = token.text;
        operand.source = token.source;
        break;
      case TokenKind::kCharacter:
      case TokenKind::kNumber: {
        const auto number = parse_number_literal(token.text);
        if (!number) return bad_number(token);
        operand.kind = Operand::Kind::kLiteral;
        operand.literal = *number;
        operand.source = token.source;
        break;
      }
      case TokenKind::kWord:
        if (auto known = word(token, operand, where); !known) return std::move(known).error();
        break;
      default: {
        if (!is_symbol("(")) return unexpected(where);
        take();
        if (++nesting_ > kTemplateNestingMax) return error(token.at, "nested too deep");
        NINES_TRY(Pipeline inner, pipeline("parenthesized pipeline", false));
        --nesting_;
        if (!is_symbol(")")) return unexpected("parenthesized pipeline");
        operand.kind = Operand::Kind::kPipeline;
        operand.pipeline = std::make_shared<const Pipeline>(std::move(inner));
      }
    }
    take();
    return with_fields(std::move(operand));
  }

  Error bad_number(const Token& token) const {
    const bool digits = token.text.find_first_not_of("+-0123456789_") == std::string::npos &&
                        token.text.find("__") == std::string::npos && !token.text.ends_with('_') &&
                        token.text.size() > 1;
    if (!digits) return error(token.at, "illegal number syntax: " + quote_go(token.text));
    return error(token.at, token.text + " overflows int");
  }

  Result<Operand> with_fields(Operand operand) {
    if (peek().kind != TokenKind::kField || peek().space_before) return operand;
    if (operand.kind == Operand::Kind::kLiteral || operand.kind == Operand::Kind::kNil ||
        operand.kind == Operand::Kind::kDot) {
      return error(peek().at, "unexpected . after term " + quote_go(shown(operand)));
    }
    operand.at = peek().at;
    while (peek().kind == TokenKind::kField && !peek().space_before) {
      operand.path.push_back(take().text);
    }
    return operand;
  }

  Result<void> word(const Token& token, Operand& operand, std::string_view where) {
    if (token.text == "true" || token.text == "false") {
      operand.kind = Operand::Kind::kLiteral;
      operand.literal = token.text == "true";
      operand.source = token.text;
      return {};
    }
    if (token.text == "nil") {
      operand.kind = Operand::Kind::kNil;
      return {};
    }
    if (std::find(kKeywords.begin(), kKeywords.end(), token.text) != kKeywords.end()) {
      return unexpected(where);
    }
    operand.kind = Operand::Kind::kFunction;
    operand.name = token.text;
    if (const auto it = functions_.find(token.text); it != functions_.end()) {
      operand.function = it->second;
      return {};
    }
    if (token.text == "and" || token.text == "or") return {};
    const auto& builtins = template_builtins();
    const auto it = builtins.find(token.text);
    if (it == builtins.end()) {
      return error(token.at, "function " + quote_go(token.text) + " not defined");
    }
    operand.function = it->second;
    return {};
  }

  const TemplateFunctions& functions_;
  TemplateTree tree_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int nesting_ = 0;
  int range_depth_ = 0;
  bool in_action_ = false;
  std::size_t action_at_ = 0;          // of the action being read
  std::vector<std::string> declared_;  // variables in scope, besides $
  std::string ended_by_;               // "end", "else", or empty at the end of the text
  std::size_t ended_at_ = 0;
};

}  // namespace

Result<TemplateTree> parse_template(std::string_view name, std::string_view text,
                                    const TemplateFunctions& functions) {
  return Parser(name, text, functions).run();
}

}  // namespace nines::internal
