// Windows of a tier as bytes, and back.
#include "storage/metrics/internal/tier_page.h"

#include <bit>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "storage/chunk/bytes.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

using Slots = std::vector<std::vector<TierWindow>>;

bool same_bits(const TierWindow& a, const TierWindow& b) {
  const auto bits = [](double v) { return std::bit_cast<std::uint64_t>(v); };
  return a.end == b.end && a.count == b.count && a.resets == b.resets && a.ended == b.ended &&
         a.histograms == b.histograms && bits(a.sum) == bits(b.sum) && bits(a.min) == bits(b.min) &&
         bits(a.max) == bits(b.max) && bits(a.first) == bits(b.first) &&
         bits(a.last) == bits(b.last) && bits(a.correction) == bits(b.correction) &&
         a.first_time == b.first_time && a.last_time == b.last_time &&
         a.first_start == b.first_start && a.last_start == b.last_start;
}

std::string page_of(TierPageHead head, const Slots& slots) {
  std::string columns;
  encode_tier_columns(head, slots, columns);
  std::string out;
  encode_tier_head(head, out);
  return out + columns;
}

std::string encoded(const Slots& slots, std::uint32_t first = 0, Tier tier = Tier::k5m) {
  TierPageHead head;
  head.tier = tier;
  head.page.slots = {first, first + static_cast<std::uint32_t>(slots.size())};
  head.page.times = {1, 2};
  return page_of(head, slots);
}

void check_round_trip(const Slots& slots, Tier tier = Tier::k5m) {
  const std::string bytes = encoded(slots, 64, tier);
  const auto page = TierPage::open(bytes);
  REQUIRE_MESSAGE(page, page.error().what());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    std::vector<TierWindow> out;
    const auto read = (*page)->read(64 + static_cast<std::uint32_t>(i), out);
    REQUIRE_MESSAGE(read, read.error().what());
    REQUIRE(out.size() == slots[i].size());
    for (std::size_t w = 0; w < out.size(); ++w) CHECK(same_bits(out[w], slots[i][w]));
  }
}

// Samples every 15 s for an hour, valued by `value(i)`.
template <typename Value>
std::vector<TierWindow> folded(Value&& value, std::int64_t start_time = 0) {
  SampleColumns samples;
  for (int i = 0; i < 240; ++i) {
    samples.times.push_back(1'699'999'200'000 + 15'000 * i + 7);
    samples.values.push_back(value(i));
    if (start_time != 0) samples.start_times.push_back(start_time);
  }
  std::vector<TierWindow> out;
  fold_samples(samples, tier_step(Tier::k5m), out);
  return out;
}

TEST_CASE("a page of windows gives them back to the bit") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Slots slots;
  slots.push_back(folded([](int) { return 7.0; }));
  slots.push_back(folded([](int i) { return 1000.0 + 3 * i; }));
  slots.push_back(folded([](int i) { return std::sin(i) * 100; }));
  slots.push_back({});
  slots.push_back(folded([](int i) { return i % 50 * 1.5; }));  // a counter with resets
  slots.push_back(folded([&](int i) { return i % 7 == 0 ? nan : -0.0; }));
  slots.push_back(folded([](int i) { return i % 40 > 20 ? stale_nan() : 0.1 * i; }));
  slots.push_back(folded([](int i) { return 5.0 * i; }, 1'600'000'000'000));
  slots.push_back(folded([](int) { return std::numeric_limits<double>::infinity(); }));
  slots.push_back({slots[1][0], slots[1][5], slots[1][11]});
  TierWindow marker;
  marker.end = slots[0][3].end;
  marker.ended = true;
  TierWindow histogram;
  histogram.end = slots[0][4].end;
  histogram.histograms = true;
  slots.push_back({marker, histogram});
  slots.push_back({slots[1][2], marker, slots[1][6]});
  check_round_trip(slots);
}

