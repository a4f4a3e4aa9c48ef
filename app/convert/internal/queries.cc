#include "app/convert/internal/queries.h"

#include <algorithm>
#include <optional>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/ast.h"
#include "rules/promql/engine.h"

namespace nines::convert {
namespace {

using promql::Aggregate;
using promql::AggregateOp;
using promql::as;
using promql::Binary;
using promql::BinaryOp;
using promql::Call;
using promql::Expr;
using promql::ExprKind;
using promql::MatrixSelector;
using promql::NumberLiteral;
using promql::VectorSelector;
using Kind = Shape::Kind;

constexpr std::string_view kStandInRange = "5m";

// Templates of Sloth and others, for the window.
std::string with_range(const std::string& query) {
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const std::size_t open = query.find("{{", at);
    const std::size_t close = open == std::string::npos ? open : query.find("}}", open);
    if (close == std::string::npos) return out + query.substr(at);
    std::string_view inner = std::string_view(query).substr(open + 2, close - open - 2);
    if (inner.starts_with('-')) inner.remove_prefix(1);
    if (inner.ends_with('-')) inner.remove_suffix(1);
    out += query.substr(at, open - at);
    // Anything else is left to the parser, which says where it stands.
    if (to_lower(trim(inner)) == ".window") {
      out += kStandInRange;
    } else {
      out += query.substr(open, close + 2 - open);
    }
    at = close + 2;
  }
}

Shape unknown(std::string why) {
  Shape out;
  out.why = std::move(why);
  return out;
}

// Up to there an offset is taken to wait for late samples, not to look at another time.
constexpr Duration kWaitMax{600'000};
constexpr std::string_view kOffset = " offset ";

bool only_waits(const VectorSelector& selector) {
  if (!selector.shift.offset || selector.shift.at != promql::AtKind::kNone) return false;
  const std::string text = promql::print(selector);
  const std::size_t at = text.rfind(kOffset);
  if (at == std::string::npos) return false;
  const auto length = parse_duration(std::string_view(text).substr(at + kOffset.size()));
  return length && *length <= kWaitMax;
}

Shape of_selector(const VectorSelector& selector, Kind kind) {
  const bool waits = only_waits(selector);
  if ((selector.shift.offset && !waits) || selector.shift.at != promql::AtKind::kNone ||
      selector.anchored || selector.smoothed) {
    return unknown("`" + promql::print(selector) +
                   "` looks at another time (offset, @): nines counts each minute when it is over");
  }
  Shape out;
  out.kind = kind;
  out.selector = promql::print(selector);
  if (const std::size_t at = out.selector.rfind(kOffset); waits && at != std::string::npos) {
    out.offset = out.selector.substr(at + 1);
    out.selector.resize(at);
  }
  std::vector<std::string> matchers;
  for (const Matcher& matcher : selector.matchers) matchers.push_back(matcher.to_string());
  std::sort(matchers.begin(), matchers.end());
  out.same = join(matchers, ",");
  return out;
}

std::string compare_op(BinaryOp op) {
  switch (op) {
    case BinaryOp::kLess:
      return "lt";
    case BinaryOp::kLessEqual:
      return "lte";
    case BinaryOp::kGreater:
      return "gt";
    case BinaryOp::kGreaterEqual:
      return "gte";
    case BinaryOp::kEqual:
      return "eq";
    case BinaryOp::kNotEqual:
      return "ne";
    default:
      return "";
  }
}

std::string opposite(const std::string& op) {
  if (op == "lt") return "gte";
  if (op == "lte") return "gt";
  if (op == "gt") return "lte";
  if (op == "gte") return "lt";
  return op == "eq" ? "ne" : "eq";
}

// Walks a tree; `text` is what it was parsed from.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  Shape walk(const Expr& outer) const {
    const Expr& expr = promql::unwrap(outer);
    switch (expr.kind()) {
      case ExprKind::kVectorSelector:
        return of_selector(as<VectorSelector>(expr), Kind::kPlain);
      case ExprKind::kCall:
        return of_call(as<Call>(expr));
      case ExprKind::kAggregate:
        return of_aggregate(as<Aggregate>(expr));
      case ExprKind::kBinary:
        return of_binary(as<Binary>(expr));
      default:
        return not_counted(expr);
    }
  }

