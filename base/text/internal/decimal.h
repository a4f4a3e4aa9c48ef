#pragma once
// The shortest decimal digits of a double that read back as the same double, and Go's ways to lay
// them out.

#include <string>

namespace nines::internal {

// Go's %g with shortest digits switches to an exponent at 1e6, however many digits there are.
inline constexpr int kGoExponentMin = 6;

// 0.DIGITS x 10^point, negative when `negative`; zero is the digit "0" with point 1.
struct Decimal {
  bool negative = false;
  std::string digits;
  int point = 0;

  std::string fixed() const;       // 1234.5, never an exponent
  std::string scientific() const;  // 1.2345e+03, the exponent at least two digits
};

// `v` must be finite.
Decimal shortest_decimal(double v);

}  // namespace nines::internal
