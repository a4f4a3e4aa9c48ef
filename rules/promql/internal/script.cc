#include "rules/promql/script.h"

#include <utility>

#include "rules/promql/internal/functions.h"
#include "rules/promql/internal/parser.h"
#include "rules/promql/internal/script_commands.h"
#include "rules/promql/internal/script_compare.h"
#include "rules/promql/internal/script_load.h"

namespace nines::promql {
namespace {

// What decides whether an instant evaluation may be repeated at other times.
struct Traits {
  bool uses_step_time = false;    // time() and the like
  bool uses_query_range = false;  // step(), range(), start(), end()
};

void look(const DurationExpr* d, Traits& traits) {
  if (d == nullptr) return;
  if (d->op == DurationExpr::Op::kStep || d->op == DurationExpr::Op::kRange)
    traits.uses_query_range = true;
  look(d->lhs.get(), traits);
  look(d->rhs.get(), traits);
}

// Fixes every selector at `at`, but where a fixed subquery stands around it, and looks at the rest.
void fix_time(Expr& expr, std::int64_t at, bool inside_fixed, Traits& traits) {
  const auto fix = [&](TimeShift& shift) {
    look(shift.offset.get(), traits);
    if (inside_fixed || shift.at == AtKind::kTime) return;
    shift.at = AtKind::kTime;
    shift.at_ms = at;
  };
  switch (expr.kind()) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return;
    case ExprKind::kVectorSelector:
      return fix(as<VectorSelector>(expr).shift);
    case ExprKind::kMatrixSelector: {
      auto& node = as<MatrixSelector>(expr);
      look(node.length.get(), traits);
      return fix(node.selector->shift);
    }
    case ExprKind::kSubquery: {
      auto& node = as<Subquery>(expr);
      look(node.length.get(), traits);
      look(node.step.get(), traits);
      fix(node.shift);
      return fix_time(*node.expr, at, true, traits);
    }
    case ExprKind::kCall: {
      auto& node = as<Call>(expr);
      const Fn id = node.function->id;
      if (node.function->uses_step_time && id != Fn::kInfo) traits.uses_step_time = true;
      if (id == Fn::kStart || id == Fn::kEnd || id == Fn::kStep || id == Fn::kRange) {
        traits.uses_query_range = true;
      }
      for (std::size_t i = 0; i < node.args.size(); ++i) {
        // The label selector of info() selects no samples of its own.
        fix_time(*node.args[i], at, inside_fixed || (id == Fn::kInfo && i == 1), traits);
      }
      return;
    }
    case ExprKind::kAggregate: {
      auto& node = as<Aggregate>(expr);
      fix_time(*node.expr, at, inside_fixed, traits);
      if (node.param) fix_time(*node.param, at, inside_fixed, traits);
      return;
    }
    case ExprKind::kBinary:
      fix_time(*as<Binary>(expr).lhs, at, inside_fixed, traits);
      return fix_time(*as<Binary>(expr).rhs, at, inside_fixed, traits);
    case ExprKind::kUnary:
      return fix_time(*as<Unary>(expr).expr, at, inside_fixed, traits);
    case ExprKind::kParen:
      return fix_time(*as<Paren>(expr).expr, at, inside_fixed, traits);
  }
}

// The samples of a range result at one of its steps.
Vector slice(const Matrix& matrix, std::int64_t at) {
  Vector out;
  for (const MatrixSeries& series : matrix) {
    for (std::size_t i = 0; i < series.samples.size(); ++i) {
      if (series.samples.times[i] != at) continue;
      out.push_back({series.labels, from_millis(at), series.samples.values[i],
                     series.samples.histograms.empty() ? nullptr : series.samples.histograms[i]});
    }
  }
  return out;
}

class Runner {
 public:
  Runner(std::string_view name, const ScriptStoreFactory& make_store, const Clock& clock,
         const EngineOptions& options)
      : name_(name), make_store_(make_store), clock_(clock), options_(options) {}

  Result<ScriptReport> run(const std::vector<ScriptCommand>& commands) {
    if (Result<void> ok = clear(); !ok) return ok.error();
    for (const ScriptCommand& command : commands) {
      Result<void> ok;
      std::string place = name_;
      if (std::holds_alternative<ClearCommand>(command)) ok = clear();
      if (const auto* load = std::get_if<LoadCommand>(&command)) {
        ok = loader_.load(*load, store_->appender());
        place += ":" + std::to_string(load->line);
      }
      if (const auto* eval = std::get_if<EvalCommand>(&command)) evaluate(*eval);
      if (!ok) return Error(ok.error()).in(place);
    }
    return std::move(report_);
  }

