#include "rules/promql/internal/float_filter.h"

#include "rules/promql/internal/arithmetic.h"

namespace nines::promql {

FloatFilter FloatFilter::after(const ScalarSide& arithmetic) const {
  FloatFilter out = *this;
  out.before_.push_back(arithmetic);
  return out;
}

bool FloatFilter::keeps(double value, std::size_t step) const {
  for (auto side = before_.rbegin(); side != before_.rend(); ++side) {
    const double scalar = side->scalars[step];
    value = side->left ? scalar_arithmetic(side->op, scalar, value)
                       : scalar_arithmetic(side->op, value, scalar);
  }
  const double scalar = comparison_.scalars[step];
  return comparison_.left ? compare(comparison_.op, scalar, value)
                          : compare(comparison_.op, value, scalar);
}

bool FloatFilter::keeps_any(const double* row, std::size_t steps) const {
  for (std::size_t s = 0; s < steps; ++s) {
    if (!is_absent(row[s]) && keeps(row[s], s)) return true;
  }
  return false;
}

}  // namespace nines::promql
