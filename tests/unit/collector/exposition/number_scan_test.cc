// Numbers that are read eight digits at a time are the ones strtod() reads.
#include "collector/exposition/internal/number_scan.h"

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "collector/exposition/internal/value_scan.h"

namespace nines::collector {
namespace {

// What scan_decimal() says of the text, at the end of a line.
struct Scanned {
  bool taken = false;
  double value = 0;
};
Scanned scanned(const std::string& text, const char* behind = "\n9.9e9") {
  char room[128] = {};
  REQUIRE(text.size() + std::strlen(behind) < kDecimalBytes);
  std::memcpy(room, text.data(), text.size());
  std::strcpy(room + text.size(), behind);
  Scanned out;
  const char* const end = scan_decimal(room, out.value);
  out.taken = end != nullptr;
  if (out.taken) REQUIRE(end == room + text.size());
  return out;
}

// True: taken, and the same double. A text that is not taken must still be read well elsewhere.
bool as_strtod(const std::string& text, std::uint64_t& taken) {
  const double wanted = std::strtod(text.c_str(), nullptr);
  const Scanned got = scanned(text);
  if (!got.taken) return scan_value(text) == wanted;
  ++taken;
  if (std::bit_cast<std::uint64_t>(got.value) == std::bit_cast<std::uint64_t>(wanted)) return true;
  MESSAGE(text);
  return false;
}

std::string some_digits(std::mt19937_64& random, std::uint64_t count) {
  std::string out;
  for (std::uint64_t i = 0; i < count; ++i) out += static_cast<char>('0' + random() % 10);
  return out;
}

TEST_CASE("decimals of every shape are rounded as strtod() does") {
  std::mt19937_64 random(20261127);
  std::uint64_t taken = 0;
  std::uint64_t wrong = 0;
  constexpr int kRounds = 600'000;
  for (int i = 0; i < kRounds; ++i) {
    std::string text = random() % 4 == 0 ? "-" : "";
    text += some_digits(random, 1 + random() % 10);
    if (random() % 4 != 0) text += "." + some_digits(random, random() % 11);
    if (random() % 2 == 0) {
      const char* const sign = random() % 2 == 0 ? "-" : random() % 2 == 0 ? "+" : "";
      text += std::string("e") + sign + some_digits(random, 2);
    }
    wrong += as_strtod(text, taken) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(taken > kRounds / 2);
}

TEST_CASE("doubles written with 15, 16, 17 and the fewest digits come back") {
  std::mt19937_64 random(7);
  std::uint64_t taken = 0;
  std::uint64_t wrong = 0;
  constexpr int kRounds = 150'000;
  for (int i = 0; i < kRounds; ++i) {
    const auto exponent = static_cast<std::uint64_t>(1023 - 88 + random() % 176);
    const double value = std::bit_cast<double>((random() >> 12) | (exponent << 52));
    char text[64];
    for (const char* format : {"%.15g", "%.16g", "%.17g", "%.18e"}) {
      std::snprintf(text, sizeof text, format, value);
      wrong += as_strtod(text, taken) ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
  CHECK(taken > 2 * kRounds);
}

TEST_CASE("halfway between two doubles, and next to that, the even one and the nearer one win") {
  std::mt19937_64 random(99);
  std::uint64_t taken = 0;
  std::uint64_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    // Between 2^53 and 2^63 doubles are 2^(bits-53) apart.
    const std::uint64_t bits = 54 + random() % 10;
    const std::uint64_t apart = 1ULL << (bits - 53);
    const std::uint64_t base = (1ULL << (bits - 1)) | ((random() >> (65 - bits)) & ~(apart - 1));
    const std::uint64_t half = base + apart / 2;
    for (const std::uint64_t whole : {half - 1, half, half + 1}) {
      const std::string text = std::to_string(whole);
      wrong += as_strtod(text, taken) ? 0 : 1;
      wrong += as_strtod(text.substr(0, 3) + "." + text.substr(3), taken) ? 0 : 1;
    }
    // Halves of small numbers in decimals: 2^-k has k places.
    char fraction[64];
    const double small = static_cast<double>(random() % 512) / 512;
    std::snprintf(fraction, sizeof fraction, "%llu.%09d",
                  static_cast<unsigned long long>((1ULL << 33) + random() % (1ULL << 33)),
                  static_cast<int>(small * 1e9));
    wrong += as_strtod(fraction, taken) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(taken > 600'000);
}

TEST_CASE("powers at the ends of what is read at once, zeros, signs") {
  std::uint64_t taken = 0;
  for (const char* text : {"0",
                           "-0",
                           "0.0",
                           "-0.0",
                           "0e-27",
                           "0e30",
                           "1e22",
                           "1e23",
                           "9007199254740993e22",
                           "9007199254740993e27",
                           "18446744073709551615",
                           "9999999999999999999e27",
                           "9999999999999999999e-27",
                           "1e-27",
                           "1e-28",
                           "0.0000000000000000001",
                           "00000001",
                           "000000000000000000000000000012",
                           "0.1234567890123456789",
                           "12345678",
                           "123456789",
                           "1234567890123456",
                           "12345678901234567",
                           "5.",
                           ".5",
                           "-.5",
                           "1.e5",
                           "1e00",
                           "1e99",
                           "8.000000000000001",
                           "4503599627370497.5",
                           "4503599627370496.5",
                           "9007199254740992",
                           "9007199254740993",
                           "1.7976931348623157e+308",
                           "4.9e-324"}) {
    CAPTURE(text);
    CHECK(as_strtod(text, taken));
  }
  CHECK(taken > 20);
}

TEST_CASE("what is no decimal, or does not end its line, is left alone") {
  for (const char* text :
       {"",      "-",  ".",   "-.",   "e5",   ".e5", "1e",    "1e+", "1e5", "1e-5",
        "1e123", "+1", "NaN", "+Inf", "0x10", "1_0", "1.2.3", "--1", "1E",  "1e+-5"}) {
    CAPTURE(text);
    CHECK_FALSE(scanned(text).taken);
  }
  for (const char* behind : {" ", " 17\n", "\r\n", "\t", "}", ""}) {
    CAPTURE(behind);
    CHECK_FALSE(scanned("12", behind).taken);
    CHECK_FALSE(scanned("1.5e+10", behind).taken);
  }
}

}  // namespace
}  // namespace nines::collector
