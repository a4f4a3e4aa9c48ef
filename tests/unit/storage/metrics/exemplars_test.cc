// Exemplars: what is kept, in which order, and what survives.
#include <algorithm>
#include <string>
#include <vector>

#include "storage/metrics/internal/exemplar_codec.h"
#include "storage/metrics/internal/exemplar_store.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

const LabelSet kA{{"__name__", "requests_total"}, {"path", "/a"}};
const LabelSet kB{{"__name__", "requests_total"}, {"path", "/b"}};
constexpr std::int64_t kStart = 1'700'000'000'000;

Exemplar exemplar(std::int64_t time_ms, double value, const std::string& trace) {
  return {LabelSet{{"trace_id", trace}}, value, time_ms, true};
}

std::vector<SeriesExemplars> all(const Querier& querier, std::int64_t from = 0,
                                 std::int64_t to = INT64_MAX / 2) {
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", "requests_total")}};
  return querier.exemplars(sets, {from_millis(from), from_millis(to)});
}

// As "/a:t1,t2 /b:t3": series by path, exemplars by trace.
std::string told(const std::vector<SeriesExemplars>& found) {
  std::string out;
  for (const SeriesExemplars& one : found) {
    if (!out.empty()) out += ' ';
    out += std::string(one.series.get("path")) + ":";
    for (std::size_t i = 0; i < one.exemplars.size(); ++i) {
      out += (i == 0 ? "" : ",") + std::string(one.exemplars[i].labels.get("trace_id"));
    }
  }
  return out;
}
std::string told(const ExemplarStore& store) {
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", "requests_total")}};
  return told(store.select(sets, {from_millis(0), from_millis(INT64_MAX / 2)}));
}

// A group with series of its own, and exemplars for them.
struct Traced {
  explicit Traced(StoreRig& rig, const std::string& name = "scrape/a") : writer(rig.group(name)) {
    a = *writer->slot(kA);
    b = *writer->slot(kB);
  }
  ExemplarOutcome put(Slot slot, const Exemplar& one) const {
    const std::vector<ExemplarRow> rows = {{slot, one}};
    const Result<ExemplarOutcome> outcome = writer->append_exemplars(rows);
    REQUIRE_MESSAGE(outcome, outcome.error().what());
    return *outcome;
  }
  std::unique_ptr<GroupWriter> writer;
  Slot a{}, b{};
};

}  // namespace

TEST_CASE("exemplars: the newest win, over all series, and a full circle goes round") {
  ExemplarStore store(3);
  CHECK(store.add(kA, exemplar(1, 1, "t1")) == ExemplarFate::kKept);
  CHECK(store.add(kB, exemplar(2, 1, "t2")) == ExemplarFate::kKept);
  CHECK(store.add(kB, exemplar(3, 1, "t3")) == ExemplarFate::kKept);
  CHECK(told(store) == "/a:t1 /b:t2,t3");
  CHECK(store.use().oldest_ms == 1);
  CHECK(store.add(kB, exemplar(4, 1, "t4")) == ExemplarFate::kKept);
  CHECK(told(store) == "/b:t2,t3,t4");
  CHECK(store.use().series == 1);
  CHECK(store.use().oldest_ms == 2);
  CHECK(store.add(kA, exemplar(5, 1, "t5")) == ExemplarFate::kKept);
  CHECK(told(store) == "/a:t5 /b:t3,t4");
  CHECK(store.use().exemplars == 3);
}

TEST_CASE("exemplars: a circle of one, whose only chain ends as it goes on") {
  ExemplarStore store(1);
  for (int i = 1; i < 5; ++i) {
    CHECK(store.add(kA, exemplar(i, 1, "t" + std::to_string(i))) == ExemplarFate::kKept);
    CHECK(told(store) == "/a:t" + std::to_string(i));
  }
}

