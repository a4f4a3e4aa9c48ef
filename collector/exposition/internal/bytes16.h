#pragma once
// Sixteen bytes of a text at a time: SSE2, which every x86-64 has; byte by byte elsewhere.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nines::collector {

// Every function here reads 16 bytes from each place it is given, whatever it then looks at.
inline constexpr std::size_t kBytesAtOnce = 16;

namespace bytes16_detail {

inline bool is_name_byte(unsigned char c, bool colon) {
  const auto letter = static_cast<unsigned char>((c | 0x20U) - 'a');
  const auto digit = static_cast<unsigned char>(c - '0');
  return letter < 26 || digit < (colon ? 11 : 10) || c == '_';  // ':' is the byte behind '9'
}

}  // namespace bytes16_detail

// How many of them, from the first, are of a name: letters, digits, _ and, with `colon`, colons.
template <bool colon>
inline unsigned name_bytes(const char* p) {
#if defined(__SSE2__)
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // x <= n, unsigned, is min(x, n) == x.
  const __m128i letter = _mm_sub_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
  const __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
  const __m128i is_digit =
      _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(colon ? 10 : 9)), digit);
  const __m128i is_line = _mm_cmpeq_epi8(text, _mm_set1_epi8('_'));
  const int in = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is_letter, is_digit), is_line));
  return static_cast<unsigned>(std::countr_one(static_cast<unsigned>(in)));
#else
  unsigned n = 0;
  while (n < kBytesAtOnce &&
         bytes16_detail::is_name_byte(static_cast<unsigned char>(p[n]), colon)) {
    ++n;
  }
  return n;
#endif
}

// How many of them stand before the first backslash, line feed or, with `quotes`, quote.
template <bool quotes>
inline unsigned plain_bytes(const char* p) {
#if defined(__SSE2__)
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i slash = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'));
  __m128i stop = _mm_or_si128(slash, _mm_cmpeq_epi8(text, _mm_set1_epi8('\n')));
  if constexpr (quotes) stop = _mm_or_si128(stop, _mm_cmpeq_epi8(text, _mm_set1_epi8('"')));
  const auto found = static_cast<unsigned>(_mm_movemask_epi8(stop));
  return static_cast<unsigned>(std::countr_zero(found | 0x10000U));
#else
  unsigned n = 0;
  while (n < kBytesAtOnce && p[n] != '\\' && p[n] != '\n' && !(quotes && p[n] == '"')) ++n;
  return n;
#endif
}

// Whether the first `size` bytes of both are the same. Reads up to 15 bytes past them.
inline bool same_bytes(const char* a, const char* b, std::size_t size) {
#if defined(__SSE2__)
  const auto equal = [](const char* x, const char* y) {
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)),
                                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(y)))));
  };
  for (; size >= kBytesAtOnce; size -= kBytesAtOnce, a += kBytesAtOnce, b += kBytesAtOnce) {
    if (equal(a, b) != 0xFFFFU) return false;
  }
  return (~equal(a, b) & ((1U << size) - 1)) == 0;
#else
  return std::memcmp(a, b, size) == 0;
#endif
}

}  // namespace nines::collector
