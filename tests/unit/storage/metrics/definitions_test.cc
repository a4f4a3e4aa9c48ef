// Definitions come back from their frames, damage is found, and the examples of the format's page.
#include "storage/metrics/internal/definitions.h"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "storage/metrics/internal/page_directory.h"
#include "storage/metrics/internal/page_log.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

using series::own_labels;
using series::SeriesIndex;

SeriesIndex some_index(int series) {
  SeriesIndex index;
  for (int i = 0; i < series; ++i) {
    index.add(own_labels(
        LabelSet{{"__name__", "m" + std::to_string(i % 7)}, {"i", std::to_string(i)}}, {}));
  }
  return index;
}

bool same(const SeriesIndex& a, const SeriesIndex& b) {
  if (a.size() != b.size()) return false;
  for (std::uint32_t id = 0; id < a.size(); ++id) {
    if (a.labels(id, {}) != b.labels(id, {})) return false;
  }
  return true;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ", static_cast<unsigned char>(c));
  return out;
}

TEST_CASE("a layout comes back from its pieces, in any segment") {
  const SeriesIndex index = some_index(100);
  const auto piece = [&](std::uint32_t first, std::uint32_t end) {
    auto frame = decode_layout(encode_layout(9, "app", index, first, end));
    REQUIRE(frame);
    CHECK(frame->id == 9);
    CHECK(frame->family == "app");
    CHECK(frame->first == first);
    CHECK(frame->count() == end - first);
    return *std::move(frame);
  };
  SeriesIndex back;
  CHECK_FALSE(piece(40, 100).join(back));  // what is before it is missing
  CHECK(back.size() == 0);
  CHECK(piece(0, 40).join(back));
  CHECK(piece(0, 30).join(back));
  CHECK(piece(40, 70).join(back));
  CHECK(piece(20, 100).join(back));
  CHECK(same(back, index));
  CHECK(piece(0, 100).join(back));
  CHECK(back.size() == 100);
  // Another layout of this id.
  SeriesIndex other = some_index(3);
  other.add(own_labels(LabelSet{{"__name__", "else"}}, {}));
  CHECK_FALSE(piece(0, 10).join(other));
  CHECK(other.size() == 4);
}

TEST_CASE("wrong bytes of a definition are an error or another one, never a crash") {
  const std::string layout = encode_layout(1, "f", some_index(50), 0, 50);
  const std::string group = encode_group({"g", LabelSet{{"a", "b"}, {"c", "d"}}, 77});
  SegmentIndex segment;
  segment.layouts = {layout};
  segment.groups = {group, group};
  segment.pages.resize(3);
  for (IndexedPage& page : segment.pages) page.page.slots = {0, 50};
  segment.loose.resize(2);
  const std::string index = encode_segment_index(segment);
  testing::SeededRng dice(8);
  for (int round = 0; round < 3'000; ++round) {
    for (const std::string* good : {&layout, &group, &index}) {
      std::string bad = *good;
      for (std::uint64_t i = dice.next() % 3; i < 3; ++i)
        bad[dice.next() % bad.size()] = static_cast<char>(dice.next());
      if (round % 4 == 0) bad.resize(dice.next() % bad.size());
      if (const auto frame = decode_layout(bad)) {
        SeriesIndex into;
        if (!frame->join(into)) CHECK(into.size() <= frame->count());
      }
      (void)decode_group(bad);
      if (const auto found = decode_segment_index(bad, {})) {
        for (const IndexedPage& page : found->pages) CHECK(page.group < found->groups.size());
      }
    }
  }
}

