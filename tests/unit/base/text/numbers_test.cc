#include "base/text/numbers.h"

#include <bit>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

namespace nines {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("a float is read as Go reads it") {
  CHECK(parse_double("1") == 1.0);
  CHECK(parse_double("-1.5e3") == -1500.0);
  CHECK(parse_double("+.5") == 0.5);
  CHECK(parse_double("1.") == 1.0);
  CHECK(parse_double("0x1p-2") == 0.25);
  CHECK(parse_double("-0X1F") == -31.0);
  CHECK(parse_double("inf") == kInf);
  CHECK(parse_double("+Inf") == kInf);
  CHECK(parse_double("-INFINITY") == -kInf);
  REQUIRE(parse_double("NaN").has_value());
  CHECK(std::bit_cast<std::uint64_t>(*parse_double("nan")) == 0x7FF8000000000001ULL);
  CHECK(std::signbit(*parse_double("-0")));
}

TEST_CASE("a float's whole text must be used") {
  for (const char* text : {"",     "+",     "-",       ".",    "e5",  "1e",   "1e+", "1 ",
                           " 1",   "1_000", "0x",      "0x-1", "--1", "+-1",  "1f",  "nan(1)",
                           "+nan", "-nan",  "infinit", "inf1", "1,5", "0xinf"}) {
    CHECK_MESSAGE(!parse_double(text).has_value(), text);
  }
}

TEST_CASE("a float is rounded correctly, at both ends of the range too") {
  CHECK(parse_double("0.1") == 0.1);
  CHECK(parse_double("9007199254740993") == 9007199254740992.0);  // a tie goes to even
  CHECK(parse_double("9007199254740993.0000000000000000000000001") == 9007199254740994.0);
  CHECK(parse_double("2.2250738585072011e-308") == 2.2250738585072011e-308);
  CHECK(parse_double("4.9e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(parse_double("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK_FALSE(parse_double("1.8e308").has_value());
  CHECK_FALSE(parse_double("1e99999999999999999999").has_value());
  CHECK(parse_double("1e-400") == 0.0);
  CHECK(parse_double("1e-99999999999999999999") == 0.0);
  CHECK(parse_double("0." + std::string(400, '0') + "1") == 0.0);
  CHECK(parse_double("0." + std::string(400, '0') + "1e401") == 1.0);
  CHECK_FALSE(parse_double("1" + std::string(400, '0')).has_value());
}

TEST_CASE("a float is written with the shortest digits that read back") {
  CHECK(format_double(0) == "0");
  CHECK(format_double(-0.0) == "-0");
  CHECK(format_double(0.1) == "0.1");
  CHECK(format_double(100) == "100");
  CHECK(format_double(-1234.5) == "-1234.5");
  CHECK(format_double(1e23) == "100000000000000000000000");
  CHECK(format_double(1e-7) == "0.0000001");
  CHECK(format_double(kInf) == "+Inf");
  CHECK(format_double(-kInf) == "-Inf");
  CHECK(format_double(std::nan("")) == "NaN");
  for (const double v : {5e-324, 1.7976931348623157e308, 0.3, 1.0 / 3, 123456789.123456789}) {
    CHECK(parse_double(format_double(v)) == v);
    CHECK(parse_double(format_double_g(v)) == v);
  }
}

TEST_CASE("%v switches to an exponent below 1e-4 and from 1e6") {
  CHECK(format_double_g(0.0001) == "0.0001");
  CHECK(format_double_g(0.00001) == "1e-05");
  CHECK(format_double_g(999999) == "999999");
  CHECK(format_double_g(1000000) == "1e+06");
  CHECK(format_double_g(1234567.5) == "1.2345675e+06");
  CHECK(format_double_g(5e-324) == "5e-324");
  CHECK(format_double_g(0) == "0");
}

TEST_CASE("an integer must fit and be alone") {
  CHECK(parse_int("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK(parse_int("+7") == 7);
  for (const char* text : {"", "+", "+-1", "9223372036854775808", "1.0", "0x1", " 1", "1 "}) {
    CHECK_MESSAGE(!parse_int(text).has_value(), text);
  }
}

TEST_CASE("a duration has units from large to small, each once") {
  CHECK(*parse_duration("0") == Duration(0));
  CHECK(*parse_duration("90s") == Duration(90'000));
  CHECK(*parse_duration("1h30m") == Duration(5'400'000));
  CHECK(*parse_duration("1y2w3d4h5m6s7ms") == Duration(33'019'506'007));
  CHECK(*parse_duration("5ms") == Duration(5));
  for (const char* text :
       {"", "1", "s", "1h1h", "1m1h", "1ms1s", "1.5h", "-1s", "1 s", "1sec", "00", "1h "}) {
    const auto d = parse_duration(text);
    REQUIRE_FALSE_MESSAGE(d.has_value(), text);
    CHECK(d.error().code() == ErrorCode::kInvalid);
  }
  CHECK(parse_duration("1h5x").error().what().find("byte 3") != std::string::npos);
}

TEST_CASE("a duration that does not fit is over the limit") {
  CHECK(parse_duration("9223372036854775807ms").has_value());
  CHECK(parse_duration("9223372036854775808ms").error().code() == ErrorCode::kLimit);
  CHECK(parse_duration("9223372036854775807s").error().code() == ErrorCode::kLimit);
  CHECK(parse_duration("292471209y").error().code() == ErrorCode::kLimit);
}

TEST_CASE("a duration is written as Prometheus writes it") {
  CHECK(format_duration(Duration(0)) == "0s");
  CHECK(format_duration(Duration(15'000)) == "15s");
  CHECK(format_duration(Duration(5'400'000)) == "1h30m");
  CHECK(format_duration(Duration(86'400'000)) == "1d");
  CHECK(format_duration(Duration(7 * 86'400'000)) == "1w");
  CHECK(format_duration(Duration(8 * 86'400'000)) == "8d");  // weeks only when nothing is left over
  CHECK(format_duration(Duration(365LL * 86'400'000)) == "1y");
  CHECK(format_duration(Duration(1'001)) == "1s1ms");
  CHECK(format_duration(Duration(-90'000)) == "-1m30s");
  CHECK_FALSE(format_duration(Duration::min()).empty());
  for (const std::int64_t ms : {1LL, 61'000LL, 3'600'001LL, 999'999'999'999LL}) {
    CHECK(*parse_duration(format_duration(Duration(ms))) == Duration(ms));
  }
}

TEST_CASE("sizes are powers of 1024 under both spellings") {
  CHECK(*parse_bytes("1048576") == 1u << 20);
  CHECK(*parse_bytes("512MB") == 512u << 20);
  CHECK(*parse_bytes("10GiB") == 10ULL << 30);
  CHECK(*parse_bytes("1.5KiB") == 1536);
  CHECK(*parse_bytes("7B") == 7);
  CHECK(*parse_bytes("15EiB") == 15ULL << 60);
  CHECK(parse_bytes("16EiB").error().code() == ErrorCode::kLimit);
  CHECK(parse_bytes("16.5EiB").error().code() == ErrorCode::kLimit);
  CHECK(parse_bytes("18446744073709551616").error().code() == ErrorCode::kLimit);
  for (const char* text : {"", "KB", "1K", "1kb", "-1", "1.2.3MB", ".", "1XB", "1 GB x"}) {
    const auto bytes = parse_bytes(text);
    REQUIRE_FALSE_MESSAGE(bytes.has_value(), text);
    CHECK(bytes.error().code() == ErrorCode::kInvalid);
  }
}

TEST_CASE("sizes are written with one decimal at most and never as 1024 of a unit") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1 KiB");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes((1u << 20) - 1) == "1 MiB");
  CHECK(format_bytes(~0ULL) == "16 EiB");
}

}  // namespace
}  // namespace nines
