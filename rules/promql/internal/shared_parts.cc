#include "rules/promql/internal/shared_parts.h"

#include <algorithm>
#include <utility>

#include "rules/promql/internal/functions.h"
#include "rules/promql/shared_results.h"

namespace nines::promql {
namespace {

// Calls `visit(part)` for an expression and its parts, as far as they are evaluated on their own;
// not for those inside of one for which it gives false.
template <typename Visit>
void walk(const Expr& expr, const Visit& visit) {
  if (!visit(expr)) return;
  switch (expr.kind()) {
    case ExprKind::kMatrixSelector:
      return walk(*as<MatrixSelector>(expr).selector, visit);
    case ExprKind::kSubquery:
      return walk(*as<Subquery>(expr).expr, visit);
    case ExprKind::kCall:
      for (const ExprPtr& arg : as<Call>(expr).args) walk(*arg, visit);
      return;
    case ExprKind::kAggregate:
      if (as<Aggregate>(expr).param) walk(*as<Aggregate>(expr).param, visit);
      return walk(*as<Aggregate>(expr).expr, visit);
    case ExprKind::kBinary:
      walk(*as<Binary>(expr).lhs, visit);
      return walk(*as<Binary>(expr).rhs, visit);
    case ExprKind::kUnary:
      return walk(*as<Unary>(expr).expr, visit);
    case ExprKind::kParen:
      return walk(*as<Paren>(expr).expr, visit);
    default:
      return;
  }
}

bool is_info(const Expr& expr) {
  return expr.kind() == ExprKind::kCall && as<Call>(expr).function->id == Fn::kInfo;
}

}  // namespace

std::uint64_t SharedRows::bytes() const {
  std::uint64_t sum = rows.size() * (sizeof(SeriesHead) + sizeof(double)) +
                      series.size() * sizeof(std::uint32_t) + (of ? of->bytes_held() : 0);
  for (const SeriesHead& head : rows.series) sum += bytes_of(head.labels);
  for (const HistogramPtr& h : rows.histograms) sum += sizeof(h) + (h ? bytes_of(*h) : 0);
  return sum;
}

void SharedParts::add(const Expr& expr) {
  if (bytes_max_ == 0) return;
  walk(expr, [this](const Expr& one) {
    // Windows are read by the function around them, and subqueries have other instants.
    if (one.kind() == ExprKind::kMatrixSelector || one.kind() == ExprKind::kSubquery) return false;
    if (one.type() != ValueType::kVector || one.kind() == ExprKind::kParen) return true;
    return add_part(one);
  });
}

// False when it was seen before: its parts are not evaluated another time.
bool SharedParts::add_part(const Expr& expr) {
  const auto [place, fresh] = by_text_.try_emplace(print(expr), parts_.size());
  of_[&expr] = place->second;
  if (!fresh) {
    ++parts_[place->second].uses;
    return false;
  }
  Part part;
  part.uses = 1;
  walk(expr, [&part](const Expr& one) {
    if (is_info(one)) part.any_metric = true;
    if (one.kind() != ExprKind::kVectorSelector) return true;
    std::vector<Matcher> of_name;
    for (const Matcher& matcher : as<VectorSelector>(one).matchers) {
      if (matcher.name() == kMetricName) of_name.push_back(matcher);
    }
    part.of_metric.push_back(std::move(of_name));
    return true;
  });
  parts_.push_back(std::move(part));
  return true;
}

std::optional<std::size_t> SharedParts::find(const Expr& expr) const {
  const auto part = of_.find(&expr);
  if (part == of_.end()) return std::nullopt;
  const Part& found = parts_[part->second];
  if (found.uses < 2 || found.refused) return std::nullopt;
  return part->second;
}

const SharedRows* SharedParts::get(std::size_t number, std::int64_t at) const {
  const Part& part = parts_[number];
  return part.rows && part.at == at ? &*part.rows : nullptr;
}

const SharedRows* SharedParts::keep(std::size_t number, std::int64_t at, SharedRows& rows) {
  Part& part = parts_[number];
  drop(part);
  const std::uint64_t bytes = rows.bytes();
  if (bytes > bytes_max_ - held_) {
    part.refused = true;
    return nullptr;
  }
  part.rows = std::move(rows);
  part.rows->rows.charge = Charge();  // its query is charged no longer
  part.at = at;
  part.bytes = bytes;
  held_ += bytes;
  return &*part.rows;
}

void SharedParts::refuse(std::size_t number) {
  drop(parts_[number]);
  parts_[number].refused = true;
}

void SharedParts::drop(Part& part) {
  if (!part.rows) return;
  held_ -= part.bytes;
  part.rows.reset();
}

void SharedParts::wrote(std::string_view metric) {
  const auto reads = [metric](const std::vector<Matcher>& of_name) {
    return std::all_of(of_name.begin(), of_name.end(),
                       [metric](const Matcher& m) { return m.matches(metric); });
  };
  for (Part& part : parts_) {
    if (!part.rows) continue;
    if (part.any_metric || std::any_of(part.of_metric.begin(), part.of_metric.end(), reads))
      drop(part);
  }
}

void SharedParts::clear() {
  for (Part& part : parts_) {
    drop(part);
    part.refused = false;
  }
}

SharedResults::SharedResults(std::uint64_t bytes_max)
    : parts_(std::make_unique<SharedParts>(bytes_max)) {}
SharedResults::~SharedResults() = default;
void SharedResults::add(const Query& query) {
  parts_->add(query.expr());
}
void SharedResults::wrote(std::string_view metric) {
  parts_->wrote(metric);
}
void SharedResults::clear() {
  parts_->clear();
}

}  // namespace nines::promql