TEST_CASE("exemplars: duplicates are silent, what is behind the newest is out of order") {
  ExemplarStore store(10);
  CHECK(store.add(kA, exemplar(5, 2, "t")) == ExemplarFate::kKept);
  CHECK(store.add(kA, exemplar(5, 2, "t")) == ExemplarFate::kDuplicate);
  CHECK(store.add(kA, exemplar(4, 2, "t")) == ExemplarFate::kOutOfOrder);
  CHECK(store.add(kA, exemplar(5, 1, "t")) == ExemplarFate::kOutOfOrder);
  CHECK(store.add(kA, exemplar(5, 2, "s")) == ExemplarFate::kOutOfOrder);
  CHECK(store.add(kA, exemplar(5, 3, "t")) == ExemplarFate::kKept);
  // Without a time of its own it is the same at the next scrape.
  Exemplar timeless = exemplar(6, 4, "u");
  timeless.own_time = false;
  CHECK(store.add(kA, timeless) == ExemplarFate::kKept);
  timeless.time_ms = 7;
  CHECK(store.add(kA, timeless) == ExemplarFate::kDuplicate);
}

TEST_CASE("exemplars: 128 characters of labels are taken, 129 are not; a character may be long") {
  ExemplarStore store(10);
  std::string umlauts;
  for (int i = 0; i < 120; ++i) umlauts += "\xC3\xA4";
  CHECK(store.add(kA, exemplar(1, 1, umlauts)) == ExemplarFate::kKept);  // with trace_id: 128
  CHECK(store.add(kA, exemplar(2, 1, umlauts + "x")) == ExemplarFate::kTooLong);
}

TEST_CASE("exemplars: what a frame holds comes back from it, and damage is found") {
  std::vector<StoredExemplar> given = {{kA, exemplar(kStart, 0.25, "x")},
                                       {kB, exemplar(kStart - 5, -1e300, "")},
                                       {kA, exemplar(kStart + 9, 3, "y")}};
  given[2].exemplar.own_time = false;
  const std::string payload = encode_exemplars(77, given);
  const Result<ExemplarFrame> back = decode_exemplars(payload);
  REQUIRE(back);
  CHECK(back->covered == 77);
  REQUIRE(back->exemplars.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(back->exemplars[i].series == given[i].series);
    CHECK(same_exemplar(back->exemplars[i].exemplar, given[i].exemplar));
    CHECK(back->exemplars[i].exemplar.time_ms == given[i].exemplar.time_ms);
  }
  for (std::size_t n = 0; n < payload.size(); ++n) CHECK(!decode_exemplars(payload.substr(0, n)));
}

TEST_CASE("exemplars: the example of the format's page") {
  const StoredExemplar one{LabelSet{{"__name__", "a"}}, {LabelSet{{"t", "x"}}, 1, 1000, true}};
  const std::string payload = encode_exemplars(5, std::span(&one, 1));
  std::string hex;
  for (const char c : payload) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
    hex += ' ';
  }
  CHECK(hex ==
        "05 3c 01 00 01 08 5f 5f 6e 61 6d 65 5f 5f 01 61 01 d0 0f 00 00 00 00 00 00 f0 3f 01 01 74 "
        "01 78 ");
}

TEST_CASE("exemplars: selected by series and time, sorted; a store of none takes none") {
  StoreRig rig;
  {
    const Traced t(rig);
    t.put(t.b, exemplar(kStart, 1, "b1"));
    t.put(t.a, exemplar(kStart + 1, 1, "a1"));
    t.put(t.a, exemplar(kStart + 2, 1, "a2"));
    CHECK(t.put(t.a, exemplar(kStart, 1, "late")).out_of_order == 1);
    CHECK(t.put(Slot{99}, exemplar(kStart, 1, "x")).appended == 0);
  }
  CHECK(told(all(*rig.store)) == "/a:a1,a2 /b:b1");
  CHECK(told(all(*rig.store, kStart, kStart + 1)) == "/a:a1 /b:b1");
  CHECK(told(all(*rig.store, kStart + 2, kStart + 2)) == "/a:a2");
  const std::vector<std::vector<Matcher>> path_b = {{Matcher::equal("path", "/b")},
                                                    {Matcher::equal("path", "/c")}};
  CHECK(told(rig.store->exemplars(path_b, {from_millis(0), from_millis(kStart * 2)})) == "/b:b1");
  CHECK(rig.telemetry->text().find("nines_storage_exemplars_out_of_order_total 1") !=
        std::string::npos);

  rig.options.exemplars_max = 0;
  rig.kill();
  CHECK(all(*rig.store).empty());
  const Traced t(rig);
  CHECK(t.put(t.a, exemplar(kStart + 9, 1, "x")).appended == 0);
  CHECK(all(*rig.store).empty());
}