 private:
  static Shape not_counted(const Expr& expr) {
    return unknown("`" + promql::print(expr) +
                   "` is no count that plain series selectors could give");
  }

  std::string function_of(const Call& call) const {
    const std::string_view from = text_.substr(call.range.start);
    return std::string(trim(from.substr(0, from.find('('))));
  }

  Shape of_call(const Call& call) const {
    const std::string name = function_of(call);
    if (call.args.empty()) return not_counted(call);
    const Expr& arg = promql::unwrap(*call.args[0]);
    if (name == "sum_over_time" && arg.kind() == ExprKind::kSubquery)
      return of_counted_samples(as<promql::Subquery>(arg));
    if (arg.kind() == ExprKind::kMatrixSelector) {
      const VectorSelector& selector = *as<MatrixSelector>(arg).selector;
      if (name == "rate" || name == "increase") return of_selector(selector, Kind::kIncrease);
      if (name == "sum_over_time") return of_selector(selector, Kind::kSumOver);
      if (name == "count_over_time") return of_selector(selector, Kind::kCountOver);
      if (name == "avg_over_time") return of_selector(selector, Kind::kMeanOver);
    }
    if (name == "histogram_quantile") {
      return unknown(
          "histogram_quantile() gives a percentile, not a count: name the bucket of the "
          "threshold, like sum(rate(x_bucket{le=\"0.3\"}[{{.window}}]))");
    }
    return unknown("`" + promql::print(call) + "`: " + name +
                   "() gives no count that plain series selectors could give");
  }

  // sum_over_time(count(x < 3)[w:]): at each step the number of series for which it holds.
  Shape of_counted_samples(const promql::Subquery& subquery) const {
    const Expr& inner = promql::unwrap(*subquery.expr);
    if (inner.kind() != ExprKind::kAggregate || subquery.shift.offset ||
        subquery.shift.at != promql::AtKind::kNone) {
      return not_counted(subquery);
    }
    const auto& count = as<Aggregate>(inner);
    if (count.op != AggregateOp::kCount || count.without || !count.grouping.empty())
      return not_counted(subquery);
    const Expr& of = promql::unwrap(*count.expr);
    if (of.kind() == ExprKind::kVectorSelector)
      return of_selector(as<VectorSelector>(of), Kind::kSamples);
    if (of.kind() != ExprKind::kBinary) return not_counted(subquery);
    const auto& compare = as<Binary>(of);
    const Expr& lhs = promql::unwrap(*compare.lhs);
    const Expr& rhs = promql::unwrap(*compare.rhs);
    if (compare_op(compare.op).empty() || compare.return_bool ||
        lhs.kind() != ExprKind::kVectorSelector || rhs.kind() != ExprKind::kNumber) {
      return not_counted(subquery);
    }
    Shape out = of_selector(as<VectorSelector>(lhs), Kind::kSamplesIf);
    out.op = compare_op(compare.op);
    out.value = as<NumberLiteral>(rhs).value;
    return out;
  }

  Shape of_aggregate(const Aggregate& aggregate) const {
    const bool sum = aggregate.op == AggregateOp::kSum;
    const bool mean = aggregate.op == AggregateOp::kAvg;
    if ((!sum && !mean) || aggregate.without) return not_counted(aggregate);
    Shape inner = walk(*aggregate.expr);
    if (inner.kind == Kind::kUnknown) return inner;
    const bool of_series =
        inner.parts.empty() && inner.kind != Kind::kSamples && inner.kind != Kind::kSamplesIf;
    if (!of_series || mean != (inner.kind == Kind::kMeanOver)) return not_counted(aggregate);
    inner.summed = true;
    inner.by = aggregate.grouping;
    std::sort(inner.by.begin(), inner.by.end());
    return inner;
  }

