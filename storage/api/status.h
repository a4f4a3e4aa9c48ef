#pragma once
// What the store says about itself, for status pages, metrics and `nines storage`.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"

namespace nines::storage {

struct ClassStatus {
  std::string name;  // "journal", "raw", "logs"
  std::uint64_t segments = 0;
  std::uint64_t segments_used = 0;  // hold live data
  std::uint64_t bytes = 0;          // of its segments
  std::uint64_t bytes_used = 0;
  Timestamp oldest{};
  Timestamp newest{};
  double bytes_per_second = 0;     // written since the start; 0: nothing yet
  Duration projected_retention{};  // zero: not yet known, or a journal's
};

// How long `bytes` will hold data, when what is there, from `oldest` to `newest`, takes `used` of
// them; zero while that says little: nothing is there, or less than a minute of it.
Duration projected_retention(std::uint64_t bytes, std::uint64_t used, Timestamp oldest,
                             Timestamp newest);

struct StoreStatus {
  std::string path;
  std::uint64_t budget_bytes = 0;
  std::uint64_t zero_filled_bytes = 0;  // how much of the ring has been written ahead
  std::uint64_t head_series = 0;
  std::uint64_t head_groups = 0;
  std::uint64_t series_max = 0;
  std::uint64_t series_refused = 0;    // newcomers refused by a limit
  std::uint64_t samples_appended = 0;  // since start
  std::uint64_t log_lines_appended = 0;
  std::uint64_t damaged_segments = 0;
  std::vector<std::string> damage;  // one line per damaged frame or segment found at start
  Duration recovery_time{};
  std::uint64_t recovered_samples = 0;
  std::vector<ClassStatus> classes;
  std::vector<std::pair<std::string, std::uint64_t>>
      top_metrics;  // series per metric name, most first
  std::vector<std::pair<std::string, std::uint64_t>>
      top_labels;  // values per label name, most first
  std::vector<std::pair<std::string, std::uint64_t>>
      top_label_bytes;  // length of all values per label name, most first
  std::vector<std::pair<std::string, std::uint64_t>>
      top_pairs;                  // series per name=value, most first
  std::uint64_t label_pairs = 0;  // how many there are
  std::uint64_t raw_pages = 0;    // of single samples, those to come of open rows included
};

class StatusSource {
 public:
  virtual ~StatusSource() = default;
  virtual StoreStatus status(std::size_t top) const = 0;  // thread-safe
};

}  // namespace nines::storage
