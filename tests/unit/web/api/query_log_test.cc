#include "web/api/internal/query_log.h"

#include <optional>

#include "doctest/doctest.h"
#include "tests/support/sim_clock.h"

namespace nines::web {
namespace {

TEST_CASE("a query is listed while it runs, and told to stop when it is killed") {
  testing::SimClock clock{from_millis(1'000)};
  QueryLog log(clock);
  std::optional<QueryLog::Run> run(std::in_place, log, "up");
  REQUIRE(log.running().size() == 1);
  CHECK(log.running()[0].text == "up");
  CHECK(log.running()[0].started == from_millis(1'000));
  CHECK_FALSE(run->stop()->stop);
  CHECK(log.kill(log.running()[0].id));
  CHECK(run->stop()->stop);
  CHECK_FALSE(log.kill(99));
  run.reset();
  CHECK(log.running().empty());
  REQUIRE(log.slow().size() == 1);  // what was killed is remembered
  CHECK(log.slow()[0].stopped);
}

TEST_CASE("of slow queries the newest are remembered, of long ones the beginning") {
  testing::SimClock clock{Timestamp{}};
  QueryLog log(clock, {Duration(0), 2, 3});
  for (const char* text : {"a", "b", "cdef"}) const QueryLog::Run run(log, text);
  const auto slow = log.slow();
  REQUIRE(slow.size() == 2);
  CHECK(slow[0].text == "cde");
  CHECK(slow[1].text == "b");
  QueryLog patient(clock, {Duration(1), 2, 3});
  { const QueryLog::Run run(patient, "quick"); }
  CHECK(patient.slow().empty());
}

}  // namespace
}  // namespace nines::web