 private:
  Result<void> clear() {
    loader_ = {};
    store_ = nullptr;  // the old one goes before the new one comes
    NINES_TRY(store_, make_store_());
    return {};
  }

  void evaluate(const EvalCommand& command) {
    std::string difference = command.is_range ? range(command) : instant_everywhere(command);
    if (difference.empty()) {
      ++report_.passed;
      return;
    }
    ++report_.failed;
    report_.failures.push_back(name_ + ":" + std::to_string(command.line) + ": " + command.expr +
                               ": " + difference);
  }

  std::string judge(const EvalCommand& command, const Result<QueryResult>& result) const {
    if (!result) {
      return command.fail ? compare_failure(command, result.error().what()) : result.error().what();
    }
    if (command.fail) return "expected a failure, there was none";
    std::string text = compare_annotations(command, *result);
    return text.empty() ? compare_value(command, result->value) : text;
  }

  Engine engine() const { return Engine(store_->querier(), clock_, options_); }

  std::string range(const EvalCommand& command) const {
    const Result<Query> query = Query::parse(command.expr, options_);
    if (!query) return judge(command, query.error());
    return judge(command, engine().range(*query, from_millis(command.from), from_millis(command.to),
                                         Duration(command.step)));
  }

  std::string instant_everywhere(const EvalCommand& command) const {
    Result<ExprPtr> tree = Parser(command.expr, options_.depth_max).parse();
    if (!tree) return judge(command, tree.error());
    const std::int64_t at = command.at;
    Traits traits;
    fix_time(**tree, at, false, traits);
    const bool middle = !traits.uses_query_range && !command.range_vector && !command.text;
    std::string text = instant(command, command.expr, at, middle);
    if (!text.empty() || traits.uses_step_time || traits.uses_query_range) return text;
    const std::string fixed = print(**tree);
    std::vector<std::int64_t> times = {-10 * at, 0, at / 5, at, 10 * at};
    if (at == 0) times = {-1000, 0, 1000};
    for (const std::int64_t time : times) {
      text = instant(command, fixed, time, middle);
      if (!text.empty()) return text + " (as " + fixed + " at " + std::to_string(time) + " ms)";
    }
    return {};
  }

  std::string instant(const EvalCommand& command, const std::string& expr, std::int64_t at,
                      bool middle) const {
    const Result<Query> query = Query::parse(expr, options_);
    if (!query) return judge(command, query.error());
    const Result<QueryResult> result = engine().instant(*query, from_millis(at));
    std::string text = judge(command, result);
    if (!text.empty() || command.fail || !middle || command.ordered) return text;
    // The same as the middle step of a range.
    constexpr Duration kMinute{60'000};
    const Result<QueryResult> ranged =
        engine().range(*query, from_millis(at) - kMinute, from_millis(at) + kMinute, kMinute);
    if (!ranged) return "as a range: " + ranged.error().what();
    const Vector found = slice(std::get<Matrix>(ranged->value), at);
    if (std::holds_alternative<Scalar>(result->value)) {
      if (found.size() != 1) return "as a range: expected one value";
      text = compare_value(command, Scalar{from_millis(at), found[0].value});
    } else {
      text = compare_value(command, found);
    }
    return text.empty() ? text : "as a range: " + text;
  }

  std::string name_;
  const ScriptStoreFactory& make_store_;
  const Clock& clock_;
  const EngineOptions& options_;
  std::unique_ptr<ScriptStore> store_;
  ScriptLoader loader_;
  ScriptReport report_;
};

}  // namespace

Result<ScriptReport> run_script(std::string_view name, std::string_view text,
                                const ScriptStoreFactory& make_store, const Clock& clock,
                                const EngineOptions& options) {
  Result<std::vector<ScriptCommand>> commands = parse_script(text);
  if (!commands)
    return Error(ErrorCode::kInvalid, std::string(name) + ":" + commands.error().what());
  return Runner(name, make_store, clock, options).run(*commands);
}

}  // namespace nines::promql
