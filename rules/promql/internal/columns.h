#pragma once
// Questions about whole columns of values, two at a time where the machine can: every x86-64 has
// these instructions, and compilers do not find them here by themselves.

#include <cstddef>

#include "base/model/sample.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nines::promql {

// Is any value a staleness marker?
inline bool any_stale(const double* values, std::size_t count) {
  std::size_t i = 0;
#if defined(__SSE2__)
  const __m128i stale = _mm_set1_epi64x(static_cast<long long>(kStaleNanBits));
  __m128i found = _mm_setzero_si128();
  for (; i + 2 <= count; i += 2) {
    const __m128i halves = _mm_cmpeq_epi32(_mm_castpd_si128(_mm_loadu_pd(values + i)), stale);
    found = _mm_or_si128(found, _mm_and_si128(halves, _mm_shuffle_epi32(halves, 0xB1)));
  }
  if (_mm_movemask_epi8(found) != 0) return true;
#endif
  for (; i < count; ++i) {
    if (is_stale_nan(values[i])) return true;
  }
  return false;
}

// Is any value less than the one before it?
inline bool any_decrease(const double* values, std::size_t count) {
  std::size_t i = 1;
#if defined(__SSE2__)
  __m128d found = _mm_setzero_pd();
  for (; i + 2 <= count; i += 2) {
    found = _mm_or_pd(found, _mm_cmplt_pd(_mm_loadu_pd(values + i), _mm_loadu_pd(values + i - 1)));
  }
  if (_mm_movemask_pd(found) != 0) return true;
#endif
  for (; i < count; ++i) {
    if (values[i] < values[i - 1]) return true;
  }
  return false;
}

}  // namespace nines::promql
