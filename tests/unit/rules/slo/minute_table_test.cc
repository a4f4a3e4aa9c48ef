// Packed minutes against plain ones.
#include "rules/slo/internal/minute_table.h"

#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"

using namespace nines;
using namespace nines::slo;
using storage::LedgerMinute;

namespace {

// What the table does, without any cleverness.
class Plain {
 public:
  void merge(const std::vector<LedgerMinute>& rows) {
    for (const LedgerMinute& row : rows) rows_[row.minute] = row;
  }
  WindowSum sum(std::int64_t from, std::int64_t to) const {
    WindowSum out;
    for (auto it = rows_.lower_bound(from); it != rows_.end() && it->first < to; ++it)
      add_to(out, it->second);
    return out;
  }
  std::vector<LedgerMinute> rows() const {
    std::vector<LedgerMinute> out;
    for (const auto& one : rows_) out.push_back(one.second);
    return out;
  }

 private:
  std::map<std::int64_t, LedgerMinute> rows_;
};

bool same(const std::vector<LedgerMinute>& a, const std::vector<LedgerMinute>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.minute == y.minute && x.good == y.good && x.valid == y.valid &&
           x.excluded == y.excluded && x.is_excluded == y.is_excluded;
  });
}

// Small and large, whole and not, with more good than valid ones now and then.
LedgerMinute random_row(testing::SeededRng& rng, std::int64_t minute) {
  constexpr double kScales[] = {1, 1, 1, 300, 70'000, 5e9, 0.37};
  const double scale = kScales[rng.below(7)];
  LedgerMinute row{minute, 0, scale * static_cast<double>(rng.below(50)), 0};
  row.good = rng.below(4) == 0 ? scale * static_cast<double>(rng.below(60)) : row.valid;
  if (rng.below(9) == 0) {
    row.excluded = scale * static_cast<double>(rng.below(3));
    row.is_excluded = true;
  }
  return row;
}

}  // namespace

TEST_CASE("a table of packed minutes is the same as one of plain ones") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed ", seed);
    testing::SeededRng rng(seed);
    MinuteTable table;
    Plain plain;
    std::int64_t minute = 28'000'000;
    for (int step = 0; step < 120; ++step) {
      std::vector<LedgerMinute> rows;
      std::int64_t at = minute;
      if (rng.below(10) == 0) at -= static_cast<std::int64_t>(rng.below(900));  // a rebuild
      const std::uint64_t count = rng.below(12) == 0 ? 400 : 1 + rng.below(20);
      for (std::uint64_t i = 0; i < count; ++i) {
        at += 1 + static_cast<std::int64_t>(rng.below(20) == 0 ? rng.below(500) : 0);
        rows.push_back(random_row(rng, at));
      }
      minute = std::max(minute, at);
      table.merge(rows);
      plain.merge(rows);
      CHECK(table.news(rows).empty());
      std::vector<LedgerMinute> changed = rows;
      changed.back().valid += 1;
      CHECK(table.news(changed).size() == 1);
      CHECK(table.last_minute() == plain.rows().back().minute);
      const auto from = minute - static_cast<std::int64_t>(rng.below(3'000));
      const auto to = from + static_cast<std::int64_t>(rng.below(3'000));
      const WindowSum a = table.sum(from, to);
      const WindowSum b = plain.sum(from, to);
      // Beside sums of 1e14 before the window.
      CHECK(std::abs(a.valid - b.valid) < 0.1);
      CHECK(std::abs(a.good - b.good) < 0.1);
      CHECK(std::abs(a.excluded - b.excluded) < 0.1);
      CHECK(a.excluded_minutes == b.excluded_minutes);
      CHECK(a.bad_minutes == b.bad_minutes);
    }
    CHECK(same(table.rows(), plain.rows()));
    CHECK(table.first_minute() == plain.rows().front().minute);
  }
}

TEST_CASE("whole numbers are summed exactly over any window, and small in memory") {
  MinuteTable table;
  std::vector<LedgerMinute> rows;
  for (int m = 0; m < 43'200; ++m) rows.push_back({m, m % 60 == 0 ? 59'990.0 : 60'000, 60'000, 0});
  table.merge(rows);
  CHECK(table.sum(0, 43'200).valid == 43'200.0 * 60'000);
  CHECK(table.sum(1, 43'199).bad() == 719 * 10);
  CHECK(table.sum(59, 61).bad() == 10);
  CHECK(table.sum(61, 120).bad_minutes == 0);
  CHECK(table.bytes() < 250'000);
}

TEST_CASE("what is forgotten is not in sums, what is kept is") {
  MinuteTable table;
  std::vector<LedgerMinute> rows;
  for (int m = 0; m < 1'000; ++m) rows.push_back({m, 1, 1, 0});
  table.merge(rows);
  table.forget_before(500);
  CHECK(table.first_minute() > 500 - 128);
  CHECK(table.sum(500, 1'000).valid == 500);
  table.merge({{1'000, 1, 1, 0}});
  CHECK(table.sum(500, 2'000).valid == 501);
  table.forget_before(2'000);
  CHECK(table.empty());
  CHECK(table.sum(0, 5'000).valid == 0);
  table.merge({{3'000, 2, 2, 0}});
  CHECK(table.sum(0, 5'000).valid == 2);
}
