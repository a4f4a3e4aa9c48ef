// Newcomers past a limit are refused by name, counted by cause; those that are there go on.
#include "storage/metrics/internal/series_limits.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

LabelSet one(const std::string& metric, int i) {
  return LabelSet{{"__name__", metric}, {"i", std::to_string(i)}};
}

void check_refused(GroupWriter& group, const LabelSet& labels, const std::string& what) {
  const auto slot = group.slot(labels);
  REQUIRE_FALSE(slot);
  CHECK(slot.error().code() == ErrorCode::kLimit);
  CAPTURE(slot.error().what());
  CHECK(slot.error().what().find(what) != std::string::npos);
  CHECK(slot.error().what().find("[storage]") != std::string::npos);
}

TEST_CASE("a metric has at most so many series, whatever groups they are of") {
  StoreRig rig;
  rig.options.series_per_metric_max = 5;
  rig.open();
  auto a = rig.group("a");
  auto b = rig.group("b");
  for (int i = 0; i < 3; ++i) REQUIRE(a->slot(one("m", i)));
  for (int i = 3; i < 5; ++i) REQUIRE(b->slot(one("m", i)));
  check_refused(*b, one("m", 5), "max_series_per_metric is 5");
  check_refused(*a, one("m", 6), "i=\"6\"");
  CHECK(a->slot(one("n", 0)));  // other metrics go on
  CHECK(a->slot(one("m", 0)));  // and those that are there
  const Row sample = row(*a->slot(one("m", 1)), 1);
  REQUIRE(a->append(rig.clock.now(), std::span(&sample, 1)));
  const Row other = row(*b->slot(one("m", 4)), 1);
  REQUIRE(b->append(rig.clock.now(), std::span(&other, 1)));
  const std::string text = rig.telemetry->text();
  CHECK(text.find("nines_storage_series_refused_total{limit=\"max_series_per_metric\"} 2") !=
        std::string::npos);
  // After a kill those with samples count, and no others.
  a.reset();
  b.reset();
  rig.kill();
  a = rig.group("a");
  b = rig.group("b");
  const auto known = [&](GroupWriter& group, int from, int to) {
    int taken = 0;
    for (int i = from; i < to; ++i) taken += group.slot(one("m", i)) ? 1 : 0;
    return taken;
  };
  CHECK(known(*a, 100, 200) <= 4);
  CHECK(known(*a, 100, 200) >= 3);
  check_refused(*b, one("m", 300), "max_series_per_metric");
}

TEST_CASE("labels have at most a number and lengths, each limit exactly") {
  StoreRig rig;
  rig.options.labels_per_series_max = 4;
  rig.options.label_name_bytes_max = 10;
  rig.options.label_value_bytes_max = 20;
  rig.open();
  auto group = rig.group("g");
  CHECK(group->slot(LabelSet{{"__name__", "m"}, {"a", "1"}, {"b", "2"}, {"c", "3"}}));
  check_refused(*group, LabelSet{{"__name__", "m"}, {"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}},
                "max_labels_per_series is 4");
  CHECK(group->slot(LabelSet{{"__name__", "m"}, {std::string(10, 'n'), "1"}}));
  check_refused(*group, LabelSet{{"__name__", "m"}, {std::string(11, 'n'), "1"}},
                "max_label_name_length is 10");
  CHECK(group->slot(LabelSet{{"__name__", "m"}, {"a", std::string(20, 'v')}}));
  check_refused(*group, LabelSet{{"__name__", "m"}, {"a", std::string(21, 'v')}},
                "max_label_value_length is 20");
  // A message stays short, whatever is refused.
  const auto huge = group->slot(LabelSet{{"__name__", "m"}, {"a", std::string(1 << 20, 'v')}});
  REQUIRE_FALSE(huge);
  CHECK(huge.error().what().size() < 700);
  StoreStatus status;
  rig.store->add_status(status, 10);
  CHECK(status.series_refused == 4);
}

TEST_CASE("what was refused is told once for each limit, with the first of them") {
  const auto telemetry = make_telemetry();
  SeriesRefusals refusals(*telemetry);
  for (int i = 0; i < 3; ++i) (void)refusals.refuse(SeriesLimit::kSeries, 7, one("m", i));
  (void)refusals.refuse(SeriesLimit::kLabels, 2, one("n", 0));
  std::vector<std::string> lines;
  refusals.report([&](const std::string& line) { lines.push_back(line); });
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("3 refused, the first: series ") == 0);
  CHECK(lines[0].find("i=\"0\"") != std::string::npos);
  CHECK(lines[1].find("1 refused") == 0);
  refusals.report([&](const std::string& line) { lines.push_back(line); });
  CHECK(lines.size() == 2);
  CHECK(refusals.total() == 4);
}

}  // namespace
}  // namespace nines::storage
