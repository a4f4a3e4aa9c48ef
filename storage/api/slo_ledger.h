#pragma once
// The ledger of error budgets: good, valid and excluded events of every minute of every SLO.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines::storage {

struct LedgerMinute {
  std::int64_t minute = 0;  // minutes since the epoch
  double good = 0;          // events
  double valid = 0;         // good + bad, without excluded ones
  double excluded = 0;
  // The minute does not count: events, if any, are excluded ones. True wherever `excluded` is not
  // 0.
  bool is_excluded = false;

  // `excluded` as it is kept on disk: -1 for a minute that is left out and had no events.
  static constexpr double kNothingExcluded = -1;
  double kept_excluded() const {
    return is_excluded && excluded == 0 ? kNothingExcluded : excluded;
  }
  void set_excluded(double kept) {
    is_excluded = kept != 0;
    excluded = kept == kNothingExcluded ? 0 : kept;
  }
};

struct LedgerRows {
  std::string slo;
  std::vector<LedgerMinute> minutes;
};

class SloLedger {
 public:
  virtual ~SloLedger() = default;
  // Writes minutes of many SLOs, replacing those that are there: writing twice is the same as
  // writing once. All of them or none.
  virtual Result<void> write_ledger(const std::vector<LedgerRows>& all) = 0;
  Result<void> write_minutes(const std::string& slo, const std::vector<LedgerMinute>& minutes) {
    return write_ledger({{slo, minutes}});
  }
  // Minutes in [from, to), ascending; minutes without a row had no data.
  virtual Result<std::vector<LedgerMinute>> read_minutes(const std::string& slo, std::int64_t from,
                                                         std::int64_t to) = 0;
  virtual Result<std::int64_t> last_minute(const std::string& slo) = 0;  // kNotFound when empty
  // The SLOs that have minutes; sorted.
  virtual Result<std::vector<std::string>> ledger_names() = 0;
  virtual Result<void> prune_ledger(const std::string& slo, std::int64_t before) = 0;
};

}  // namespace nines::storage
