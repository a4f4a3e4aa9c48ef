// Columns must give back every bit, whatever the values are, and refuse bytes nobody wrote.
#include "storage/chunk/column.h"

#include <bit>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/model/sample.h"
#include "tests/support/sim_clock.h"

namespace nines::storage::chunk {
namespace {

using testing::SeededRng;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string encoded(const std::vector<double>& values) {
  std::string out;
  encode_values(values, out);
  return out;
}

std::vector<double> decoded(const std::string& bytes, std::size_t count) {
  ByteReader in(bytes);
  std::vector<double> out;
  REQUIRE(decode_values(in, count, out));
  CHECK(in.left() == 0);
  return out;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i])) return false;
  }
  return true;
}

void check_round_trip(const std::vector<double>& values) {
  CHECK(same_bits(decoded(encoded(values), values.size()), values));
}

TEST_CASE("every kind of double comes back bit for bit") {
  const double odd_nan = std::bit_cast<double>(0x7FF8000000001234ULL);
  const double denormal = std::numeric_limits<double>::denorm_min();
  check_round_trip({0.0});
  check_round_trip({-0.0});
  check_round_trip({stale_nan()});
  check_round_trip({1.0, stale_nan(), 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0});
  check_round_trip({0.0, -0.0, 0.0, -0.0});
  check_round_trip({kInfinity, -kInfinity, 1.5, odd_nan});
  check_round_trip({denormal, -denormal, std::numeric_limits<double>::max(),
                    std::numeric_limits<double>::lowest(), std::numeric_limits<double>::min()});
  check_round_trip(
      {9007199254740991.0, 9007199254740992.0, 9007199254740993.0, -9007199254740994.0});
}

TEST_CASE("decimals come back whichever way their exporter computed them") {
  std::vector<double> divided, multiplied, twice;
  for (int i = 0; i < 64; ++i) {
    divided.push_back((12345 + 7 * i) / 1000.0);
    multiplied.push_back((12345 + 7 * i) * 0.001);
    twice.push_back((1234567.0 + 77 * i) / 1000 / 1000);
  }
  check_round_trip(divided);
  check_round_trip(multiplied);
  check_round_trip(twice);
  // And they are small: not eight bytes each.
  CHECK(encoded(divided).size() < 64 * 2);
  CHECK(encoded(multiplied).size() < 64 * 2);
  CHECK(encoded(twice).size() < 64 * 2);
}

TEST_CASE("a constant costs a few bytes, a counter of equal steps hardly more") {
  CHECK(encoded(std::vector<double>(64, 42)).size() <= 4);
  CHECK(encoded(std::vector<double>(64, 0.1234567890123)).size() <= 9);
  std::vector<double> counter, pages;
  for (int i = 0; i < 64; ++i) {
    counter.push_back(1e6 + 15 * i);
    pages.push_back(4096.0 * (1000 + i % 7));
  }
  CHECK(encoded(counter).size() <= 16);
  CHECK(encoded(pages).size() <= 64);  // multiples of a page: under a byte each
}

TEST_CASE("columns of every length up to the limit come back, whatever the dice put in them") {
  SeededRng dice(1);
  for (std::size_t length = 1; length <= kColumnMax;
       length = length < 130 ? length + 1 : length * 2) {
    std::vector<double> values;
    double walk = 0;
    const std::uint64_t kind = dice.next() % 5;
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint64_t r = dice.next();
      switch (kind) {
        case 0:
          walk += static_cast<double>(r % 100);
          break;
        case 1:
          walk = static_cast<double>(r % 1000) / 100;
          break;
        case 2:
          walk = std::bit_cast<double>(r);
          break;
        case 3:
          walk = r % 50 == 0 ? stale_nan() : std::floor(static_cast<double>(r % 9));
          break;
        default:
          walk = std::sin(static_cast<double>(i));
          break;
      }
      values.push_back(walk);
    }
    check_round_trip(values);
  }
}

