#include "collector/scrape/aligned_time.h"

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

TEST_CASE("the next turn lies strictly after, on the phase, before and after 1970") {
  const Duration interval(1000);
  const Duration phase(300);
  CHECK(next_turn(from_millis(299), interval, phase) == from_millis(300));
  CHECK(next_turn(from_millis(300), interval, phase) == from_millis(1300));
  CHECK(next_turn(from_millis(1299), interval, phase) == from_millis(1300));
  CHECK(next_turn(from_millis(-701), interval, phase) == from_millis(-700));
  CHECK(next_turn(from_millis(-700), interval, phase) == from_millis(300));
}

TEST_CASE("a stamp is the planned time up to 2 ms and 1% of the interval, else the real one") {
  const Timestamp planned = from_millis(100'000);
  CHECK(stamp_of(planned + Duration(2), planned, Duration(15'000)) == planned);
  CHECK(stamp_of(planned + Duration(3), planned, Duration(15'000)) == planned + Duration(3));
  CHECK(stamp_of(planned - Duration(2), planned, Duration(15'000)) == planned);
  CHECK(stamp_of(planned + Duration(1), planned, Duration(100)) == planned);
  CHECK(stamp_of(planned + Duration(2), planned, Duration(100)) == planned + Duration(2));
}

TEST_CASE("phases fill the interval in steps of at most 100 ms") {
  CHECK(phase_of(199, Duration(15'000)) == Duration(100));
  CHECK(phase_of(200, Duration(15'000)) == Duration(200));
  CHECK(phase_of(14'999, Duration(15'000)) == Duration(14'900));
  CHECK(phase_of(15'099, Duration(15'000)) == Duration(0));
  CHECK(phase_of(999, Duration(1'000)) == Duration(950));
  CHECK(phase_of(99, Duration(100)) == Duration(95));
  CHECK(phase_of(9, Duration(10)) == Duration(9));
  CHECK(phase_of(7, Duration(1)) == Duration(0));
}

}  // namespace
}  // namespace nines::collector
