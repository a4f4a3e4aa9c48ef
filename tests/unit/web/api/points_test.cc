#include "web/api/internal/points.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "web/api/internal/decimal_digits.h"
#include "web/api/internal/histogram_json.h"

namespace nines::web {
namespace {

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string seconds(std::int64_t ms) {
  std::string out;
  append_seconds(out, ms);
  return out;
}

TEST_CASE("numbers written in place are those of the slow way, whatever their bits") {
  for (const double v : {0.0, -0.0, 1.0, -1.5, 1e-6, 9.99e-7, 1e20, 9.9e20, 1e21, 5e-324, 0.1,
                         std::numeric_limits<double>::infinity(), 123456789.125, 1e17, 1e16 + 2}) {
    CHECK(number(v) == api_number(v));
    CHECK(number(-v) == api_number(-v));
  }
  CHECK(number(std::nan("")) == api_number(std::nan("")));
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const double any = std::bit_cast<double>(random());
    REQUIRE_MESSAGE(number(any) == api_number(any), any);
    const double usual = static_cast<double>(random() >> 20) / 1000;
    REQUIRE_MESSAGE(number(usual) == api_number(usual), usual);
  }
}

// As base/text writes them, and std::to_chars.
void check_fraction(double value) {
  const double size = std::fabs(value);
  constexpr double kFractionsBelow = 4503599627370496.0;
  if (!(size >= 1e-6 && size < kFractionsBelow) || size == std::floor(size)) return;
  if (std::bit_cast<std::uint64_t>(value) << 12 == 0) return;
  std::array<char, kDecimalMost> own{};
  std::array<char, 64> expected{};
  const char* const end = write_decimal(own.data(), value);
  const char* const expected_end = std::to_chars(expected.data(), expected.data() + expected.size(),
                                                 value, std::chars_format::fixed)
                                       .ptr;
  const std::string_view text(own.data(), static_cast<std::size_t>(end - own.data()));
  const std::string_view wanted(expected.data(),
                                static_cast<std::size_t>(expected_end - expected.data()));
  if (text != wanted) FAIL_CHECK(std::string(text) << " is not " << std::string(wanted));
}

TEST_CASE("fractions have the shortest digits, and the nearest of those") {
  std::mt19937_64 random(11);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  for (int i = 0; i < 400'000; ++i) {
    check_fraction(std::ldexp(static_cast<double>(random() >> 11), -below(73)));  // any mantissa
    const double decimal =
        static_cast<double>(random() >> (11 + below(53))) / std::pow(10.0, below(12));
    for (const double near :
         {decimal, -decimal, std::nextafter(decimal, 0), std::nextafter(decimal, 1e300)}) {
      check_fraction(near);
    }
    // Neighbours of powers of two, and few bits: halves of units are ties.
    const double power = std::ldexp(1.0, below(72) - 20);
    check_fraction(std::nextafter(power, 0));
    check_fraction(std::nextafter(power, 1e300));
    check_fraction(power * static_cast<double>(2 * below(1 << 12) + 1) / 4096);
  }
  check_fraction(std::nextafter(1e-6, 1));
  check_fraction(4503599627370495.5);
  check_fraction(0.3);
  CHECK(number(0.3) == "0.3");
  CHECK(number(0.1 + 0.2) == "0.30000000000000004");
  CHECK(number(0.5) == "0.5");
  CHECK(number(9007199254740993.0) == "9007199254740992");
  CHECK(number(-4503599627370495.5) == "-4503599627370495.5");
}

TEST_CASE("times have no decimals or three") {
  CHECK(seconds(0) == "0");
  CHECK(seconds(1) == "0.001");
  CHECK(seconds(-1) == "-0.001");
  CHECK(seconds(1500) == "1.500");
  CHECK(seconds(-62'135'596'800'000) == "-62135596800");
  CHECK(seconds(INT64_MIN) == "-9223372036854775.808");
}

TEST_CASE("points are the floats among the samples") {
  SampleColumns samples;
  samples.times = {1000, 2500, 3000};
  samples.values = {1.5, 0, -2};
  TimeTexts times;
  std::string out;
  append_floats(out, samples, times);
  CHECK(out == R"([[1,"1.5"],[2.500,"0"],[3,"-2"]])");
  samples.histograms = {nullptr, std::make_shared<Histogram>(), nullptr};
  out.clear();
  append_floats(out, samples, times);
  CHECK(out == R"([[1,"1.5"],[3,"-2"]])");
}

TEST_CASE("series with other times than the one before have their own") {
  TimeTexts times;
  const auto written = [&](std::vector<std::int64_t> at) {
    SampleColumns samples;
    samples.times = std::move(at);
    samples.values.assign(samples.times.size(), 7);
    std::string out;
    append_floats(out, samples, times);
    return out;
  };
  CHECK(written({1000, 2000, 3000}) == R"([[1,"7"],[2,"7"],[3,"7"]])");
  CHECK(written({2000, 3000}) == R"([[2,"7"],[3,"7"]])");
  CHECK(written({500, 2000, 2001}) == R"([[0.500,"7"],[2,"7"],[2.001,"7"]])");
  CHECK(written({4000}) == R"([[4,"7"]])");
  CHECK(written({1, 2, 3, 4}) == R"([[0.001,"7"],[0.002,"7"],[0.003,"7"],[0.004,"7"]])");
  CHECK(written({}) == "[]");
}

TEST_CASE("long series are written whole") {
  TimeTexts times;
  SampleColumns samples;
  std::string expected = "[";
  for (int i = 0; i < 5000; ++i) {
    const double value = i % 3 == 0 ? i * 1e290 : i / 7.0;
    samples.times.push_back(i * 1001);
    samples.values.push_back(value);
    expected += i == 0 ? "[" : ",[";
    append_seconds(expected, i * 1001);
    expected += ",\"";
    append_number(expected, value);
    expected += "\"]";
  }
  std::string out;
  append_floats(out, samples, times);
  CHECK(out == expected + "]");
}

}  // namespace
}  // namespace nines::web