TEST_CASE("integers of any kind come back") {
  SeededRng dice(2);
  const auto check = [](const std::vector<std::int64_t>& values) {
    std::string bytes;
    encode_integers(values, bytes);
    ByteReader in(bytes);
    std::vector<std::int64_t> out;
    REQUIRE(decode_integers(in, values.size(), out));
    CHECK(out == values);
    CHECK(in.left() == 0);
    return bytes.size();
  };
  check({INT64_MIN, INT64_MAX, 0, -1, 1});
  check({INT64_MAX});
  std::vector<std::int64_t> regular, jittered, random;
  for (int i = 0; i < 64; ++i) {
    regular.push_back(1'700'000'000'000 + 15'000 * i);
    jittered.push_back(1'700'000'000'000 + 15'000 * i + static_cast<std::int64_t>(dice.next() % 5));
    random.push_back(static_cast<std::int64_t>(dice.next()));
  }
  CHECK(check(regular) <= 24);
  CHECK(check(jittered) < 64 * 2);
  check(random);
}

TEST_CASE("bytes nobody wrote are refused or read as something, never a crash") {
  SeededRng dice(3);
  std::vector<double> values;
  for (int i = 0; i < 64; ++i) values.push_back(i * 0.25 + (i % 9 == 0 ? 1e-9 : 0));
  const std::string good = encoded(values);
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    const std::size_t at = dice.next() % bad.size();
    bad[at] = static_cast<char>(dice.next());
    if (round % 3 == 0) bad.resize(dice.next() % bad.size());
    ByteReader in(bad);
    std::vector<double> out;
    const Result<void> read = decode_values(in, values.size(), out);
    if (read)
      CHECK(out.size() == values.size());
    else
      CHECK(read.error().code() == ErrorCode::kCorrupt);
  }
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ", static_cast<unsigned char>(c));
  return out;
}

TEST_CASE("the worked examples of docs/formats/metrics-ring.md") {
  CHECK(hex(encoded({20.5, 20.5, 21, 20.75})) == "19 02 84 20 19 02 60");
  CHECK(hex(encoded({7, 7, 7})) == "00 0e");
  std::string times;
  encode_integers(std::vector<std::int64_t>{1'700'000'000'000, 1'700'000'015'000, 1'700'000'030'001,
                                            1'700'000'045'000},
                  times);
  CHECK(hex(times) == "02 80 a0 ab fe f9 62 ae ea 01 02 09");
}

TEST_CASE("a histogram comes back with all its fields") {
  Histogram h;
  h.schema = 3;
  h.reset_hint = ResetHint::kNotReset;
  h.zero_threshold = 0.001;
  h.zero_count = 2;
  h.count = 17;
  h.sum = -3.25;
  h.positive_spans = {{-2, 2}, {3, 1}};
  h.positive_buckets = {4, 5, 6};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {0.5};
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.count = 3;
  custom.positive_spans = {{0, 2}};
  custom.positive_buckets = {1, 2};
  custom.custom_values = {0.1, 5};
  for (const Histogram& one : {h, custom, Histogram()}) {
    std::string bytes;
    encode_histogram(one, bytes);
    ByteReader in(bytes);
    const Result<HistogramPtr> read = decode_histogram(in);
    REQUIRE(read);
    CHECK(**read == one);
    CHECK(in.left() == 0);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ByteReader half(std::string_view(bytes).substr(0, cut));
      (void)decode_histogram(half);  // whatever it says, it says it
    }
  }
}

TEST_CASE("a burst in a quiet column costs its own bits, not everybody's") {
  std::vector<std::int64_t> values;
  for (int i = 0; i < 64; ++i) values.push_back(i * i % 7 + (i == 40 ? 1'000'000 : 0));
  std::string bytes;
  encode_integers(values, bytes);
  CHECK(bytes.size() < 40);
  ByteReader in(bytes);
  std::vector<std::int64_t> out;
  REQUIRE(decode_integers(in, values.size(), out));
  CHECK(out == values);
}

TEST_CASE("every width packs and unpacks, at the end of the bytes too") {
  for (unsigned width = 1; width < 64; ++width) {
    for (const std::size_t n : {2U, 3U, 7U, 8U, 9U, 63U, 64U, 65U, 500U}) {
      SeededRng dice(width * 1000 + n);
      std::vector<std::int64_t> values;
      for (std::size_t i = 0; i < n; ++i)
        values.push_back(static_cast<std::int64_t>(dice.next() >> (64 - width)));
      std::string bytes;
      encode_integers(values, bytes);
      ByteReader in(bytes);
      std::vector<std::int64_t> out;
      REQUIRE(decode_integers(in, n, out));
      CHECK(out == values);
      CHECK(in.left() == 0);
    }
  }
}

TEST_CASE("histograms of one shape share it, and come back each") {
  std::vector<HistogramPtr> all;
  for (int i = 0; i < 64; ++i) {
    auto h = std::make_shared<Histogram>();
    h->schema = i < 40 ? 3 : 2;
    h->reset_hint = i == 40 ? ResetHint::kReset : ResetHint::kNotReset;
    h->positive_spans = {{0, 20}};
    for (int b = 0; b < 20; ++b) h->positive_buckets.push_back(100 + b + 3 * i);
    h->negative_spans = {{i < 50 ? 0 : 1, 1}};
    h->negative_buckets = {i * 0.5};
    h->count = 5000 + i;
    h->sum = i == 7 ? stale_nan() : 0.25 * i;
    all.push_back(std::move(h));
  }
  std::string bytes, plain;
  encode_histograms(all, bytes);
  for (const HistogramPtr& h : all) encode_histogram(*h, plain);
  CHECK(bytes.size() * 4 < plain.size());
  ByteReader in(bytes);
  std::vector<HistogramPtr> out;
  REQUIRE(decode_histograms(in, all.size(), out));
  CHECK(in.left() == 0);
  REQUIRE(out.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 7)
      CHECK(is_stale_nan(out[i]->sum));
    else
      CHECK(*out[i] == *all[i]);
  }
  SeededRng dice(5);
  for (int round = 0; round < 3'000; ++round) {
    std::string bad = bytes;
    bad[dice.next() % bad.size()] = static_cast<char>(dice.next());
    if (round % 3 == 0) bad.resize(dice.next() % bad.size());
    ByteReader broken(bad);
    out.clear();
    if (const auto read = decode_histograms(broken, all.size(), out); !read)
      CHECK(read.error().code() == ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace nines::storage::chunk
