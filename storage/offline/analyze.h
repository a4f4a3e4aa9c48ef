#pragma once
// What a data folder spends its bytes on: for `nines storage analyze`.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "storage/offline/opened_folder.h"

namespace nines::storage {

struct MetricUse {
  std::string name;
  std::uint64_t series = 0;
  std::uint64_t samples = 0;
  std::uint64_t ended = 0;  // series without a sample in the newest hour
  std::uint64_t begun = 0;  // series whose oldest sample is in it
};

struct LabelUse {
  std::string name;
  std::uint64_t values = 0;  // different ones
  std::uint64_t series = 0;  // that have it
};

struct TargetUse {
  std::string job, instance;  // empty: without
  std::uint64_t series = 0;
  std::uint64_t samples = 0;
  std::uint64_t ended = 0, begun = 0;
};

struct ClassAnalysis {
  ClassShare share;
  // How long the share lasts at the rate of what it holds; zero: not known, or a journal's.
  Duration retention{};
};

struct Analysis {
  std::uint64_t series = 0, samples = 0;
  std::uint64_t stale_markers = 0;  // among the samples
  std::uint64_t metric_names = 0, label_names = 0, targets = 0;
  Timestamp oldest{}, newest{};         // of all samples
  Timestamp hour{};                     // the newest hour begins: an hour before the newest sample
  std::uint64_t ended = 0, begun = 0;   // series, as above
  bool younger_than_an_hour = false;    // then every series has begun in it, which says nothing
  std::uint64_t samples_in_journal = 0;
  double bytes_per_sample = 0;  // raw bytes over the samples in pages; 0: none are
  std::uint64_t log_streams = 0;
  std::uint64_t damaged_reads = 0;  // series of which something could not be read
  std::vector<std::string> damage;  // found when the folder was opened
  std::vector<MetricUse> metrics;   // most series first, then by name
  std::vector<LabelUse> labels;     // most values first
  std::vector<TargetUse> by_target;  // most series first
  std::vector<ClassAnalysis> classes;
};

// Reads every sample once. `top`: so many metrics, labels and targets at most; 0: all. Errors as
// Querier::select().
Result<Analysis> analyze(const OpenedFolder& folder, std::size_t top);

}  // namespace nines::storage
