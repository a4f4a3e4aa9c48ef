// The tree as JSON, in the shape of Prometheus's /api/v1/parse_query.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "rules/promql/ast.h"
#include "rules/promql/internal/functions.h"

namespace nines::promql {
namespace {

// A duration that depends on the query (step(), range()) has no value before there is one: 0.
double constant_seconds(const DurationExpr& d) {
  const double a = d.lhs ? constant_seconds(*d.lhs) : 0;
  const double b = d.rhs ? constant_seconds(*d.rhs) : 0;
  switch (d.op) {
    case DurationExpr::Op::kLiteral:
      return d.seconds;
    case DurationExpr::Op::kStep:
    case DurationExpr::Op::kRange:
      return 0;
    case DurationExpr::Op::kMin:
      return std::min(a, b);
    case DurationExpr::Op::kMax:
      return std::max(a, b);
    case DurationExpr::Op::kPlus:
      return a;
    case DurationExpr::Op::kNegate:
      return -a;
    case DurationExpr::Op::kAdd:
      return a + b;
    case DurationExpr::Op::kSub:
      return a - b;
    case DurationExpr::Op::kMul:
      return a * b;
    case DurationExpr::Op::kDiv:
      return b == 0 ? 0 : a / b;
    case DurationExpr::Op::kMod:
      return b == 0 ? 0 : std::fmod(a, b);
    case DurationExpr::Op::kPow:
      return std::pow(a, b);
  }
  return 0;
}

std::int64_t constant_ms(const DurationPtr& d) {
  if (!d) return 0;
  constexpr double kMost = 9e15;
  const double ms = constant_seconds(*d) * 1000;
  return std::fabs(ms) < kMost ? static_cast<std::int64_t>(std::llround(ms)) : 0;
}

std::string_view short_name(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kString:
      return "string";
    case ValueType::kNone:
      break;
  }
  return "none";
}

std::string_view card_name(Cardinality card) {
  switch (card) {
    case Cardinality::kOneToOne:
      return "one-to-one";
    case Cardinality::kManyToOne:
      return "many-to-one";
    case Cardinality::kOneToMany:
      return "one-to-many";
    case Cardinality::kManyToMany:
      return "many-to-many";
  }
  return {};
}

class Writer {
 public:
  std::string run(const Expr& expr) {
    write(expr);
    return json_.take();
  }

 private:
  void names(std::string_view key, const std::vector<std::string>& all) {
    json_.key(key).begin_array();
    for (const std::string& name : all) json_.value(name);
    json_.end_array();
  }

  void child(std::string_view key, const ExprPtr& expr) {
    json_.key(key);
    if (expr) {
      write(*expr);
    } else {
      json_.null();
    }
  }

  void shift(const TimeShift& at) {
    json_.field("offset", constant_ms(at.offset)).key("timestamp");
    if (at.at == AtKind::kTime) {
      json_.value(at.at_ms);
    } else {
      json_.null();
    }
    json_.key("startOrEnd");
    if (at.at == AtKind::kStart || at.at == AtKind::kEnd) {
      json_.value(at.at == AtKind::kStart ? "start" : "end");
    } else {
      json_.null();
    }
  }

  void selector(const VectorSelector& node) {
    json_.field("name", node.name).key("matchers").begin_array();
    for (const Matcher& m : node.matchers) {
      json_.begin_object().field("name", m.name()).field("value", m.value());
      json_.field("type", to_string(m.op())).end_object();
    }
    json_.end_array();
    shift(node.shift);
    if (node.anchored) json_.field("anchored", true);
    if (node.smoothed) json_.field("smoothed", true);
  }

  void matching(const Binary& node) {
    json_.key("matching");
    if (node.lhs->type() != ValueType::kVector || node.rhs->type() != ValueType::kVector) {
      json_.null();
      return;
    }
    const VectorMatching& m = node.matching;
    json_.begin_object().field("card", card_name(m.card));
    names("labels", m.labels);
    json_.field("on", m.on);
    names("include", m.include);
    json_.key("fillValues").begin_object();
    for (const auto& [side, value] :
         {std::pair("lhs", m.fill_left), std::pair("rhs", m.fill_right)}) {
      json_.key(side);
      if (value) {
        json_.value(format_double(*value));
      } else {
        json_.null();
      }
    }
    json_.end_object().end_object();
  }

  void call(const Call& node) {
    json_.key("func").begin_object().field("name", node.function->name);
    json_.key("argTypes").begin_array();
    for (const ValueType type : node.function->args) json_.value(short_name(type));
    json_.end_array().field("variadic", node.function->variadic);
    json_.field("returnType", short_name(node.function->result)).end_object();
    json_.key("args").begin_array();
    for (const ExprPtr& arg : node.args) write(*arg);
    json_.end_array();
  }

  void write(const Expr& expr) {
    json_.begin_object();
    switch (expr.kind()) {
      case ExprKind::kNumber:
        json_.field("type", "numberLiteral");
        json_.field("val", format_double(as<NumberLiteral>(expr).value));
        break;
      case ExprKind::kString:
        json_.field("type", "stringLiteral").field("val", as<StringLiteral>(expr).value);
        break;
      case ExprKind::kVectorSelector:
        json_.field("type", "vectorSelector");
        selector(as<VectorSelector>(expr));
        break;
      case ExprKind::kMatrixSelector: {
        const auto& node = as<MatrixSelector>(expr);
        json_.field("type", "matrixSelector").field("range", constant_ms(node.length));
        selector(*node.selector);
        break;
      }
      case ExprKind::kSubquery: {
        const auto& node = as<Subquery>(expr);
        json_.field("type", "subquery");
        child("expr", node.expr);
        json_.field("range", constant_ms(node.length)).field("step", constant_ms(node.step));
        shift(node.shift);
        break;
      }
      case ExprKind::kCall:
        json_.field("type", "call");
        call(as<Call>(expr));
        break;
      case ExprKind::kAggregate: {
        const auto& node = as<Aggregate>(expr);
        json_.field("type", "aggregation").field("op", to_string(node.op));
        child("expr", node.expr);
        child("param", node.param);
        names("grouping", node.grouping);
        json_.field("without", node.without);
        break;
      }
      case ExprKind::kBinary: {
        const auto& node = as<Binary>(expr);
        json_.field("type", "binaryExpr").field("op", to_string(node.op));
        child("lhs", node.lhs);
        child("rhs", node.rhs);
        matching(node);
        json_.field("bool", node.return_bool);
        break;
      }
      case ExprKind::kUnary:
        json_.field("type", "unaryExpr").field("op", as<Unary>(expr).negate ? "-" : "+");
        child("expr", as<Unary>(expr).expr);
        break;
      case ExprKind::kParen:
        json_.field("type", "parenExpr");
        child("expr", as<Paren>(expr).expr);
        break;
    }
    json_.end_object();
  }

  JsonWriter json_;
};

}  // namespace

std::string Query::to_json() const {
  return Writer().run(expr());
}

}  // namespace nines::promql