TEST_CASE("exemplars: survive a kill, a flush, a sealed segment and another kill") {
  StoreRig rig;
  rig.options.exemplars_max = 5;
  rig.open();
  {
    const Traced t(rig);
    for (int i = 0; i < 3; ++i) t.put(t.a, exemplar(kStart + i, i, "a" + std::to_string(i)));
    t.put(t.b, exemplar(kStart, 1, "b0"));
  }
  const std::string before = "/a:a0,a1,a2 /b:b0";
  rig.kill();  // the journal has them
  CHECK(told(all(*rig.store)) == before);
  REQUIRE(rig.store->flush());
  CHECK(told(all(*rig.store)) == before);
  rig.lose_power();  // a frame of the open raw segment has them
  CHECK(told(all(*rig.store)) == before);
  {
    const Traced t(rig);
    t.put(t.b, exemplar(kStart + 1, 1, "b1"));
    t.put(t.b, exemplar(kStart + 2, 1, "b2"));  // a0 goes
  }
  const std::string after = "/a:a1,a2 /b:b0,b1,b2";
  CHECK(told(all(*rig.store)) == after);
  rig.kill();
  CHECK(told(all(*rig.store)) == after);
  // Enough samples to seal the raw segment: its index names the frames.
  {
    const auto writer = rig.group("fill");
    std::vector<Row> rows;
    for (int i = 0; i < 300; ++i) {
      rows.push_back(row(*writer->slot({{"__name__", "f"}, {"i", std::to_string(i)}}), 0));
    }
    std::uint64_t noise = 1;
    for (int n = 0; n < 400; ++n) {
      for (Row& r : rows) {
        noise = noise * 6364136223846793005ULL + 1442695040888963407ULL;
        r.value = static_cast<double>(noise >> 12) / 3;
      }
      rig.clock.advance(Duration(1000));
      REQUIRE(writer->append(rig.clock.now(), rows));
    }
    REQUIRE(rig.store->flush());
  }
  const auto segments = rig.ring->segments(ring::SegmentClass::kRaw);
  CHECK(std::any_of(segments.begin(), segments.end(), [](const auto& s) { return s.sealed; }));
  rig.kill();
  CHECK(told(all(*rig.store)) == after);
}

TEST_CASE("exemplars: the journal is not given back before they are on the raw ring") {
  StoreRig rig(32, 64u << 10);
  Traced t(rig);
  t.put(t.a, exemplar(kStart, 1, "first"));
  // Rows alone fill journal segments many times over.
  for (int i = 0; i < 20'000; ++i) {
    rig.clock.advance(Duration(1000));
    const std::vector<Row> rows = {row(t.a, i / 7.0), row(t.b, i / 3.0)};
    REQUIRE(t.writer->append(rig.clock.now(), rows));
    if (i % 1000 == 0) rig.store->tend();
  }
  CHECK(told(all(*rig.store)) == "/a:first");
  REQUIRE(rig.store->sync());
  t.writer.reset();
  rig.lose_power();
  CHECK(told(all(*rig.store)) == "/a:first");
}

TEST_CASE("exemplars: many at once make several frames, all of which come back") {
  StoreRig rig;
  rig.options.exemplars_max = 10'000;
  rig.open();
  {
    const Traced t(rig);
    std::vector<ExemplarRow> rows;
    for (int i = 0; i < 6000; ++i)
      rows.push_back({t.a, exemplar(kStart + i, i, "t" + std::to_string(i))});
    REQUIRE(t.writer->append_exemplars(rows));
  }
  rig.lose_power();
  const auto lost = all(*rig.store);  // not synced: whatever came back is the beginning
  if (!lost.empty()) CHECK(lost[0].exemplars.front().time_ms == kStart);
  {
    const Traced t(rig);
    std::vector<ExemplarRow> rows;
    for (int i = 0; i < 6000; ++i)
      rows.push_back({t.b, exemplar(kStart + i, i, "t" + std::to_string(i))});
    REQUIRE(t.writer->append_exemplars(rows));
  }
  REQUIRE(rig.store->sync());
  rig.lose_power();
  const auto found = all(*rig.store);
  REQUIRE(!found.empty());
  CHECK(found.back().series == kB);
  CHECK(found.back().exemplars.size() + (found.size() > 1 ? found[0].exemplars.size() : 0) >= 6000);
  CHECK(found.back().exemplars.back().time_ms == kStart + 5999);
}

}  // namespace nines::storage