TEST_CASE("windows of any values survive, in both tiers") {
  testing::SeededRng dice(42);
  for (int round = 0; round < 200; ++round) {
    const Tier tier = round % 2 == 0 ? Tier::k5m : Tier::k1h;
    const std::int64_t step = tier_step(tier);
    Slots slots(1 + dice.below(64));
    for (std::vector<TierWindow>& windows : slots) {
      for (std::int64_t i = 0; i < 24; ++i) {
        if (dice.below(4) == 0) continue;
        TierWindow w;
        w.end = (470'000 + i) * step;
        w.ended = dice.below(9) == 0;
        w.histograms = dice.below(9) == 0;
        const auto any = [&] { return std::bit_cast<double>(dice.next() & 0x7FEFFFFFFFFFFFFFULL); };
        if (dice.below(8) != 0 || (!w.ended && !w.histograms)) {
          w.count = 1 + static_cast<std::uint32_t>(dice.below(1000));
          w.sum = any(), w.min = any(), w.max = any(), w.first = any(), w.last = any();
          w.correction = dice.below(2) == 0 ? 0 : any();
          w.resets = static_cast<std::uint32_t>(dice.below(3));
          w.first_time = w.end - step + 1 + static_cast<std::int64_t>(dice.below(1000));
          w.last_time = w.end - static_cast<std::int64_t>(dice.below(1000));
          if (dice.below(5) == 0) w.first_start = w.first_time - 12345;
        }
        windows.push_back(w);
      }
    }
    if (slots[0].empty()) slots[0] = {TierWindow{470'000 * step, 0, 0, true}};
    check_round_trip(slots, tier);
  }
}

TEST_CASE("a page, as docs/formats/metrics-ring.md shows it") {
  SampleColumns samples;
  for (int i = 1; i <= 20; ++i) {
    samples.times.push_back(15'000 * i);
    samples.values.push_back(7);
  }
  Slots slots(1);
  fold_samples(samples, 300'000, slots[0]);
  TierPageHead head;
  head.page.slots = {0, 1};
  head.page.times = {15'000, 300'000};
  head.page.flushed = 300'000;
  std::string hex;
  for (const char c : page_of(head, slots)) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  CHECK(hex ==
        "00"
        "e0a71201000100b0ea01c8b211"
        "1c"
        "0102"
        "0028"
        "00b0ea01"
        "0000"
        "03"
        "60000e");
}

TEST_CASE("the head is read without the rest") {
  TierPageHead head;
  head.tier = Tier::k1h;
  head.page.slots = {128, 130};
  head.page.times = {-5, 3'600'000};
  head.page.flushed = 3'600'000;
  head.page.parts = 3;
  const std::string bytes = page_of(head, Slots{{TierWindow{3'600'000, 0, 0, true}}, {}});
  const auto read = decode_tier_head(std::string_view(bytes).substr(0, 15));
  REQUIRE(read);
  CHECK(read->tier == Tier::k1h);
  CHECK(read->page.slots.first == 128);
  CHECK(read->page.slots.end == 130);
  CHECK(read->page.times.min == -5);
  CHECK(read->page.times.max == 3'600'000);
  CHECK(read->page.parts == 3);
  CHECK(read->page.present == 1);
}

TEST_CASE("damaged bytes are an error or windows, never a crash") {
  const Slots slots = {folded([](int i) { return std::sin(i); }), folded([](int) { return 1.0; })};
  const std::string good = encoded(slots);
  testing::SeededRng dice(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    if (round % 3 == 0) bad.resize(dice.below(bad.size()));
    for (int flips = 0; flips < 3 && !bad.empty(); ++flips) {
      char& c = bad[dice.below(bad.size())];
      c = static_cast<char>(c ^ 1 << dice.below(8));
    }
    const auto page = TierPage::open(bad);
    if (!page) continue;
    for (std::uint32_t slot = (*page)->head().page.slots.first;
         slot < (*page)->head().page.slots.end; ++slot) {
      std::vector<TierWindow> out;
      if (!(*page)->read(slot, out)) CHECK(out.empty());
    }
  }
}

}  // namespace
}  // namespace nines::storage