  // {__name__=~"a|b",...}: two counters with the same matchers are summed by one selector.
  static std::optional<Shape> united(const Shape& a, const Shape& b) {
    if (a.kind != Kind::kIncrease || b.kind != Kind::kIncrease || a.by != b.by) return std::nullopt;
    const auto split_name = [](const Shape& shape) {
      std::string name, rest;
      const auto query = promql::Query::parse(shape.selector);
      if (!query) return std::pair(name, rest);
      const std::vector<std::vector<Matcher>> selectors = query->selectors();
      for (const Matcher& matcher : selectors.front()) {
        if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) {
          name = matcher.value();
        } else {
          rest += "," + matcher.to_string();
        }
      }
      return std::pair(name, rest);
    };
    const auto [name_a, rest_a] = split_name(a);
    const auto [name_b, rest_b] = split_name(b);
    if (name_a.empty() || name_b.empty() || name_a == name_b || rest_a != rest_b)
      return std::nullopt;
    const auto query =
        promql::Query::parse("{__name__=~\"" + name_a + "|" + name_b + "\"" + rest_a + "}");
    if (!query) return std::nullopt;
    Shape out = of_selector(as<VectorSelector>(query->expr()), Kind::kIncrease);
    out.by = a.by;
    return out;
  }

  Shape of_binary(const Binary& binary) const {
    const Expr& rhs = promql::unwrap(*binary.rhs);
    // "or vector(0)" fills in where nothing happened: that is what nines counts anyway.
    if (binary.op == BinaryOp::kOr && rhs.kind() == ExprKind::kCall &&
        function_of(as<Call>(rhs)) == "vector") {
      return walk(*binary.lhs);
    }
    const Expr& lhs = promql::unwrap(*binary.lhs);
    Shape right = walk(rhs);
    if (binary.op == BinaryOp::kSub && lhs.kind() == ExprKind::kNumber &&
        as<NumberLiteral>(lhs).value == 1) {
      if (right.kind == Kind::kUnknown) return right;
      Shape out;
      out.kind = Kind::kRest;
      out.parts = {std::move(right)};
      return out;
    }
    const bool known_op =
        binary.op == BinaryOp::kSub || binary.op == BinaryOp::kDiv || binary.op == BinaryOp::kAdd;
    if (!known_op) return not_counted(binary);
    Shape left = walk(lhs);
    if (left.kind == Kind::kUnknown) return left;
    if (right.kind == Kind::kUnknown) return right;
    if (binary.op == BinaryOp::kAdd) {
      if (auto sum = united(left, right)) return *std::move(sum);
      return unknown("`" + promql::print(binary) +
                     "` adds series that no one selector selects: record their sum as a counter, "
                     "or write two SLOs");
    }
    Shape out;
    out.kind = binary.op == BinaryOp::kSub ? Kind::kDifference : Kind::kQuotient;
    out.parts = {std::move(left), std::move(right)};
    return out;
  }

  std::string_view text_;
};

bool is_events(const Shape& shape, bool counter) {
  return shape.kind == Kind::kIncrease || shape.kind == Kind::kSumOver ||
         (shape.kind == Kind::kPlain && counter);
}

// Series that are known to be 0 or 1.
bool is_boolean(const Shape& shape) {
  return shape.selector == "up" || shape.selector.starts_with("up{") ||
         shape.selector == "probe_success" || shape.selector.starts_with("probe_success{");
}

// Each sample is the share of one event that was good, or bad.
std::string set_shares(const Shape& samples, bool is_bad, DraftIndicator& out) {
  out.kind =
      is_boolean(samples) && !is_bad ? DraftIndicator::Kind::kBoolean : DraftIndicator::Kind::kRaw;
  out.metric = samples.selector;
  out.raw_is_bad = is_bad;
  return "";
}

std::string set_samples_if(const Shape& part, bool part_is_bad, DraftIndicator& out) {
  out.kind = DraftIndicator::Kind::kThreshold;
  out.metric = part.selector;
  out.op = part_is_bad ? opposite(part.op) : part.op;
  out.value = part.value;
  return "";
}

}  // namespace

const std::vector<std::string>& labels_of(const Shape& shape) {
  return shape.parts.empty() ? shape.by : labels_of(shape.parts.back());
}

