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

// The functions here read 16 or 32 bytes from where they are told, whatever they then look at.
inline constexpr std::size_t kBytesAtOnce = 16;

namespace bytes16_detail {

inline bool is_name_byte(unsigned char c, bool colon) {
  const auto letter = static_cast<unsigned char>((c | 0x20U) - 'a');
  const auto digit = static_cast<unsigned char>(c - '0');
  return letter < 26 || digit < (colon ? 11 : 10) || c == '_';  // ':' is the byte behind '9'
}

}  // namespace bytes16_detail

// A bit for each byte that is of a name: a letter, digit, _ or, with `colon`, a colon.
template <bool colon>
inline unsigned name_mask(const char* p) {
#if defined(__SSE2__)
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // x <= n, unsigned, is min(x, n) == x.
  const __m128i letter = _mm_sub_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
  const __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
  const __m128i is_digit =
      _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(colon ? 10 : 9)), digit);
  const __m128i is_line = _mm_cmpeq_epi8(text, _mm_set1_epi8('_'));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is_letter, is_digit), is_line)));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < kBytesAtOnce; ++i) {
    if (bytes16_detail::is_name_byte(static_cast<unsigned char>(p[i]), colon)) mask |= 1U << i;
  }
  return mask;
#endif
}

// A bit for each byte that is a backslash, a line feed or, with `quotes`, a quote.
template <bool quotes>
inline unsigned stop_mask(const char* p) {
#if defined(__SSE2__)
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i slash = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'));
  __m128i stop = _mm_or_si128(slash, _mm_cmpeq_epi8(text, _mm_set1_epi8('\n')));
  if constexpr (quotes) stop = _mm_or_si128(stop, _mm_cmpeq_epi8(text, _mm_set1_epi8('"')));
  return static_cast<unsigned>(_mm_movemask_epi8(stop));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < kBytesAtOnce; ++i) {
    if (p[i] == '\\' || p[i] == '\n' || (quotes && p[i] == '"')) mask |= 1U << i;
  }
  return mask;
#endif
}

// How many of the next 32 bytes, from the first, are of a name. 32 at once, as most names are
// shorter: a loop's end would be guessed wrong more often than not.
template <bool colon>
inline unsigned name_bytes(const char* p) {
  const unsigned mask = name_mask<colon>(p) | name_mask<colon>(p + kBytesAtOnce) << kBytesAtOnce;
  return static_cast<unsigned>(std::countr_one(mask));
}

// How many of the next 32 stand before the first that stop_mask() knows.
template <bool quotes>
inline unsigned plain_bytes(const char* p) {
  const unsigned mask = stop_mask<quotes>(p) | stop_mask<quotes>(p + kBytesAtOnce) << kBytesAtOnce;
  return static_cast<unsigned>(std::countr_zero(mask));
}

inline constexpr unsigned kRunMax = 32;  // of name_bytes() and plain_bytes()

// Whether the first `size` bytes of both are the same. Reads up to 16 bytes past them.
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
