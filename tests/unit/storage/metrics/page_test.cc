// Pages: what goes in comes out, wrong bytes are an error, and the example of the format's page.
#include "storage/metrics/internal/page.h"

#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "storage/chunk/bytes.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

Entry entry(std::uint32_t slot, std::int64_t time, double value) {
  return Entry{slot, time, value, nullptr, 0};
}

std::string page_of(const GroupHead& head, SlotRange slots) {
  PageHead page;
  std::string columns;
  page.flushed = 5;
  page.slots = slots;
  encode_columns(head, page, columns);
  std::string out;
  encode_page_head(page, out);
  return out + columns;
}

// Rows, gaps, late points, histograms, start times.
GroupHead some_head() {
  GroupHead head;
  head.grow(20);
  testing::SeededRng dice(3);
  for (int row = 0; row < 30; ++row) {
    const std::int64_t time = 1'700'000'000'000 + row * 15'000;
    std::vector<Entry> entries;
    for (std::uint32_t slot = 0; slot < 19; ++slot) {
      if (slot == 3 && row % 4 == 0) continue;
      Entry one = entry(slot, time, slot * 100.0 + static_cast<double>(dice.next() % 50));
      if (slot == 5) one.time -= 7;
      if (slot == 6 && row % 2 == 0) {
        auto h = std::make_shared<Histogram>();
        h->count = row;
        h->positive_spans = {{0, 2}};
        h->positive_buckets = {1.0 * row, 2};
        one.histogram = std::move(h);
        one.value = 0;
      }
      if (slot == 7) one.start = 1'600'000'000'000;
      entries.push_back(std::move(one));
    }
    head.keep(time, entries);
    if (row == 20) head.keep(time - 50'000, std::vector<Entry>{entry(2, time - 50'001, 0.5)});
  }
  return head;
}

TEST_CASE("a page gives back the samples of every slot") {
  const GroupHead head = some_head();
  const auto page = Page::open(page_of(head, {0, 20}));
  REQUIRE(page);
  CHECK((*page)->head().flushed == 5);
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    SampleColumns in, out;
    head.read(slot, in);
    REQUIRE((*page)->read(slot, out));
    CHECK(out.times == in.times);
    CHECK(out.values == in.values);
    CHECK(out.start_times == in.start_times);
    REQUIRE(out.histograms.size() == in.histograms.size());
    for (std::size_t i = 0; i < in.histograms.size(); ++i) {
      REQUIRE((in.histograms[i] == nullptr) == (out.histograms[i] == nullptr));
      if (in.histograms[i]) CHECK(*in.histograms[i] == *out.histograms[i]);
    }
  }
  SampleColumns out;
  head.read(2, out);
  CHECK(out.size() == 31);
  head.read(19, out);
  CHECK(out.size() == 31);
}

TEST_CASE("wrong bytes are an error or other samples, never a crash") {
  const std::string good = page_of(some_head(), {0, 20});
  testing::SeededRng dice(4);
  for (int round = 0; round < 5'000; ++round) {
    std::string bad = good;
    for (std::uint64_t i = dice.next() % 3; i < 3; ++i)
      bad[dice.next() % bad.size()] = static_cast<char>(dice.next());
    if (round % 4 == 0) bad.resize(dice.next() % bad.size());
    const auto page = Page::open(bad);
    if (!page) {
      CHECK(page.error().code() == ErrorCode::kCorrupt);
      continue;
    }
    for (std::uint32_t slot = 0; slot < 70; ++slot) {
      SampleColumns out;
      if (const auto read = (*page)->read(slot, out); !read)
        CHECK(read.error().code() == ErrorCode::kCorrupt);
    }
  }
}

TEST_CASE("the page of docs/formats/metrics-ring.md") {
  GroupHead head;
  head.grow(3);
  head.keep(1000, std::vector<Entry>{entry(0, 1000, 7), entry(2, 1000, 1)});
  head.keep(2000, std::vector<Entry>{entry(0, 2000, 7)});
  std::string hex;
  for (const char c : page_of(head, {0, 3}))
    hex += fmt::format("{}{:02x}", hex.empty() ? "" : " ", static_cast<unsigned char>(c));
  CHECK(hex == "05 01 00 03 02 d0 0f e8 07 02 02 d0 0f d0 0f 00 12 02 00 04 00 0e 80 01 00 02");
}

}  // namespace
}  // namespace nines::storage
