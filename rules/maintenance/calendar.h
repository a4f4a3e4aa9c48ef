#pragma once
// Every maintenance there is: those of the configuration, and those that people have added since.

#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/maintenance/maintenance.h"
#include "storage/api/key_values.h"

namespace nines::maintenance {

// Thread-safe. What people add is on disk before it counts, and is kept for a while after it is
// over, so that an SLO that is counted anew leaves out the same minutes.
class Calendar {
 public:
  static constexpr std::size_t kAddedMax = 1'000;
  static constexpr Duration kKeptAfterEnd{400LL * 86'400'000};

  Calendar(storage::KeyValueStore& values, const Clock& clock);

  // Reads what was kept. kCorrupt: it cannot be read, and is not overwritten: add() then fails,
  // too.
  Result<void> recall();
  void set_configured(std::vector<Maintenance> all);
  // kInvalid: the name is taken. kLimit: there are kAddedMax already. kIo, kCorrupt.
  Result<void> add(Maintenance maintenance);
  // Its window ends now and none follows. kNotFound; kInvalid: it is the configuration's, or over.
  Result<Maintenance> end(const std::string& name);

  std::vector<Maintenance> configured() const;
  std::vector<Maintenance> added() const;

 private:
  Result<void> keep(const std::vector<Maintenance>& all) NINES_REQUIRES(mutex_);

  storage::KeyValueStore& values_;
  const Clock& clock_;
  mutable Mutex mutex_;
  bool readable_ NINES_GUARDED_BY(mutex_) = true;
  std::vector<Maintenance> configured_ NINES_GUARDED_BY(mutex_);
  std::vector<Maintenance> added_ NINES_GUARDED_BY(mutex_);
};

// Whether it lasts at `at` or may begin later.
bool is_over(const Maintenance& maintenance, Timestamp at);

}  // namespace nines::maintenance