TEST_CASE("a segment's index comes back whole") {
  SegmentIndex index;
  index.layouts = {"one", ""};
  index.groups = {"a", "b", "c"};
  index.pages.push_back({2, {{4, 8192, 6, 100}, {-5, 70}, {64, 100}, 0b1011}, 55, 3});
  index.loose.push_back({{4, 9000, 6, 10}, 12});
  ring::SegmentInfo segment;
  segment.segment = 4;
  segment.generation = 6;
  const auto back = decode_segment_index(encode_segment_index(index), segment);
  REQUIRE(back);
  CHECK(back->layouts == index.layouts);
  CHECK(back->groups == index.groups);
  REQUIRE(back->pages.size() == 1);
  CHECK(back->pages[0].group == 2);
  CHECK(back->pages[0].page.location == index.pages[0].page.location);
  CHECK(back->pages[0].page.times.min == -5);
  CHECK(back->pages[0].page.times.max == 70);
  CHECK(back->pages[0].page.slots.first == 64);
  CHECK(back->pages[0].page.slots.end == 100);
  CHECK(back->pages[0].page.present == 0b1011);
  CHECK(back->pages[0].flushed == 55);
  CHECK(back->pages[0].parts == 3);
  REQUIRE(back->loose.size() == 1);
  CHECK(back->loose[0].location == index.loose[0].location);
  CHECK(back->loose[0].count == 12);
}

TEST_CASE("a directory tells which pages have a slot, and which slots a range has") {
  PageDirectory directory;
  CHECK(directory.empty());
  const auto add = [&](std::uint64_t generation, std::uint32_t offset, std::int64_t at,
                       SlotRange slots, std::uint64_t present) {
    directory.add({{1, offset, generation, 10}, {at, at + 9}, slots, present});
  };
  const auto pages = [&](std::uint32_t slot, std::int64_t from, std::int64_t to) {
    std::vector<std::uint32_t> offsets;
    directory.each_page(slot, from, to,
                        [&](const ring::Location& at) { offsets.push_back(at.offset); });
    return offsets;
  };
  using Offsets = std::vector<std::uint32_t>;
  add(1, 100, 0, {0, 64}, ~std::uint64_t{0});
  add(1, 200, 0, {64, 70}, 0b111111);
  add(1, 300, 10, {0, 64}, ~std::uint64_t{0} - 2);  // slot 1 is gone
  add(1, 400, 10, {64, 67}, 0b101);
  add(1, 500, 10, {67, 70}, 0b111);
  add(2, 100, 20, {0, 64}, 1);
  CHECK(directory.size() == 6);
  CHECK(directory.times().min == 0);
  CHECK(directory.times().max == 29);
  CHECK(pages(0, 0, 100) == Offsets{100, 300, 100});
  CHECK(pages(1, 0, 100) == Offsets{100});
  CHECK(pages(65, 0, 100) == Offsets{200});
  CHECK(pages(66, 0, 100) == Offsets{200, 400});
  CHECK(pages(69, 5, 12) == Offsets{200, 500});
  CHECK(pages(69, 10, 12) == Offsets{500});
  CHECK(pages(70, 0, 100).empty());
  std::vector<std::uint32_t> slots = {0, 1, 65, 66, 70}, found;
  directory.take_present(10, 100, slots, found);
  std::sort(found.begin(), found.end());
  CHECK(found == Offsets{0, 66});
  CHECK(slots == Offsets{1, 65, 70});
  directory.remove({1, 400, 1, 10});
  CHECK(pages(66, 0, 100) == Offsets{200});
  CHECK(pages(67, 0, 100) == Offsets{200, 500});
  directory.forget(1);
  CHECK(directory.size() == 1);
  CHECK(pages(0, 0, 100) == Offsets{100});
  directory.forget(2);
  CHECK(directory.empty());
}

TEST_CASE("the definitions of docs/formats/metrics-ring.md") {
  SeriesIndex index;
  index.add(own_labels(LabelSet{{"__name__", "up"}}, {}));
  index.add(own_labels(LabelSet{{"__name__", "a"}, {"x", "1"}}, {}));
  CHECK(hex(encode_layout(7, "app", index, 0, 2)) ==
        "52 07 00 00 00 00 00 00 00 03 61 70 70 00 05 08 5f 5f 6e 61 6d 65 5f 5f 02 75 70 01 61 01 "
        "78 "
        "01 31 02 01 00 01 02 00 02 03 04");
  CHECK(hex(encode_group({"g", LabelSet{{"job", "app"}}, 7})) ==
        "26 01 67 01 03 6a 6f 62 03 61 70 70 07 00 00 00 00 00 00 00");
}

}  // namespace
}  // namespace nines::storage