std::string offset_of(const Shape& shape) {
  std::string out = shape.offset;
  for (const Shape& part : shape.parts) {
    if (out.empty()) out = offset_of(part);
  }
  return out;
}

Result<Shape> shape_of(const std::string& query) {
  const std::string text = with_range(query);
  NINES_TRY(const promql::Query parsed, promql::Query::parse(text));
  return Walker(parsed.text()).walk(parsed.expr());
}

bool is_selector(const std::string& query) {
  const auto parsed = promql::Query::parse(query);
  return parsed && promql::unwrap(parsed->expr()).kind() == ExprKind::kVectorSelector;
}

void note_query(const std::string& query, const Shape& shape, const YAML::Mark& mark,
                Source& source) {
  if (const std::string offset = offset_of(shape); !offset.empty()) {
    source.note(mark, "`" + offset +
                          "` dropped: late samples count in the minute they belong to, also when "
                          "they come later");
  }
  for (std::size_t at = query.find("{{"); at != std::string::npos; at = query.find("{{", at + 2)) {
    const std::size_t before = query.find_last_not_of(" ", at - (at > 0 ? 1 : 0));
    if (at > 0 && before != std::string::npos && query[before] == '[') continue;
    source.note(mark, "the window outside of a range is taken as " + std::string(kStandInRange) +
                          ": " + query.substr(0, at) + std::string(kStandInRange) + "...");
    return;
  }
}

std::string set_events(const Shape& part, bool part_is_bad, const Shape& total, bool counter,
                       DraftIndicator& out) {
  if (part.kind == Kind::kUnknown) return part.why;
  if (total.kind == Kind::kUnknown) return total.why;
  if (part.kind == Kind::kSamplesIf && total.kind == Kind::kSamples && part.same == total.same)
    return set_samples_if(part, part_is_bad, out);
  if (part.kind == Kind::kSumOver && total.kind == Kind::kCountOver && part.same == total.same &&
      part.by == total.by) {
    return set_shares(part, part_is_bad, out);
  }
  if (part.kind == Kind::kDifference) {
    const Shape& whole = part.parts[0];
    const Shape& rest = part.parts[1];
    if (whole.kind == total.kind && whole.same == total.same && whole.by == total.by)
      return set_events(rest, !part_is_bad, total, counter, out);
    return "`" + whole.selector + "` is what is subtracted from, but the total is `" +
           total.selector + "`: nines can count the difference only when they are the same";
  }
  if (!is_events(part, counter) || !is_events(total, counter) ||
      (part.kind == Kind::kSumOver) != (total.kind == Kind::kSumOver)) {
    return "the two queries do not both count events: sum(rate(x)) or increase of counters, or "
           "sum_over_time of gauges, is needed";
  }
  if (part.by != total.by) {
    return "the two queries are summed by different labels: let both have the same";
  }
  out.kind = DraftIndicator::Kind::kRatio;
  out.counter = total.kind != Kind::kSumOver;
  (part_is_bad ? out.bad : out.good) = part.selector;
  out.total = total.selector;
  return "";
}

std::string set_ratio(const Shape& ratio, bool is_bad, DraftIndicator& out) {
  if (ratio.kind == Kind::kUnknown) return ratio.why;
  if (ratio.kind == Kind::kRest) return set_ratio(ratio.parts[0], !is_bad, out);
  if (ratio.kind == Kind::kMeanOver) return set_shares(ratio, is_bad, out);
  if (ratio.kind == Kind::kPlain && !ratio.summed) return set_shares(ratio, is_bad, out);
  if (ratio.kind == Kind::kQuotient)
    return set_events(ratio.parts[0], is_bad, ratio.parts[1], false, out);
  return "a ratio that is reckoned already cannot be counted event by event: give good (or bad) "
         "and total events";
}

std::string set_selector(const Shape& shape, std::string& out) {
  if (shape.kind == Kind::kUnknown) return shape.why;
  if (shape.kind != Kind::kPlain || shape.summed) {
    return "a plain series selector like name{label=\"value\"} is needed: each of its samples is "
           "one event";
  }
  out = shape.selector;
  return "";
}

}  // namespace nines::convert
