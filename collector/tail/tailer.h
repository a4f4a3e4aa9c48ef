#pragma once
// Follows log files into the log ring, and counts lines into metrics.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"
#include "storage/api/key_values.h"
#include "storage/api/logs.h"

namespace nines::collector {

struct LogMetric {
  std::string name;
  std::string type = "counter";  // counter; gauge and histogram come later
  std::string help;
  std::string regex;            // RE2, unanchored, named groups
  std::vector<std::string> by;  // groups that become labels
  std::string value;            // counter: group whose number is added; empty: 1
};

struct LogConfig {
  std::string job_name;            // unique
  std::vector<std::string> files;  // paths and globs
  std::map<std::string, std::string> labels;
  std::vector<LogMetric> metrics;
  bool read_from_beginning = true;            // of files never seen before; false: from their end
  std::uint64_t line_bytes_max = 256u << 10;  // longer lines are cut, with a marker
  Duration poll_interval{250};
  Duration metrics_interval{5'000};  // how often the derived metrics are written
  int line = 0;
};

struct TailStatus {
  std::string job;
  std::string path;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;  // read so far
  std::uint64_t size = 0;
  std::uint64_t lines = 0;  // since start
  std::uint64_t rotations = 0;
  std::string last_error;
  Timestamp last_line{};
};

struct TailerParts {
  Fs& fs;
  storage::LogAppender& logs;
  storage::Appender& appender;
  storage::KeyValueStore& checkpoints;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  Telemetry& telemetry;
};

// Thread-safe. A file is known by device, inode and a fingerprint of its first bytes, so that
// renaming does not read it again and a reused inode does not skip it; a renamed file is drained
// before its successor is read; truncation starts over. The checkpoint follows
// LogAppender::flush(), so a crash may repeat lines but never loses one; counters carry on from
// where the checkpoint says.
class Tailer {
 public:
  explicit Tailer(TailerParts parts);
  ~Tailer();
  Tailer(const Tailer&) = delete;
  Tailer& operator=(const Tailer&) = delete;

  Result<void> load(std::vector<LogConfig> configs);  // kInvalid: a regex, an unknown group in `by`
  void start();
  void stop();
  void poll_once();  // in the caller's thread: tests
  std::vector<TailStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
