// Compiled once for every machine and once for those that take four doubles at a time; both round
// the same.
#include "rules/promql/internal/rate_kernel.h"

namespace nines::promql {
namespace {

[[gnu::always_inline]] inline void finish(const RateColumns& c, const double* increase,
                                          std::size_t count, bool counter, double seconds,
                                          double* out) {
  for (std::size_t k = 0; k < count; ++k) {
    const double grown = increase[k];
    const double sampled = c.sampled[k];
    const double to_start = c.to_start[k];
    const double to_zero = sampled * (c.before[k] / grown);
    const bool falls = (counter & (grown > 0) & (c.before[k] >= 0) & (to_zero < to_start)) != 0;
    double factor = (sampled + (falls ? to_zero : to_start) + c.to_end[k]) / sampled;
    factor = seconds > 0 ? factor / seconds : factor;
    out[k] = grown * factor;
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void finish_wide(const RateColumns& c, const double* increase,
                                         std::size_t count, bool counter, double seconds,
                                         double* out) {
  finish(c, increase, count, counter, seconds, out);
}
#endif

}  // namespace

void finish_rates(const RateColumns& columns, const double* increase, std::size_t count,
                  bool counter, double seconds, double* out) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) return finish_wide(columns, increase, count, counter, seconds, out);
#endif
  finish(columns, increase, count, counter, seconds, out);
}

}  // namespace nines::promql
