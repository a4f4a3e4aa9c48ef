// A folder opened to be asked answers as its store does, is not changed, and is counted right.
#include "storage/offline/analyze.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/offline/dump.h"
#include "tests/unit/storage/offline/folder_rig.h"

namespace nines::storage {
namespace {

std::unique_ptr<OpenedFolder> open(FolderRig& rig) {
  auto opened = OpenedFolder::open(*rig.fs, rig.path,
                                   {rig.clock, rig.scheduler, *rig.log, *rig.telemetry}, {});
  REQUIRE_MESSAGE(opened, opened.error().what());
  return *std::move(opened);
}

std::map<std::string, std::string> contents(FolderRig& rig) {
  std::map<std::string, std::string> out;
  const std::vector<std::string> names = *rig.fs->list(rig.path);
  for (const std::string& name : names) {
    const auto text = read_file(*rig.fs, rig.path + "/" + name);
    REQUIRE(text);
    out[name] = *text;
  }
  return out;
}

TEST_CASE("an opened folder has every sample and line of a running store, and changes no byte") {
  FolderRig rig;
  rig.add_samples(900);
  rig.add_lines(2500);
  REQUIRE(rig.metrics->flush());
  rig.add_samples(40);
  rig.metrics->set_metadata("shop_1", {MetricType::kGauge, "help", ""});
  rig.metrics->tend();
  const auto before = contents(rig);
  {
    const auto opened = open(rig);
    CHECK(FolderRig::count_samples(opened->querier()) == 9400);
    CHECK(FolderRig::count_lines(opened->log_querier()) == 2500);
    CHECK(opened->querier().metadata().at("shop_1").help == "help");
    CHECK(opened->bytes_in_memory() < 2u << 20);
    CHECK(opened->status(0).damage.empty());
  }
  auto after = contents(rig);
  for (const char* shm : {"state.db-shm"}) after[shm] = before.at(shm);  // SQLite's readers
  CHECK(before == after);
  rig.add_samples(1);
  CHECK(FolderRig::count_samples(open(rig)->querier()) == 9410);
  rig.close();
  const auto stopped = contents(rig);
  CHECK(FolderRig::count_samples(open(rig)->querier()) == 9410);
  CHECK(contents(rig) == stopped);
}

TEST_CASE("a full ring is opened without losing its oldest segment to what recovery writes") {
  FolderRig rig;
  rig.add_samples(30'000);
  rig.add_lines(20'000);
  const std::size_t samples = FolderRig::count_samples(*rig.metrics);
  const std::size_t lines = FolderRig::count_lines(*rig.logs);
  CHECK(samples < 300'000);  // it has gone round
  const auto opened = open(rig);
  CHECK(FolderRig::count_samples(opened->querier()) == samples);
  CHECK(FolderRig::count_lines(opened->log_querier()) == lines);
  CHECK(opened->bytes_in_memory() < 2u << 20);
}

TEST_CASE("a store that writes on while it is opened is seen as it was at some moment") {
  FolderRig rig;
  rig.add_samples(500);
  for (int i = 0; i < 10; ++i) {
    const auto opened = open(rig);
    const std::size_t seen = FolderRig::count_samples(opened->querier());
    CHECK(seen == FolderRig::count_samples(*rig.metrics));
    rig.add_samples(150);
    if (i % 2 == 0) REQUIRE(rig.metrics->flush());
    // Pages that are still there read on; what was evicted is lost, not wrong.
    CHECK(FolderRig::count_samples(opened->querier()) <= seen);
  }
}

TEST_CASE("series are counted by metric, label and target, and by when they were seen") {
  FolderRig rig;
  const std::int64_t start = FolderRig::kStart;
  auto writer = *rig.metrics->open_group("g");
  const auto put = [&](const LabelSet& labels, std::int64_t minute) {
    const auto slot = writer->slot(labels);
    REQUIRE(slot);
    const Row row{*slot, 1.0 * static_cast<double>(minute), nullptr, Row::kBatchTime, 0};
    REQUIRE(writer->append(from_millis(start + minute * 60'000), std::span(&row, 1)));
  };
  const auto series = [](const char* name, const char* instance, int path) {
    return LabelSet{{"__name__", name},
                    {"instance", instance},
                    {"job", "shop"},
                    {"path", "/" + std::to_string(path)}};
  };
  rig.clock.advance(Duration(300 * 60'000));
  for (int minute = 0; minute <= 200; minute += 10) {
    for (int path = 0; path < 5; ++path) put(series("requests", "a", path), minute);
    put(series("up", "a", 0), minute);
    if (minute <= 100) put(series("requests", "b", 0), minute);   // ends
    if (minute >= 150) put(series("requests", "c", 9), minute);   // begins in the newest hour
    if (minute == 140) put(series("edge", "d", 0), minute);       // at the hour's very beginning
  }
  writer.reset();
  REQUIRE(rig.metrics->flush());
  auto found = analyze(*open(rig), 0);
  REQUIRE_MESSAGE(found, found.error().what());
  CHECK(found->series == 9);
  CHECK(found->samples == 6 * 21 + 11 + 6 + 1);
  CHECK(found->samples_in_journal == 0);
  CHECK(found->metric_names == 3);
  CHECK(found->label_names == 3);
  CHECK(found->targets == 4);
  CHECK(found->oldest == from_millis(start));
  CHECK(found->newest == from_millis(start + 200 * 60'000));
  CHECK(found->hour == from_millis(start + 140 * 60'000));
  CHECK(found->ended == 1);
  CHECK(found->begun == 2);
  CHECK_FALSE(found->younger_than_an_hour);
  CHECK(found->damaged_reads == 0);
  CHECK(found->bytes_per_sample > 0);
  REQUIRE(found->metrics.size() == 3);
  CHECK(found->metrics[0].name == "requests");
  CHECK(found->metrics[0].series == 7);
  CHECK(found->metrics[0].ended == 1);
  CHECK(found->metrics[0].begun == 1);
  CHECK(found->metrics[1].name == "edge");
  CHECK(found->metrics[1].begun == 1);
  REQUIRE(found->labels.size() == 3);
  CHECK(found->labels[0].name == "path");
  CHECK(found->labels[0].values == 6);
  CHECK(found->labels[1].name == "instance");
  CHECK(found->labels[1].values == 4);
  CHECK(found->labels[2].series == 9);
  REQUIRE(found->by_target.size() == 4);
  CHECK(found->by_target[0].instance == "a");
  CHECK(found->by_target[0].series == 6);
  REQUIRE(found->classes.size() == 6);
  found = analyze(*open(rig), 1);
  REQUIRE(found);
  CHECK(found->metrics.size() == 1);
  CHECK(found->labels.size() == 1);
  CHECK(found->by_target.size() == 1);
  CHECK(found->targets == 4);
}

TEST_CASE("thousands of series are no limit") {
  FolderRig rig;
  for (int target = 0; target < 50; ++target) {
    const auto writer = *rig.metrics->open_group("t" + std::to_string(target));
    std::vector<Row> rows;
    for (int n = 0; n < 60; ++n) {
      const auto slot = writer->slot(LabelSet{{"__name__", "m"},
                                              {"instance", std::to_string(target)},
                                              {"n", std::to_string(n)}});
      REQUIRE_MESSAGE(slot, slot.error().what());
      rows.push_back({*slot, 1.0 * n, nullptr, Row::kBatchTime, 0});
    }
    REQUIRE(writer->append(from_millis(FolderRig::kStart), rows));
  }
  const auto opened = open(rig);
  const auto found = analyze(*opened, 3);
  REQUIRE_MESSAGE(found, found.error().what());
  CHECK(found->series == 3000);
  CHECK(found->targets == 50);
  std::size_t lines = 0;
  const DumpOptions options{{}, {from_millis(0), from_millis(INT64_MAX)}, DumpFormat::kJson};
  const auto dumped = dump(opened->querier(), options, [&lines](std::string_view text) {
    lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    return Result<void>();
  });
  REQUIRE_MESSAGE(dumped, dumped.error().what());
  CHECK(lines == 3000);
}

TEST_CASE("shares, their use and how long they last are those of the ring") {
  FolderRig rig;
  rig.add_samples(30'000);
  rig.add_lines(20'000);
  const auto found = analyze(*open(rig), 5);
  REQUIRE(found);
  CHECK(found->log_streams == 1);
  std::map<std::string, ClassAnalysis> classes;
  for (const ClassAnalysis& cls : found->classes) classes[cls.share.name] = cls;
  REQUIRE(classes.size() == 6);
  for (const auto cls : {ring::SegmentClass::kJournal, ring::SegmentClass::kRaw,
                         ring::SegmentClass::kT5m, ring::SegmentClass::kT1h,
                         ring::SegmentClass::kLogs, ring::SegmentClass::kLogJournal}) {
    CAPTURE(ring::to_string(cls));
    const ClassShare& share = classes.at(std::string(ring::to_string(cls))).share;
    const ring::Ring::ClassUse use = rig.ring->use(cls);
    CHECK(share.segments == use.quota);
    CHECK(share.segments_used == use.used);
    CHECK(share.bytes == use.bytes);
    CHECK(share.bytes_used == use.bytes_used);
  }
  const ClassAnalysis& raw = classes.at("raw");
  const Duration held = raw.share.newest - raw.share.oldest;
  CHECK(raw.retention >= held);
  CHECK(raw.retention < held * 2);  // it is full
  CHECK(classes.at("journal").retention == Duration{});
  CHECK(found->bytes_per_sample > 1);
  CHECK(found->bytes_per_sample < 12);  // random digits
}

TEST_CASE("an empty folder, one young and one damaged are counted as they are") {
  FolderRig rig;
  auto found = analyze(*open(rig), 5);
  REQUIRE(found);
  CHECK(found->series == 0);
  CHECK(found->bytes_per_sample == 0);
  rig.add_samples(50);
  found = analyze(*open(rig), 5);
  REQUIRE(found);
  CHECK(found->series == 10);
  CHECK(found->younger_than_an_hour);
  CHECK(found->begun == 0);
  CHECK(found->samples_in_journal == 500);
  CHECK(found->bytes_per_sample == 0);
  REQUIRE(rig.metrics->flush());
  const ring::SegmentInfo raw = rig.ring->segments(ring::SegmentClass::kRaw).front();
  std::fstream(rig.path + "/" + ring::segment_name(raw.segment),
               std::ios::in | std::ios::out | std::ios::binary)
      .seekp(raw.data_end - 200)
      .write("damage", 6);
  found = analyze(*open(rig), 5);
  REQUIRE(found);
  CHECK(found->series == 10);  // the journal has the rows still
  CHECK(OpenedFolder::open(*rig.fs, rig.dir / "nowhere",
                           {rig.clock, rig.scheduler, *rig.log, *rig.telemetry}, {})
            .error()
            .code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nines::storage
